//! An open store, as the C interface sees it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::blob::BlobWriter;
use crate::disk::Disk;
use crate::error::{Context, Error, Result};
use crate::folder::Folder;
use crate::follower::Follower;
use crate::locks::locked;
use crate::options::Options;
use crate::snapshot::Snapshot;
use crate::writer::{Transaction, Writer};

/// How to open a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A consistent view; never waits for a writer.
    Read,
    /// The one writer of an existing store.
    Write,
    /// As `Write`; makes the store if there is none.
    Create,
}

/// An open store; any number of threads may use it at once.
#[derive(Debug)]
pub struct Store {
    role: Role,
}

#[derive(Debug)]
enum Role {
    Writer(Arc<Writer>),
    Reader(Box<Mutex<Option<Follower>>>),
}

impl Store {
    /// Open the store in the folder at `path`; recovery is part of opening.
    pub fn open(path: &Path, mode: Mode) -> Result<Self> {
        Self::open_on(Arc::new(Folder::new(path)), mode, Options::default())
    }

    /// Open the store on any disk, but on a network file system only where `options` force it.
    pub fn open_on(disk: Arc<dyn Disk>, mode: Mode, options: Options) -> Result<Self> {
        if !options.force {
            refuse_network(disk.as_ref())?;
        }
        let role = match mode {
            Mode::Read => Role::Reader(Box::new(Mutex::new(Some(Follower::open(disk, options)?)))),
            Mode::Write => Role::Writer(Arc::new(Writer::open(&disk, options)?)),
            Mode::Create => Role::Writer(Arc::new(Writer::create(&disk, options)?)),
        };
        Ok(Self { role })
    }

    /// Pin the newest durable state. A reader first looks for what the writer's process has
    /// made durable since.
    pub fn snapshot(&self) -> Result<Snapshot> {
        match &self.role {
            Role::Writer(writer) => writer.snapshot(),
            Role::Reader(follower) => locked(follower).as_mut().ok_or(Error::Closed)?.snapshot(),
        }
    }

    /// The writer's clock.
    pub(crate) fn now_ns(&self) -> Result<i64> {
        Ok(self.writer()?.now_ns())
    }

    /// Begin a transaction.
    pub fn begin(&self) -> Result<Transaction> {
        Transaction::begin(self.writer()?)
    }

    /// Begin to store bytes.
    pub fn blob_writer(&self) -> Result<BlobWriter> {
        self.writer()?.blob_writer()
    }

    /// Delete rows and what only they have, truly and at once; return the transaction.
    pub fn purge(&self, ids: &[u64]) -> Result<u64> {
        self.writer()?.purge(ids)
    }

    /// Forget tombstones older than `before_ns`, reclaim space; return the bytes freed.
    pub fn collect(&self, before_ns: i64) -> Result<u64> {
        self.writer()?.collect(before_ns)
    }

    /// Make a checkpoint: what is in memory becomes runs, and opening again reads no more log.
    pub fn checkpoint(&self) -> Result<()> {
        self.writer()?.checkpoint()
    }

    /// Close: what was made from it can read on, but write nothing more.
    pub fn close(&self) {
        match &self.role {
            Role::Writer(writer) => writer.close(),
            Role::Reader(follower) => _ = locked(follower).take(),
        }
    }

    fn writer(&self) -> Result<&Arc<Writer>> {
        match &self.role {
            Role::Writer(writer) => Ok(writer),
            Role::Reader(_) => Err(Error::ReadOnly),
        }
    }
}

/// Fail if a disk is a network file system: a lock taken there may not be seen by other machines,
/// and a sync may return before the data is safe.
fn refuse_network(disk: &dyn Disk) -> Result<()> {
    let place = disk.place();
    match disk.network().doing(|| format!("look at the file system of {place}"))? {
        None => Ok(()),
        Some(name) => Err(Error::Invalid(format!(
            "{place} lies on a network file system ({name}), which does not keep what a store \
             relies on, locks and syncs: move it to a local disk, or force it at your own risk"
        ))),
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}
