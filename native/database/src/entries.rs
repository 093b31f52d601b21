//! What the store holds beside rows: records, and where stored bytes stand.

use std::sync::Arc;

use crate::bytes::Text;
use crate::error::{Error, Result};
use crate::row::Stored;
use crate::segment::Segment;

/// Table `images`; it has functions of its own.
pub(crate) const IMAGES: u8 = 1;
/// Table `vectors`, whose keys begin with an image's id.
pub(crate) const VECTORS: u8 = 3;
/// The highest table.
pub(crate) const LAST_TABLE: u8 = 6;

/// The table with this number, if it holds records.
pub(crate) fn record_table(table: i32) -> Result<u8> {
    u8::try_from(table)
        .ok()
        .filter(|number| (1..=LAST_TABLE).contains(number) && *number != IMAGES)
        .ok_or_else(|| Error::Invalid(format!("{table} is not a table of records")))
}

/// Table and key of a record.
pub(crate) type RecordKey = (u8, Text);

/// A record of a table other than `images`.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) seq: u64,
    /// When it was committed, nanoseconds since 1970.
    pub(crate) when_ns: i64,
    /// None once removed.
    pub(crate) value: Option<Stored>,
}

/// What is left of a purged row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Purged {
    pub(crate) seq: u64,
    pub(crate) when_ns: i64,
}

/// Where a piece of a blob stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// The segment's number.
    pub(crate) segment: u64,
    /// Where its bytes begin.
    pub(crate) offset: u64,
    pub(crate) length: u32,
    pub(crate) check: u64,
    /// Its place among the blob's pieces.
    pub(crate) index: u32,
}

/// Stored bytes.
#[derive(Clone, Debug)]
pub(crate) struct Blob {
    pub(crate) length: u64,
    pub(crate) chunks: Arc<[Chunk]>,
    /// Where the blob is named, if not all of its chunks are in the log.
    pub(crate) lacking: Option<Box<(Arc<Segment>, u64)>>,
}
