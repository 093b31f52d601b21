//! The real disk: a folder of the file system.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Advice, fadvise, statfs};

use crate::disk::{Access, Disk, DiskFile, Lock};
use crate::writeback;

/// A folder; what is made in it is for its owner alone.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder at `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

/// The network file systems that Linux knows, by the number that `statfs` gives them
/// (`linux/magic.h` and the file systems' own headers). FUSE is not among them: it carries
/// local ones too.
const NETWORK: [(u64, &str); 9] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0102_1997, "9P"),
    (0x5346_414f, "AFS"),
    (0x7375_7245, "Coda"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
];

/// The name of a network file system; None for others.
fn network_name(number: u64) -> Option<&'static str> {
    // Some architectures show the number with its sign.
    let number = number & 0xffff_ffff;
    NETWORK.iter().find_map(|(magic, name)| (*magic == number).then_some(*name))
}

impl Disk for Folder {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn network(&self) -> io::Result<Option<&'static str>> {
        // A folder that is to be made is judged by the one that it will be made in.
        let existing = self.path.ancestors().find(|path| path.is_dir());
        let found = statfs(existing.unwrap_or(Path::new(".")))?;
        #[expect(clippy::cast_sign_loss, reason = "a number that is compared by its bits")]
        Ok(network_name(found.f_type as u64))
    }

    fn make(&self) -> io::Result<()> {
        if self.path.is_dir() {
            return Ok(());
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.path)?;
        match self.path.parent() {
            Some(parent) if parent != Path::new("") => File::open(parent)?.sync_all(),
            _ => File::open(".")?.sync_all(),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in self.path.read_dir()? {
            // The store's own names are ASCII; others are none of its business.
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn open(&self, name: &str, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).mode(0o600);
        match access {
            Access::Read => {}
            Access::Write => _ = options.write(true),
            Access::WriteOrCreate => _ = options.write(true).create(true).truncate(false),
            Access::Create => _ = options.write(true).create(true).truncate(true),
        }
        Ok(Arc::new(FolderFile(options.open(self.path.join(name))?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    fn link(&self, path: &str, name: &str) -> io::Result<()> {
        std::fs::hard_link(path, self.path.join(name))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

#[derive(Debug)]
struct FolderFile(File);

impl DiskFile for FolderFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn write_parts_at(&self, parts: [&[u8]; 3], offset: u64) -> io::Result<()> {
        let wanted: usize = parts.iter().map(|part| part.len()).sum();
        // What is cut short, as by a full disk, is written anew, piece by piece, which tells why.
        match rustix::io::pwritev(&self.0, &parts.map(IoSlice::new), offset) {
            Ok(count) if count == wanted => Ok(()),
            _ => parts
                .into_iter()
                .try_fold(offset, |at, part| {
                    self.write_at(part, at)?;
                    Ok(at + part.len() as u64)
                })
                .map(drop),
        }
    }

    fn start_sync(&self, offset: u64, length: u64) {
        writeback::start(&self.0, offset, length);
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn forget_cache(&self) -> io::Result<()> {
        Ok(fadvise(&self.0, 0, None, Advice::DontNeed)?)
    }

    fn try_lock(&self, lock: Lock) -> io::Result<bool> {
        let outcome = match lock {
            Lock::Shared => self.0.try_lock_shared(),
            Lock::Exclusive => self.0.try_lock(),
        };
        match outcome {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn lock(&self) -> io::Result<()> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Network file systems are known by their number, whatever its sign; local ones pass.
    #[test]
    fn network_file_systems_are_known() {
        let ext4 = 0xef53;
        let signed_cifs = 0xffff_ffff_ff53_4d42;
        let found = [0x6969, signed_cifs, 0x0102_1997, ext4].map(network_name);
        assert_eq!(found, [Some("NFS"), Some("CIFS"), Some("9P"), None]);
        let folder = tempfile::tempdir().unwrap();
        let local = Folder::new(folder.path().join("not/yet/there")).network().unwrap();
        assert_eq!(local, None);
    }
}
