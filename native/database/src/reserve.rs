//! Room for what gives room back: on a full disk deletions, purges, collections and checkpoints
//! take what this file holds. It is made again once there is space.

use std::io;
use std::sync::{Arc, Mutex};

use crate::disk::{Access, Disk, fill_with_zeros};
use crate::locks::locked;

/// The file's name.
pub(crate) const NAME: &str = "RESERVE";

/// The file, or its absence.
#[derive(Debug)]
pub(crate) struct Reserve {
    disk: Arc<dyn Disk>,
    /// Its bytes; 0 where there is none.
    length: Mutex<u64>,
}

impl Reserve {
    /// Find the file, if it is there.
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        let found = disk.open(NAME, Access::Read).and_then(|file| file.length());
        Self { disk, length: Mutex::new(found.unwrap_or(0)) }
    }

    /// Have the file hold `bytes`, or more if it does. Where that fails it stays as it was, or there
    /// is none for now.
    pub(crate) fn keep(&self, bytes: u64) {
        let mut length = locked(&self.length);
        if *length >= bytes {
            return;
        }
        *length = match self.fill(*length, bytes) {
            Ok(()) => bytes,
            Err(_) if *length > 0 && self.cut(*length).is_ok() => *length,
            Err(_) => {
                _ = self.disk.remove(NAME);
                0
            }
        };
    }

    fn fill(&self, at: u64, bytes: u64) -> io::Result<()> {
        let file = self.disk.open(NAME, Access::WriteOrCreate)?;
        fill_with_zeros(file.as_ref(), at, bytes, || true)?;
        file.sync()?;
        // Nobody reads them: others need the memory more.
        _ = file.forget_cache();
        Ok(())
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.disk.open(NAME, Access::Write)?.truncate(length)
    }

    /// Give the file's room to whoever asks; return whether there was any.
    pub(crate) fn release(&self) -> bool {
        std::mem::replace(&mut *locked(&self.length), 0) > 0 && self.disk.remove(NAME).is_ok()
    }
}
