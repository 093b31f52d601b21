//! Snapshots: an immutable state, and every way to read from it.

use std::ops::Bound;
use std::sync::Arc;

use crate::blob_reader::{BlobReader, read_all};
use crate::bytes::Text;
use crate::cursor::{Cursor, Source};
use crate::entries::{Blob, record_table};
use crate::error::{Error, Result};
use crate::packed::{Filled, fill_filename, find};
use crate::row::{Hash, Row, Rows};
use crate::state::State;
use crate::transaction::hex;
use crate::values::{id_key, place_key};

/// A snapshot's counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// The store's identity.
    pub uuid: [u8; 16],
    /// The last durable transaction.
    pub seq: u64,
    /// Live rows.
    pub live: u64,
    /// Rows that can be brought back.
    pub deleted: u64,
    /// Distinct stored contents.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Bytes of the runs, and of the log up to `seq`.
    pub disk_bytes: u64,
    /// Bytes of the log that are not stored bytes in use: what a collection may give back.
    pub dead_bytes: u64,
    /// Version of the files' format.
    pub format: u32,
}

/// An immutable view of the store at one transaction.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) state: Arc<State>,
    uuid: [u8; 16],
}

impl Snapshot {
    pub(crate) fn new(state: Arc<State>, uuid: [u8; 16]) -> Self {
        Self { state, uuid }
    }

    /// Counts.
    #[must_use]
    pub fn info(&self) -> Info {
        let runs: u64 = self.state.manifest.runs.iter().map(|run| run.length).sum();
        let log: u64 = self.state.log.iter().map(|part| part.end).sum();
        let used: u64 = self.state.used.values().sum();
        let counts = self.state.counts;
        Info {
            uuid: self.uuid,
            seq: self.state.seq,
            live: counts.live,
            deleted: counts.deleted,
            blobs: counts.blobs,
            blob_bytes: counts.blob_bytes,
            disk_bytes: log + runs,
            dead_bytes: log.saturating_sub(used),
            format: self.state.manifest.format,
        }
    }

    /// The row with this id, live or deleted.
    pub fn get(&self, id: u64) -> Result<Arc<Row>> {
        let found = self.state.rows.get(&id_key(id))?;
        found.ok_or_else(|| Error::NotFound(format!("there is no picture {id}")))
    }

    /// The same, packed into `buffer` as the C header draws it; return its length, and put nothing
    /// where that is more than fits.
    pub fn get_packed(&self, id: u64, buffer: &mut [u8]) -> Result<usize> {
        match find(&self.state.rows, id)? {
            Some(found) => found.fill(buffer),
            None => Err(Error::NotFound(format!("there is no picture {id}"))),
        }
    }

    /// The live row at a path.
    pub fn find_path(&self, root: u32, path: &[u8]) -> Result<Arc<Row>> {
        let owner = self.state.paths.get(&place_key(root, path))?;
        let found = match owner {
            Some(owner) => self.state.rows.get(&id_key(owner.0))?,
            None => None,
        };
        found.ok_or_else(|| {
            let path = String::from_utf8_lossy(path);
            Error::NotFound(format!("there is no picture at {path:?} of root {root}"))
        })
    }

    /// Live rows with exactly this filename, in id order.
    #[must_use]
    pub fn find_filename(&self, filename: &[u8]) -> Cursor {
        Cursor::new(&self.state, Source::Filename { filename: filename.into(), after: 0 })
    }

    /// Those of them with a greater id than `after`, packed into `buffer`, as many as fit.
    pub fn find_filename_packed(
        &self,
        filename: &[u8],
        after: u64,
        buffer: &mut [u8],
    ) -> Result<Filled> {
        fill_filename(&self.state, filename, after, buffer)
    }

    /// Rows with this content, in id order.
    #[must_use]
    pub fn find_content(&self, hash: Hash, rows: Rows) -> Cursor {
        Cursor::new(&self.state, Source::Content { hash, rows, after: 0 })
    }

    /// Rows with a greater id than `after`, in id order.
    #[must_use]
    pub fn images(&self, after: u64, rows: Rows) -> Cursor {
        Cursor::new(&self.state, Source::Images { rows, after })
    }

    /// What a picture, or each of all, was before other bytes took its own ones' place, by id and
    /// transaction; `deleted_ns` is when they did.
    #[must_use]
    pub fn versions(&self, id: Option<u64>) -> Cursor {
        let prefix = id.map_or_else(Text::default, |id| id_key(id).into());
        Cursor::new(&self.state, Source::Versions { prefix, after: None })
    }

    /// Live rows of one root whose path begins with `prefix`, in path order.
    #[must_use]
    pub fn images_below(&self, root: u32, prefix: &[u8]) -> Cursor {
        Cursor::new(&self.state, Source::Below { root, prefix: prefix.into(), after: None })
    }

    /// Live rows of one root whose path is `prefix` and a name without `/`, in path order. With
    /// a folder's `name/` as prefix these are the rows directly in it; deeper ones cost a step a
    /// folder.
    #[must_use]
    pub fn images_inside(&self, root: u32, prefix: &[u8]) -> Cursor {
        let prefix = place_key(root, prefix);
        Cursor::new(&self.state, Source::Inside { next: Bound::Included(prefix.clone()), prefix })
    }

    /// Records of a table whose key begins with `prefix`, in key order.
    pub fn records(&self, table: i32, prefix: &[u8]) -> Result<Cursor> {
        let table = record_table(table)?;
        Ok(Cursor::new(&self.state, Source::Records { table, prefix: prefix.into(), after: None }))
    }

    /// The latest state of every key changed after transaction `since`, in the order of their
    /// transactions.
    pub fn changes(&self, since: u64) -> Result<Cursor> {
        let floor = self.state.feed_floor;
        // Who begins at 0 holds nothing that a forgotten tombstone could tell it to drop.
        if since != 0 && since < floor {
            return Err(Error::Expired { since, floor });
        }
        Ok(Cursor::new(&self.state, Source::Changes { since, after: None }))
    }

    /// Put the stored bytes of a content hash into `buffer`, verified; return their length, and
    /// put nothing where that is more than fits.
    pub fn read_blob(&self, hash: Hash, buffer: &mut [u8]) -> Result<usize> {
        let blob = self.blob(hash)?;
        let length = usize::try_from(blob.length).unwrap_or(usize::MAX);
        if let Some(room) = buffer.get_mut(..length) {
            read_all(&self.state, &blob, room)?;
        }
        Ok(length)
    }

    /// Open the stored bytes of a content hash.
    pub fn open_blob(&self, hash: Hash) -> Result<BlobReader> {
        BlobReader::new(&self.state, &self.blob(hash)?)
    }

    fn blob(&self, hash: Hash) -> Result<Blob> {
        self.state.blobs.get(&hash)?.ok_or_else(|| {
            Error::NotFound(format!("no bytes are stored under the content hash {}", hex(&hash)))
        })
    }
}
