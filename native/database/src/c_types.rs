//! The C interface's types and what they show of ours: all of it that needs no unsafe code.
#![expect(non_camel_case_types, reason = "the types bear the names of the C header")]

use std::sync::Arc;

use crate::blob::BlobWriter;
use crate::blob_reader::{BlobReader, BlobView};
use crate::bytes::Text;
use crate::cursor::{Cursor, Entry};
use crate::entries::IMAGES;
use crate::error::{Error, Result};
use crate::packed::PackedRows;
use crate::row::{Hash, Row, Rows};
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::writer::Transaction;

pub(crate) const OK: i32 = 0;
pub(crate) const DONE: i32 = 1;
pub(crate) const INVALID: i32 = 3;
pub(crate) const INTERNAL: i32 = 15;
pub(crate) const FORCE: i32 = 16;
pub(crate) const HAS_DATA: u32 = 1;
pub(crate) const DELETED: u32 = 2;
pub(crate) const MESSAGE_BYTES: usize = 1016;

#[repr(C)]
pub struct prdb_error {
    pub(crate) status: i32,
    pub(crate) pid: i32,
    pub(crate) message: [u8; MESSAGE_BYTES],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct prdb_bytes {
    pub(crate) data: *const u8,
    pub(crate) length: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct prdb_stat {
    pub(crate) size: u64,
    pub(crate) mtime_ns: i64,
    pub(crate) ctime_ns: i64,
    pub(crate) inode: u64,
    pub(crate) volume: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct prdb_image {
    pub(crate) id: u64,
    pub(crate) seq: u64,
    pub(crate) root: u32,
    pub(crate) flags: u32,
    pub(crate) deleted_ns: i64,
    pub(crate) data_length: u64,
    pub(crate) content_hash: Hash,
    pub(crate) path: prdb_bytes,
    pub(crate) filename: prdb_bytes,
    pub(crate) metadata: prdb_bytes,
    pub(crate) stat: prdb_stat,
}

#[repr(C)]
pub struct prdb_room {
    pub(crate) buffer: *mut u8,
    pub(crate) capacity: usize,
    pub(crate) length: usize,
    pub(crate) count: usize,
    pub(crate) error: prdb_error,
}

#[repr(C)]
pub struct prdb_entry {
    pub(crate) table: u32,
    pub(crate) flags: u32,
    pub(crate) seq: u64,
    pub(crate) key: prdb_bytes,
    pub(crate) value: prdb_bytes,
    pub(crate) image: prdb_image,
}

#[repr(C)]
pub struct prdb_info {
    pub(crate) uuid: [u8; 16],
    pub(crate) seq: u64,
    pub(crate) live: u64,
    pub(crate) deleted: u64,
    pub(crate) blobs: u64,
    pub(crate) blob_bytes: u64,
    pub(crate) disk_bytes: u64,
    pub(crate) dead_bytes: u64,
    pub(crate) format: u32,
}

pub struct prdb_store(pub(crate) Store);
pub struct prdb_snapshot(pub(crate) Snapshot);
pub struct prdb_blob(pub(crate) BlobReader);
#[expect(dead_code, reason = "held only to be kept alive")]
pub struct prdb_view(pub(crate) BlobView);
pub struct prdb_blob_writer(pub(crate) BlobWriter);
pub struct prdb_transaction(pub(crate) Transaction);

/// Keeps alive what a `prdb_image` points to.
pub(crate) struct Shown {
    pub(crate) row: Arc<Row>,
    pub(crate) metadata: Text,
}

/// Keeps alive what the last `prdb_entry` points to.
pub struct prdb_cursor {
    pub(crate) cursor: Cursor,
    pub(crate) rows: PackedRows,
    pub(crate) held: Option<Held>,
}

#[expect(dead_code, reason = "held only to be kept alive")]
pub(crate) enum Held {
    Image(Shown, [u8; 8]),
    Pair(Text, Text),
    Id([u8; 8]),
}

impl Error {
    pub(crate) fn status(&self) -> i32 {
        match self {
            Self::NotFound(_) => 2,
            Self::Invalid(_) => INVALID,
            Self::Io { .. } => 4,
            Self::Corrupt { .. } => 5,
            Self::Locked { .. } => 6,
            Self::Full { .. } => 7,
            Self::Poisoned(_) => 8,
            Self::OutcomeUnknown(_) => 9,
            Self::Unsupported { .. } => 10,
            Self::Expired { .. } => 11,
            Self::ReadOnly => 12,
            Self::Closed => 13,
            Self::Conflict(_) => 14,
            Self::Internal(_) => INTERNAL,
        }
    }
}

pub(crate) fn rows(bits: u32) -> Result<Rows> {
    if !(1..=3).contains(&bits) {
        return Err(Error::Invalid(format!("{bits} does not say which rows")));
    }
    Ok(Rows { live: bits & 1 != 0, deleted: bits & 2 != 0 })
}

pub(crate) fn bytes(text: &[u8]) -> prdb_bytes {
    prdb_bytes { data: text.as_ptr(), length: text.len() }
}

pub(crate) const NO_BYTES: prdb_bytes = prdb_bytes { data: std::ptr::null(), length: 0 };

pub(crate) const NO_IMAGE: prdb_image = prdb_image {
    id: 0,
    seq: 0,
    root: 0,
    flags: 0,
    deleted_ns: 0,
    data_length: 0,
    content_hash: [0; 32],
    path: NO_BYTES,
    filename: NO_BYTES,
    metadata: NO_BYTES,
    stat: prdb_stat { size: 0, mtime_ns: 0, ctime_ns: 0, inode: 0, volume: 0 },
};

impl Shown {
    pub(crate) fn new(row: Arc<Row>) -> Result<Self> {
        let metadata = row.metadata()?;
        Ok(Self { row, metadata })
    }

    pub(crate) fn image(&self) -> prdb_image {
        let Row { stat, .. } = *self.row;
        let Self { row, metadata } = self;
        prdb_image {
            id: row.id,
            seq: row.seq,
            root: row.root,
            flags: flags(row),
            deleted_ns: row.deleted_ns,
            data_length: row.data_length,
            content_hash: row.content_hash,
            path: bytes(&row.path),
            filename: bytes(&row.filename),
            metadata: bytes(metadata),
            stat: prdb_stat {
                size: stat.size,
                mtime_ns: stat.mtime_ns,
                ctime_ns: stat.ctime_ns,
                inode: stat.inode,
                volume: stat.volume,
            },
        }
    }
}

pub(crate) fn flags(row: &Row) -> u32 {
    flags_of(row.has_data, row.is_live())
}

pub(crate) fn flags_of(has_data: bool, is_live: bool) -> u32 {
    (if has_data { HAS_DATA } else { 0 }) | (if is_live { 0 } else { DELETED })
}

impl prdb_cursor {
    /// Keep an entry alive until the next, and describe it.
    pub(crate) fn hold(&mut self, entry: Entry) -> Result<prdb_entry> {
        let none = prdb_entry {
            table: 0,
            flags: 0,
            seq: 0,
            key: NO_BYTES,
            value: NO_BYTES,
            image: NO_IMAGE,
        };
        let pair = |key: &Text, value: &Text, out: prdb_entry| prdb_entry {
            key: bytes(key),
            value: bytes(value),
            ..out
        };
        let (held, out) = match entry {
            Entry::Image(row) => {
                let image = u32::from(IMAGES);
                let out = prdb_entry { table: image, flags: flags(&row), seq: row.seq, ..none };
                let id = row.id.to_be_bytes();
                let row = Shown::new(row)?;
                let out = prdb_entry { image: row.image(), ..out };
                (Held::Image(row, id), out)
            }
            Entry::Record { table, seq, key, value } => {
                let flags = if value.is_none() { DELETED } else { 0 };
                let value = value.unwrap_or_default();
                let out = prdb_entry { table: table.into(), flags, seq, ..none };
                let out = pair(&key, &value, out);
                (Held::Pair(key, value), out)
            }
            Entry::Purged { id, seq } => {
                let image = prdb_image { id, seq, flags: DELETED, ..NO_IMAGE };
                let out = prdb_entry { table: IMAGES.into(), flags: DELETED, seq, image, ..none };
                (Held::Id(id.to_be_bytes()), out)
            }
            Entry::Problem(problem) => {
                let key: Text = problem.place.as_bytes().into();
                let value: Text = problem.what.as_bytes().into();
                let out = pair(&key, &value, none);
                (Held::Pair(key, value), out)
            }
        };
        // The id's bytes must not move any more, so they are pointed to where they stay.
        let held = self.held.insert(held);
        Ok(match held {
            Held::Image(_, id) | Held::Id(id) => prdb_entry { key: bytes(id), ..out },
            Held::Pair(..) => out,
        })
    }
}
