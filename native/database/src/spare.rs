//! The spare file: room for the next segment, filled with zeros and synced before it is needed.
//!
//! Nothing names it and nothing depends on it: one that is there when a store is opened is
//! removed, and where making one fails segments grow instead.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::disk::{Access, Disk, DiskFile, fill_with_zeros};
use crate::locks::locked;
use crate::options::FillAhead;

/// The spare file's name.
pub(crate) const NAME: &str = "SPARE";

type Filled = io::Result<Arc<dyn DiskFile>>;

/// Makes and holds the spare file.
#[derive(Debug)]
pub(crate) struct Spare {
    disk: Arc<dyn Disk>,
    how: FillAhead,
    bytes: u64,
    made: Mutex<Made>,
    ending: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Made {
    Nothing,
    /// Making it failed; the next segment is waited for before it is tried again.
    Failed,
    Growing(JoinHandle<Filled>),
    Ready(Arc<dyn DiskFile>),
}

impl Spare {
    pub(crate) fn new(disk: Arc<dyn Disk>, how: FillAhead, bytes: u64) -> Self {
        Self { disk, how, bytes, made: Mutex::new(Made::Nothing), ending: Arc::default() }
    }

    /// Have one made unless there is one.
    pub(crate) fn want(&self) {
        let mut made = locked(&self.made);
        if !matches!(*made, Made::Nothing) || self.ending.load(Ordering::Relaxed) {
            return;
        }
        let (disk, bytes, ending) = (Arc::clone(&self.disk), self.bytes, Arc::clone(&self.ending));
        let fill = move || fill(disk.as_ref(), bytes, &ending);
        *made = match self.how {
            FillAhead::Off => return,
            FillAhead::Inline => fill().map_or(Made::Failed, Made::Ready),
            FillAhead::Background => std::thread::Builder::new()
                .name("fill ahead".to_owned())
                .spawn(fill)
                .map_or(Made::Failed, Made::Growing),
        };
    }

    /// Take it; the caller renames the file. One that is being made is waited for, since that
    /// costs less than a segment that grows.
    pub(crate) fn take(&self) -> Option<Arc<dyn DiskFile>> {
        match std::mem::replace(&mut *locked(&self.made), Made::Nothing) {
            Made::Nothing | Made::Failed => None,
            Made::Growing(thread) => thread.join().ok()?.ok(),
            Made::Ready(file) => Some(file),
        }
    }

    /// Stop, and remove what was made.
    pub(crate) fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
        if self.take().is_some() {
            // A crash may leave it behind as well; the next opening removes it.
            _ = self.disk.remove(NAME);
        }
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        self.end();
    }
}

/// Make the file. On any failure, a full disk above all, what it took is given back.
fn fill(disk: &dyn Disk, bytes: u64, ending: &AtomicBool) -> Filled {
    let filled = (|| {
        let file = disk.open(NAME, Access::Create)?;
        let is_wanted = || !ending.load(Ordering::Relaxed);
        fill_with_zeros(file.as_ref(), 0, bytes, is_wanted)?;
        file.sync()?;
        Ok(file)
    })();
    if filled.is_err() {
        _ = disk.remove(NAME);
    }
    filled
}
