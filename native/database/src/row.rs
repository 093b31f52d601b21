//! Rows and records as they are held in memory.

use std::sync::Arc;

use crate::bytes::Text;
use crate::error::{Error, Result};
use crate::run::{Heavy, Window};

/// The BLAKE3 of some bytes.
pub type Hash = [u8; 32];

/// What the mirrored file looked like when its bytes were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Nanoseconds since 1970.
    pub ctime_ns: i64,
    /// The inode's number.
    pub inode: u64,
    /// The file system's own identity.
    pub volume: u64,
}

/// What a caller says of a row; the store adds id, transaction and state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRow {
    /// Key in table `roots`, or 0.
    pub root: u32,
    /// Relative to the root.
    pub path: Text,
    /// The last part of the path.
    pub filename: Text,
    /// JSON.
    pub metadata: Text,
    /// Of the picture's bytes.
    pub content_hash: Hash,
    /// Whether the bytes are stored.
    pub has_data: bool,
    /// Of the mirrored file.
    pub stat: Stat,
}

impl NewRow {
    /// Check the rules that the C header documents.
    pub(crate) fn validate(&self) -> Result<()> {
        let invalid = |what: &str| {
            let path = String::from_utf8_lossy(&self.path);
            let filename = String::from_utf8_lossy(&self.filename);
            Err(Error::Invalid(format!("path {path:?}, filename {filename:?}: {what}")))
        };
        if self.filename.is_empty() || self.filename.iter().any(|byte| matches!(byte, 0 | b'/')) {
            return invalid("a filename is not empty and has no NUL and no slash");
        }
        if self.path.contains(&0) {
            return invalid("a path has no NUL");
        }
        if self.path.is_empty() && self.root != 0 {
            return invalid("a row of a root has a path");
        }
        if !self.path.is_empty()
            && self.path.rsplit(|&byte| byte == b'/').next() != Some(&self.filename)
        {
            return invalid("the filename is not the last part of the path");
        }
        if std::str::from_utf8(&self.metadata).is_err() {
            return invalid("the metadata is not UTF-8");
        }
        Ok(())
    }
}

/// A row of `images`.
#[derive(Clone, Debug)]
pub struct Row {
    /// Never 0, never reused.
    pub id: u64,
    /// The transaction of its last change.
    pub seq: u64,
    /// Key in table `roots`, or 0.
    pub root: u32,
    /// Whether the picture's bytes are stored.
    pub has_data: bool,
    /// When it was deleted; 0 while live.
    pub deleted_ns: i64,
    /// Length of the stored bytes; 0 without them.
    pub data_length: u64,
    /// Of the picture's bytes.
    pub content_hash: Hash,
    /// Of the mirrored file.
    pub stat: Stat,
    /// Relative to the root.
    pub path: Text,
    /// The last part of the path.
    pub filename: Text,
    pub(crate) metadata: Stored,
}

impl Row {
    /// Whether it is no tombstone.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.deleted_ns == 0
    }

    /// The metadata, read from the disk unless it is in memory.
    pub fn metadata(&self) -> Result<Text> {
        self.metadata.load()
    }
}

/// A long value: in memory, or where it stands in a run.
#[derive(Clone, Debug)]
pub(crate) enum Stored {
    Memory(Text),
    Run(Heavy),
}

impl Stored {
    /// The value, verified.
    pub(crate) fn load(&self) -> Result<Text> {
        match self {
            Self::Memory(value) => Ok(Arc::clone(value)),
            Self::Run(heavy) => heavy.load(),
        }
    }

    /// The value, verified; it stays in `window` until the next.
    pub(crate) fn load_through<'a>(&'a self, window: &'a mut Window) -> Result<&'a [u8]> {
        match self {
            Self::Memory(value) => Ok(value),
            Self::Run(heavy) => heavy.load_through(window),
        }
    }

    /// Bytes in memory.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Memory(value) => value.len(),
            Self::Run(_) => 0,
        }
    }
}

/// Which rows a listing yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Live ones.
    pub live: bool,
    /// Tombstones.
    pub deleted: bool,
}

impl Rows {
    /// Live rows only.
    pub const LIVE: Self = Self { live: true, deleted: false };
    /// Live and deleted rows.
    pub const ALL: Self = Self { live: true, deleted: true };

    pub(crate) fn hold(self, row: &Row) -> bool {
        if row.is_live() { self.live } else { self.deleted }
    }
}
