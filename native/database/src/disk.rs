//! The border to the operating system: everything the store does to files goes through these
//! two traits, so that tests can put a disk behind them that loses, tears and refuses writes.

use std::fmt::Debug;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// An existing file, for reading.
    Read,
    /// An existing file, for reading and writing.
    Write,
    /// For reading and writing; made if it is not there.
    WriteOrCreate,
    /// For reading and writing, empty; one of that name is emptied.
    Create,
}

/// Which lock is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Held by any number at once.
    Shared,
    /// Held by one alone.
    Exclusive,
}

/// One folder; names are of files in it.
///
/// What is assumed: bytes outside a written range are untouched by that write; what `sync`
/// and `sync_folder` returned for survives a power cut; a rename is atomic.
pub trait Disk: Send + Sync + Debug {
    /// The folder's path, for messages.
    fn place(&self) -> String;
    /// What the folder lies on, or will once it is made, if that is a network file system: its
    /// name. By default a local one.
    fn network(&self) -> io::Result<Option<&'static str>> {
        Ok(None)
    }
    /// Make the folder if it is not there, durably.
    fn make(&self) -> io::Result<()>;
    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Open a file.
    fn open(&self, name: &str, access: Access) -> io::Result<Arc<dyn DiskFile>>;
    /// Give a file another name, replacing what bore it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Give the file at a path another name, here: both are then one. By default refused, as by a
    /// file system that cannot.
    fn link(&self, path: &str, name: &str) -> io::Result<()> {
        _ = (path, name);
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Remove a file's name; those who have it open keep it.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Make creations, renames and removals durable.
    fn sync_folder(&self) -> io::Result<()>;
}

/// An open file. Positional: several threads may use it at once.
pub trait DiskFile: Send + Sync + Debug {
    /// Read up to `buffer.len()` bytes; 0 only at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Write all of `bytes`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Write all of `parts`, one behind the other. By default by one write each.
    fn write_parts_at(&self, parts: [&[u8]; 3], mut offset: u64) -> io::Result<()> {
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            self.write_at(part, offset)?;
            offset += part.len() as u64;
        }
        Ok(())
    }
    /// Begin to write what is dirty in a range, without waiting: a hint, so that a later `sync` has
    /// less to wait for. By default nothing.
    fn start_sync(&self, offset: u64, length: u64) {
        _ = (offset, length);
    }
    /// The descriptor by which the file can be mapped into memory, if it can.
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
    /// Make bytes and length durable.
    fn sync(&self) -> io::Result<()>;
    /// Cut the file off at `length`; no one may be reading beyond.
    fn truncate(&self, length: u64) -> io::Result<()>;
    /// The length in bytes.
    fn length(&self) -> io::Result<u64>;
    /// Have later reads come from the disk itself: a failed sync leaves pages in memory that
    /// the disk does not hold.
    fn forget_cache(&self) -> io::Result<()>;
    /// Take a lock that lasts until the file is closed; false if another holds it.
    fn try_lock(&self, lock: Lock) -> io::Result<bool>;
    /// As `try_lock`, but wait.
    fn lock(&self) -> io::Result<()>;
}

/// Zeros that are written at once. The kernel keeps them, and what is written in their place, in
/// memory in pieces of this size, and copies larger ones faster.
pub(crate) static ZEROS: [u8; 1 << 18] = [0; 1 << 18];

/// Write zeros into `from..to` while `is_wanted` says so.
pub(crate) fn fill_with_zeros(
    file: &dyn DiskFile,
    mut from: u64,
    to: u64,
    is_wanted: impl Fn() -> bool,
) -> io::Result<()> {
    while from < to {
        if !is_wanted() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let left = usize::try_from(to - from).unwrap_or(usize::MAX);
        let piece = ZEROS.get(..left.min(ZEROS.len())).unwrap_or_default();
        file.write_at(piece, from)?;
        from += piece.len() as u64;
    }
    Ok(())
}

/// Read until `buffer` is full or the file ends; return how much was read.
pub(crate) fn read_full(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Read a whole small file.
pub(crate) fn read_whole(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let length = usize::try_from(file.length()?).map_err(io::Error::other)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length)?;
    bytes.resize(length, 0);
    let count = read_full(file, &mut bytes, 0)?;
    bytes.truncate(count);
    Ok(bytes)
}
