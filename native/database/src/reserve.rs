//! Room for what gives room back: on a full disk deletions, purges, collections and checkpoints
//! take what this file holds. It is made again once there is space.

use std::io;
use std::sync::{Arc, Mutex};

use crate::disk::{Access, Disk};
use crate::log::locked;

/// The file's name.
pub(crate) const NAME: &str = "RESERVE";
/// Bytes that are written at once.
const PIECE: usize = 1 << 20;

/// The file, or its absence.
#[derive(Debug)]
pub(crate) struct Reserve {
    disk: Arc<dyn Disk>,
    bytes: u64,
    is_there: Mutex<bool>,
}

impl Reserve {
    /// Find the file, if it is there with `bytes` bytes.
    pub(crate) fn new(disk: Arc<dyn Disk>, bytes: u64) -> Self {
        let found = disk.open(NAME, Access::Read).and_then(|file| file.length());
        let is_there = found.is_ok_and(|length| length == bytes);
        Self { disk, bytes, is_there: Mutex::new(is_there) }
    }

    /// Make the file unless it is there. Where that fails there is none for now.
    pub(crate) fn keep(&self) {
        let mut is_there = locked(&self.is_there);
        if !*is_there {
            *is_there = self.fill().is_ok();
            if !*is_there {
                _ = self.disk.remove(NAME);
            }
        }
    }

    fn fill(&self) -> io::Result<()> {
        let file = self.disk.open(NAME, Access::Create)?;
        let zeros = vec![0; PIECE];
        let mut at = 0;
        while at < self.bytes {
            let left = usize::try_from(self.bytes - at).unwrap_or(usize::MAX);
            let piece = zeros.get(..left.min(PIECE)).unwrap_or_default();
            file.write_at(piece, at)?;
            at += piece.len() as u64;
        }
        file.sync()
    }

    /// Give the file's room to whoever asks; return whether there was any.
    pub(crate) fn release(&self) -> bool {
        let mut is_there = locked(&self.is_there);
        std::mem::replace(&mut *is_there, false) && self.disk.remove(NAME).is_ok()
    }
}
