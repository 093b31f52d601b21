//! The mark: how far the log is durable, for readers in other processes.
//!
//! Advisory: recovery needs it not, but where it is there it also vouches that what lies
//! before it had reached the disk. Its file carries the second lock of a writer, which
//! readers may try in passing without ever standing in the way of the first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::bytes::{Put, Take, seal, verified};
use crate::disk::{Access, Disk, DiskFile, Lock, read_full};
use crate::error::{Context, Result};

/// The mark's name.
pub(crate) const NAME: &str = "DURABLE";
const MAGIC: [u8; 8] = *b"PRDBdur\x1a";
const LENGTH: usize = 32;
/// Reads that may fall between two halves of a write before the mark counts as unreadable.
const ATTEMPTS: usize = 16;

/// Everything in the segment with `salt` below `end` is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) salt: u64,
    pub(crate) end: u64,
}

impl Mark {
    fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.put(&MAGIC);
        bytes.put_u64(self.salt);
        bytes.put_u64(self.end);
        seal(&mut bytes);
        debug_assert_eq!(bytes.len(), LENGTH);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut take = Take::new(verified(bytes)?);
        (take.array() == Some(MAGIC)).then_some(())?;
        Some(Self { salt: take.u64()?, end: take.u64()? })
    }

    /// Read the mark of a store; None where there is none that can be trusted.
    pub(crate) fn load(disk: &dyn Disk) -> Option<Self> {
        let file = disk.open(NAME, Access::Read).ok()?;
        let mut bytes = [0; LENGTH];
        (0..ATTEMPTS).find_map(|_| {
            read_full(file.as_ref(), &mut bytes, 0).ok()?;
            Self::decode(&bytes)
        })
    }

    /// Whether some process has the store open for writing.
    pub(crate) fn writer_lives(disk: &dyn Disk) -> bool {
        disk.open(NAME, Access::Read)
            .and_then(|file| file.try_lock(Lock::Shared))
            .is_ok_and(|taken| !taken)
    }
}

/// The writer's hold of the mark; its lock ends with it.
#[derive(Debug)]
pub(crate) struct MarkFile {
    /// None once closed.
    held: Mutex<Option<Held>>,
    path: String,
}

#[derive(Debug)]
struct Held {
    file: Arc<dyn DiskFile>,
    /// What stands there; None where that is not known.
    mark: Option<Mark>,
    /// Whether that is known to be on the disk.
    synced: bool,
}

impl MarkFile {
    /// Open and lock. Waits only for readers that are just trying the lock. `synced` says that the
    /// mark is on the disk as it stands there, since the writer before ended well.
    pub(crate) fn open(disk: &dyn Disk, synced: bool) -> Result<Self> {
        let path = format!("{}/{NAME}", disk.place());
        let file = disk.open(NAME, Access::WriteOrCreate).doing(|| format!("open {path}"))?;
        file.lock().doing(|| format!("lock {path}"))?;
        let mark = Mark::load(disk);
        Ok(Self { held: Mutex::new(Some(Held { file, mark, synced })), path })
    }

    /// What stood there when it was opened, or was written since.
    pub(crate) fn mark(&self) -> Option<Mark> {
        self.held().as_ref()?.mark
    }

    /// Write the mark, unless it stands there already.
    pub(crate) fn write(&self, mark: Mark) -> Result<()> {
        match self.held().as_mut().filter(|held| held.mark != Some(mark)) {
            None => Ok(()),
            Some(held) => {
                (held.mark, held.synced) = (None, false);
                held.file.write_at(&mark.encode(), 0).doing(|| format!("write {}", self.path))?;
                held.mark = Some(mark);
                Ok(())
            }
        }
    }

    /// Make the mark durable, unless it is.
    pub(crate) fn sync(&self) -> Result<()> {
        match self.held().as_mut().filter(|held| !held.synced) {
            None => Ok(()),
            Some(held) => {
                held.file.sync().doing(|| format!("sync {}", self.path))?;
                held.synced = true;
                Ok(())
            }
        }
    }

    /// End the hold.
    pub(crate) fn close(&self) {
        self.held().take();
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
