//! The store's content at one transaction: persistent maps, so that a copy costs nothing and
//! whoever holds one sees it for ever.

use std::collections::HashMap;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use crate::bytes::checksum;
use crate::error::{Error, Result};
use crate::op::{ImageOp, Op, Ops};
use crate::row::{Hash, Row, Stored, Text};
use crate::segment::{Segment, SegmentPart};

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

/// What the index of filenames holds in a name's place: comparing numbers touches no other
/// memory. Rows of unlike names may share one, so who looks a name up compares it.
pub(crate) fn name_hash(filename: &[u8]) -> u64 {
    checksum(filename)
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

/// What changed, in the order of the feed within one transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FeedKey {
    Image(u64),
    Record(u8, Text),
}

/// Where a piece of a blob stands.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    pub(crate) segment: Arc<Segment>,
    pub(crate) offset: u64,
    pub(crate) length: u32,
    pub(crate) check: u64,
    /// Its place among the blob's pieces.
    pub(crate) index: u32,
}

/// Stored bytes.
#[derive(Clone, Debug)]
pub(crate) struct Blob {
    pub(crate) id: u64,
    pub(crate) length: u64,
    pub(crate) chunks: Arc<[Chunk]>,
    /// Where the blob is named, if not all of its chunks are in the log.
    lacking: Option<Box<(Arc<Segment>, u64)>>,
}

/// Chunks of blobs that no transaction has named yet, by the blob's number.
pub(crate) type LooseChunks = HashMap<u64, Vec<Chunk>>;

/// Everything that a snapshot sees.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) seq: u64,
    pub(crate) next_id: u64,
    pub(crate) feed_floor: u64,
    pub(crate) live: u64,
    pub(crate) blob_bytes: u64,
    pub(crate) rows: OrdMap<u64, Arc<Row>>,
    pub(crate) purged: OrdMap<u64, Purged>,
    pub(crate) records: OrdMap<RecordKey, Record>,
    pub(crate) feed: OrdSet<(u64, FeedKey)>,
    pub(crate) blobs: OrdMap<Hash, Blob>,
    /// Live rows of a root.
    pub(crate) paths: OrdMap<(u32, Text), u64>,
    /// Live rows by the hash of their filename, see [`name_hash`].
    pub(crate) filenames: OrdSet<(u64, u64)>,
    /// Live and deleted rows.
    pub(crate) contents: OrdSet<(Hash, u64)>,
    /// The log up to `seq`.
    pub(crate) log: Arc<[SegmentPart]>,
    /// Blobs that may have lost their last row; see [`State::settle`].
    unused: Vec<Hash>,
}

/// Where a transaction's payload stands.
pub(crate) struct Source<'a> {
    pub(crate) segment: &'a Arc<Segment>,
    /// Offset of the payload's first byte.
    pub(crate) payload_at: u64,
    pub(crate) seq: u64,
}

impl State {
    /// The state before the log's first transaction, with what only a manifest knows.
    pub(crate) fn beginning(seq: u64, next_id: u64, feed_floor: u64) -> Self {
        Self { seq, next_id, feed_floor, ..Self::default() }
    }

    /// Apply a transaction's payload. Both the commit and the recovery do it, so what is read
    /// back can be nothing else than what was seen. An error says what is wrong with it.
    pub(crate) fn apply(
        &mut self,
        source: &Source<'_>,
        payload: &[u8],
        count: u32,
        loose: &mut LooseChunks,
    ) -> Result<(), &'static str> {
        const BROKEN: &str = "a transaction's operations cannot be read";
        let ops = Ops::new(payload, count).ok_or(BROKEN)?;
        let when_ns = ops.when_ns;
        for op in ops {
            match op.ok_or(BROKEN)? {
                Op::Image(image) => self.apply_image(source, &image),
                Op::Purge(id) => self.apply_purge(source.seq, when_ns, id),
                Op::Record { table, key, value } => {
                    let at = source.payload_at + value.at as u64;
                    let value = Stored::new(source.segment, at, value.bytes);
                    self.set_record(table, key, source.seq, when_ns, Some(value));
                }
                Op::Removal { table, key } => {
                    self.set_record(table, key, source.seq, when_ns, None);
                }
                Op::Blob { hash, id, length, chunks } => {
                    let found = loose.remove(&id).unwrap_or_default();
                    let bytes: u64 = found.iter().map(|chunk| u64::from(chunk.length)).sum();
                    let whole = (0..chunks).eq(found.iter().map(|chunk| chunk.index));
                    let lacking = (!whole || bytes != length)
                        .then(|| Box::new((Arc::clone(source.segment), source.payload_at)));
                    self.set_blob(hash, Blob { id, length, chunks: found.into(), lacking });
                }
            }
        }
        self.seq = self.seq.max(source.seq);
        Ok(())
    }

    /// Forget blobs that no row uses; fail if one that is used is not whole. Not before the last
    /// transaction was applied: a rewritten log lacks superseded revisions and unused chunks, so
    /// a blob may be without rows or pieces for a while.
    pub(crate) fn settle(&mut self) -> Result<()> {
        for hash in std::mem::take(&mut self.unused) {
            let used = self.rows_with(hash).any(|row| row.has_data);
            match self.blobs.get(&hash) {
                Some(blob) if !used => {
                    self.blob_bytes -= blob.length;
                    self.blobs.remove(&hash);
                }
                Some(Blob { lacking: Some(place), .. }) => {
                    let (segment, offset) = place.as_ref();
                    return Err(segment.corrupt(*offset, "it names stored bytes that are gone"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn apply_image(&mut self, source: &Source<'_>, image: &ImageOp<'_>) {
        let at = source.payload_at + image.metadata.at as u64;
        let old = self.take_row(image.id);
        // A row that keeps its name shares the old one's bytes.
        let share = |bytes: &[u8], held: Option<&Text>| {
            held.filter(|held| ***held == *bytes).map_or_else(|| bytes.into(), Arc::clone)
        };
        let row = Row {
            id: image.id,
            seq: source.seq,
            root: image.root,
            has_data: image.has_data,
            deleted_ns: image.deleted_ns,
            data_length: image.data_length,
            content_hash: image.content_hash,
            stat: image.stat,
            path: share(image.path, old.as_ref().map(|row| &row.path)),
            filename: share(image.filename, old.as_ref().map(|row| &row.filename)),
            metadata: Stored::new(source.segment, at, image.metadata.bytes),
        };
        self.next_id = self.next_id.max(image.id + 1);
        if row.is_live() {
            self.live += 1;
            self.filenames.insert((name_hash(&row.filename), row.id));
            if row.root != 0 {
                self.paths.insert((row.root, Arc::clone(&row.path)), row.id);
            }
        }
        self.contents.insert((row.content_hash, row.id));
        self.feed.insert((row.seq, FeedKey::Image(row.id)));
        self.rows.insert(row.id, Arc::new(row));
    }

    fn apply_purge(&mut self, seq: u64, when_ns: i64, id: u64) {
        self.take_row(id);
        self.next_id = self.next_id.max(id + 1);
        if let Some(old) = self.purged.insert(id, Purged { seq, when_ns }) {
            self.feed.remove(&(old.seq, FeedKey::Image(id)));
        }
        self.feed.insert((seq, FeedKey::Image(id)));
    }

    /// Take a row out of all maps.
    pub(crate) fn take_row(&mut self, id: u64) -> Option<Arc<Row>> {
        let row = self.rows.remove(&id)?;
        if row.is_live() {
            self.live -= 1;
            self.filenames.remove(&(name_hash(&row.filename), id));
            let place = (row.root, Arc::clone(&row.path));
            // In a rewritten log another row may already stand there.
            if self.paths.get(&place) == Some(&id) {
                self.paths.remove(&place);
            }
        }
        self.contents.remove(&(row.content_hash, id));
        self.feed.remove(&(row.seq, FeedKey::Image(id)));
        if row.has_data {
            self.unused.push(row.content_hash);
        }
        Some(row)
    }

    fn set_record(&mut self, table: u8, key: &[u8], seq: u64, when_ns: i64, value: Option<Stored>) {
        let key: Text = key.into();
        let record = Record { seq, when_ns, value };
        if let Some(old) = self.records.insert((table, Arc::clone(&key)), record) {
            self.feed.remove(&(old.seq, FeedKey::Record(table, Arc::clone(&key))));
        }
        self.feed.insert((seq, FeedKey::Record(table, key)));
    }

    fn set_blob(&mut self, hash: Hash, blob: Blob) {
        self.blob_bytes += blob.length;
        if let Some(old) = self.blobs.insert(hash, blob) {
            self.blob_bytes -= old.length;
        }
        self.unused.push(hash);
    }

    /// Live and deleted rows with this content, by id.
    pub(crate) fn rows_with(&self, hash: Hash) -> impl Iterator<Item = &Arc<Row>> {
        self.contents.range((hash, 0)..=(hash, u64::MAX)).filter_map(|(_, id)| self.rows.get(id))
    }

    /// Forget a removed record and its place in the feed.
    pub(crate) fn forget_record(&mut self, key: &RecordKey) {
        if let Some(record) = self.records.remove(key) {
            self.feed.remove(&(record.seq, FeedKey::Record(key.0, Arc::clone(&key.1))));
        }
    }

    /// Forget what is left of a purged row.
    pub(crate) fn forget_purged(&mut self, id: u64) {
        if let Some(purged) = self.purged.remove(&id) {
            self.feed.remove(&(purged.seq, FeedKey::Image(id)));
        }
    }

    /// Keys of a table's records that begin with `prefix`, removed ones included.
    pub(crate) fn record_keys<'a>(
        &'a self,
        table: u8,
        prefix: &'a [u8],
    ) -> impl Iterator<Item = (&'a RecordKey, &'a Record)> {
        self.records
            .range((table, Text::from(prefix))..)
            .take_while(move |(key, _)| key.0 == table && key.1.starts_with(prefix))
    }

    /// Whether an operation of transaction `seq` is still the last word on its key; others may
    /// be dropped from the log.
    pub(crate) fn is_current(&self, seq: u64, op: &Op<'_>) -> bool {
        match op {
            Op::Image(image) => self.rows.get(&image.id).is_some_and(|row| row.seq == seq),
            Op::Purge(id) => self.purged.get(id).is_some_and(|purged| purged.seq == seq),
            Op::Record { table, key, .. } | Op::Removal { table, key } => self
                .records
                .get(&(*table, Text::from(*key)))
                .is_some_and(|record| record.seq == seq),
            Op::Blob { hash, id, .. } => self.blobs.get(hash).is_some_and(|blob| blob.id == *id),
        }
    }

    /// What differs from another state that was reached on another way; None if nothing does.
    pub(crate) fn difference(&self, other: &Self) -> Option<&'static str> {
        let rows = |state: &Self| -> Vec<_> {
            state.rows.values().map(|row| (row.id, row.seq, row.deleted_ns)).collect()
        };
        let records = |state: &Self| -> Vec<_> {
            let entries = state.records.iter();
            entries.map(|(key, held)| (key.clone(), held.seq, held.value.is_some())).collect()
        };
        let blobs = |state: &Self| -> Vec<_> {
            state.blobs.iter().map(|(hash, blob)| (*hash, blob.id, blob.length)).collect()
        };
        [
            ("transactions", self.seq == other.seq),
            ("rows", rows(self) == rows(other) && self.live == other.live),
            ("purged rows", self.purged == other.purged),
            ("records", records(self) == records(other)),
            ("stored bytes", blobs(self) == blobs(other) && self.blob_bytes == other.blob_bytes),
            ("paths", self.paths == other.paths),
            ("filenames", self.filenames == other.filenames),
            ("contents", self.contents == other.contents),
            ("changes", self.feed == other.feed && self.feed_floor == other.feed_floor),
        ]
        .into_iter()
        .find_map(|(what, same)| (!same).then_some(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;
    use crate::op::Field;
    use crate::row::Stat;
    use crate::segment::SegmentId;

    fn image(id: u64, path: &[u8]) -> Op<'_> {
        Op::Image(ImageOp {
            id,
            root: 1,
            has_data: false,
            deleted_ns: 0,
            data_length: 0,
            content_hash: [0; 32],
            stat: Stat::default(),
            path,
            filename: path,
            metadata: Field::unplaced(b"{}"),
        })
    }

    /// Where a rewrite has dropped the revision with which a row left its place, the row that
    /// came there since keeps it, whatever the first one does later.
    #[test]
    fn dropped_revisions_leave_the_indexes_right() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Folder::new(folder.path());
        let id = SegmentId { number: 1, generation: 1 };
        let segment = Arc::new(Segment::create(&disk, [0; 16], id, 1).unwrap());
        let mut state = State::default();
        // Transaction 2, in which picture 1 left "p", is missing.
        for (seq, op) in [(1, image(1, b"p")), (3, image(2, b"p")), (4, image(1, b"r"))] {
            let mut payload = Vec::new();
            Ops::begin(0, &mut payload);
            op.encode(&mut payload);
            let source = Source { segment: &segment, payload_at: 0, seq };
            state.apply(&source, &payload, 1, &mut LooseChunks::new()).unwrap();
        }
        let owner = |path: &[u8]| state.paths.get(&(1, path.into())).copied();
        assert_eq!((owner(b"p"), owner(b"r")), (Some(2), Some(1)));
        assert_eq!((state.seq, state.live), (4, 2));
    }
}
