//! The store's content at one transaction: trees, so that a copy costs nothing and whoever holds
//! one sees it for ever.

use std::collections::HashMap;
use std::sync::Arc;

use imbl::OrdMap;

use crate::bytes::Text;
use crate::entries::{Blob, Chunk, Purged, Record};
use crate::error::Result;
use crate::frame::extent;
use crate::manifest::{Counts, Manifest};
use crate::op::{ImageOp, Op, Ops};
use crate::row::{Hash, Row, Stored};
use crate::run::Run;
use crate::segment::{Segment, SegmentPart};
use crate::tree::{Tree, Value};
use crate::values::{
    Content, Fed, Named, Owner, TREES, Version, content_key, content_prefix, feed_image, feed_key,
    id_key, id_of, name_key, place_key, record_key, version_key,
};

/// Chunks of blobs that no transaction has named yet, by the blob's number.
pub(crate) type LooseChunks = HashMap<u64, Vec<Chunk>>;

/// Everything that a snapshot sees.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) seq: u64,
    pub(crate) next_id: u64,
    pub(crate) feed_floor: u64,
    pub(crate) counts: Counts,
    /// By id.
    pub(crate) rows: Tree<Arc<Row>>,
    /// By id.
    pub(crate) purged: Tree<Purged>,
    /// By table and key.
    pub(crate) records: Tree<Record>,
    /// By hash.
    pub(crate) blobs: Tree<Blob>,
    /// Live rows of a root.
    pub(crate) paths: Tree<Owner>,
    /// Live rows by the hash of their filename.
    pub(crate) filenames: Tree<Named>,
    /// Live and deleted rows, and rows with earlier versions, by the beginning of each of their
    /// content hashes.
    pub(crate) contents: Tree<Content>,
    /// By transaction, table and key.
    pub(crate) feed: Tree<Fed>,
    /// Earlier versions of rows, by id and transaction.
    pub(crate) versions: Tree<Version>,
    /// Bytes of frames with chunks in use in each segment, by its number.
    pub(crate) used: OrdMap<u64, u64>,
    /// The log up to `seq`, by number.
    pub(crate) log: Arc<[SegmentPart]>,
    /// What the runs are.
    pub(crate) manifest: Arc<Manifest>,
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
    /// The state at the checkpoint of a manifest, whose runs are `runs`.
    pub(crate) fn beginning(manifest: &Manifest, runs: &[Arc<Run>]) -> Self {
        let used = manifest.segments.iter().filter(|entry| entry.used > 0);
        let mut state = Self {
            seq: manifest.seq,
            next_id: manifest.next_id,
            feed_floor: manifest.feed_floor,
            counts: manifest.counts,
            used: used.map(|entry| (entry.id.number, entry.used)).collect(),
            manifest: Arc::new(manifest.clone()),
            ..Self::default()
        };
        for tree in 1..=TREES {
            let own = runs.iter().filter(|run| usize::from(run.entry.tree) == tree);
            state.set_runs(tree, own.cloned().collect());
        }
        state
    }

    /// Apply a transaction's payload. Both the commit and the recovery do it, so what is read
    /// back can be nothing else than what was seen.
    pub(crate) fn apply(
        &mut self,
        source: &Source<'_>,
        payload: &[u8],
        count: u32,
        loose: &mut LooseChunks,
    ) -> Result<()> {
        let broken = || {
            source.segment.corrupt(source.payload_at, "a transaction's operations cannot be read")
        };
        let ops = Ops::new(payload, count).ok_or_else(broken)?;
        let when_ns = ops.when_ns;
        for op in ops {
            match op.ok_or_else(broken)? {
                Op::Image(image) => self.apply_image(source, when_ns, &image)?,
                Op::Purge(id) => self.apply_purge(source.seq, when_ns, id)?,
                Op::Record { table, key, value } => {
                    let value = Stored::Memory(value.bytes.into());
                    self.set_record(table, key, source.seq, when_ns, Some(value))?;
                }
                Op::Removal { table, key } => {
                    self.set_record(table, key, source.seq, when_ns, None)?;
                }
                Op::Blob { hash, id, length, chunks } => {
                    let found = loose.remove(&id).unwrap_or_default();
                    let bytes: u64 = found.iter().map(|chunk| u64::from(chunk.length)).sum();
                    let whole = (0..chunks).eq(found.iter().map(|chunk| chunk.index));
                    let lacking = (!whole || bytes != length)
                        .then(|| Box::new((Arc::clone(source.segment), source.payload_at)));
                    self.set_blob(hash, Blob { length, chunks: found.into(), lacking })?;
                }
            }
        }
        self.seq = self.seq.max(source.seq);
        Ok(())
    }

    /// Forget blobs that no row uses; fail if one that is used is not whole. Not before the last
    /// transaction was applied: a log of format 1 that was rewritten lacks superseded revisions
    /// and unused chunks, so a blob may be without rows or pieces for a while.
    pub(crate) fn settle(&mut self) -> Result<()> {
        for hash in std::mem::take(&mut self.unused) {
            let Some(blob) = self.blobs.get(&hash)? else { continue };
            if !self.is_used(hash)? {
                self.take_blob(&blob);
                self.blobs.remove(&hash);
            } else if let Some(place) = blob.lacking {
                let (segment, offset) = place.as_ref();
                return Err(segment.corrupt(*offset, "it names stored bytes that are gone"));
            }
        }
        Ok(())
    }

    /// Whether a row, or an earlier version of one, has these bytes.
    pub(crate) fn is_used(&self, hash: Hash) -> Result<bool> {
        for found in self.contents.below(&content_prefix(&hash))? {
            let id = id_of(found?.0.get(8..).unwrap_or_default());
            let has = |row: &Row| row.has_data && row.content_hash == hash;
            if self.rows.get(&id_key(id))?.is_some_and(|row| has(&row)) {
                return Ok(true);
            }
            for version in self.versions_of(id)? {
                if has(&version?.0) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The earlier versions of a picture, in order.
    pub(crate) fn versions_of(
        &self,
        id: u64,
    ) -> Result<impl Iterator<Item = Result<Version>> + use<'_>> {
        let some = self.counts.versions > 0;
        let found = if some { Some(self.versions.below(&id_key(id))?) } else { None };
        Ok(found.into_iter().flatten().map(|found| Ok(found?.1)))
    }

    /// Keep what a row was before other bytes took its own ones' place.
    fn keep_version(&mut self, old: &Row, when_ns: i64) {
        self.contents.put(content_key(&old.content_hash, old.id), Content);
        let version = Row { deleted_ns: when_ns, ..old.clone() };
        self.versions.put(version_key(old.id, old.seq), Version(Arc::new(version)));
        self.counts.versions += 1;
    }

    /// Forget an earlier version.
    pub(crate) fn take_version(&mut self, version: &Row) -> Result<()> {
        self.versions.remove(&version_key(version.id, version.seq));
        self.counts.versions = self.counts.versions.saturating_sub(1);
        self.unused.push(version.content_hash);
        self.leave_content(&version.content_hash, version.id)
    }

    /// Forget all earlier versions of a picture.
    pub(crate) fn take_versions(&mut self, id: u64) -> Result<()> {
        let versions: Vec<Version> = self.versions_of(id)?.collect::<Result<_>>()?;
        versions.iter().try_for_each(|version| self.take_version(&version.0))
    }

    /// Take a picture out of the index of contents unless it, or an earlier version of it, still
    /// has a content that begins so.
    fn leave_content(&mut self, hash: &Hash, id: u64) -> Result<()> {
        let prefix = content_prefix(hash);
        let like = |row: &Row| content_prefix(&row.content_hash) == prefix;
        if self.rows.get(&id_key(id))?.is_some_and(|row| like(&row)) {
            return Ok(());
        }
        for version in self.versions_of(id)? {
            if like(&version?.0) {
                return Ok(());
            }
        }
        self.contents.remove(&content_key(hash, id));
        Ok(())
    }

    fn apply_image(
        &mut self,
        source: &Source<'_>,
        when_ns: i64,
        image: &ImageOp<'_>,
    ) -> Result<()> {
        let old = self.take_row(image.id)?;
        // A log of format 1 that was rewritten may lack the bytes of what its rows were.
        if let Some(old) = &old
            && old.has_data
            && old.content_hash != image.content_hash
            && !self.manifest.is_log_only()
        {
            self.keep_version(old, when_ns);
        }
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
            metadata: Stored::Memory(image.metadata.bytes.into()),
        };
        self.next_id = self.next_id.max(image.id + 1);
        if row.is_live() {
            self.counts.live += 1;
            self.filenames.put(name_key(&row.filename, row.id), Named);
            if row.root != 0 {
                self.paths.put(place_key(row.root, &row.path), Owner(row.id));
            }
        } else {
            self.counts.deleted += 1;
        }
        self.contents.put(content_key(&row.content_hash, row.id), Content);
        self.feed.put(feed_image(row.seq, row.id), Fed);
        self.rows.put(id_key(row.id), Arc::new(row));
        Ok(())
    }

    fn apply_purge(&mut self, seq: u64, when_ns: i64, id: u64) -> Result<()> {
        self.take_row(id)?;
        self.take_versions(id)?;
        self.next_id = self.next_id.max(id + 1);
        self.forget_purged(id)?;
        self.purged.put(id_key(id), Purged { seq, when_ns });
        self.counts.purged += 1;
        self.feed.put(feed_image(seq, id), Fed);
        Ok(())
    }

    /// Take a row out of all trees.
    pub(crate) fn take_row(&mut self, id: u64) -> Result<Option<Arc<Row>>> {
        if id >= self.next_id {
            return Ok(None);
        }
        let Some(row) = self.rows.get(&id_key(id))? else { return Ok(None) };
        self.rows.remove(&id_key(id));
        if row.is_live() {
            self.counts.live = self.counts.live.saturating_sub(1);
            self.filenames.remove(&name_key(&row.filename, id));
            let place = place_key(row.root, &row.path);
            // In a rewritten log of format 1 another row may already stand there.
            if row.root != 0 && self.paths.get(&place)? == Some(Owner(id)) {
                self.paths.remove(&place);
            }
        } else {
            self.counts.deleted = self.counts.deleted.saturating_sub(1);
        }
        self.leave_content(&row.content_hash, id)?;
        self.feed.remove(&feed_image(row.seq, id));
        if row.has_data {
            self.unused.push(row.content_hash);
        }
        Ok(Some(row))
    }

    fn set_record(
        &mut self,
        table: u8,
        key: &[u8],
        seq: u64,
        when_ns: i64,
        value: Option<Stored>,
    ) -> Result<()> {
        self.forget_record(table, key)?;
        self.counts.removed += u64::from(value.is_none());
        self.records.put(record_key(table, key), Record { seq, when_ns, value });
        self.feed.put(feed_key(seq, table, key), Fed);
        Ok(())
    }

    fn set_blob(&mut self, hash: Hash, blob: Blob) -> Result<()> {
        if let Some(old) = self.blobs.get(&hash)? {
            self.take_blob(&old);
        }
        self.counts.blobs += 1;
        self.counts.blob_bytes += blob.length;
        self.count_used(&blob, true);
        self.blobs.put(hash, blob);
        self.unused.push(hash);
        Ok(())
    }

    /// Put a blob's chunks elsewhere.
    pub(crate) fn move_blob(&mut self, hash: &[u8], old: &Blob, chunks: Arc<[Chunk]>) {
        let blob = Blob { chunks, ..old.clone() };
        self.count_used(old, false);
        self.count_used(&blob, true);
        self.blobs.put(hash, blob);
    }

    fn take_blob(&mut self, blob: &Blob) {
        self.counts.blobs = self.counts.blobs.saturating_sub(1);
        self.counts.blob_bytes = self.counts.blob_bytes.saturating_sub(blob.length);
        self.count_used(blob, false);
    }

    fn count_used(&mut self, blob: &Blob, more: bool) {
        for chunk in blob.chunks.iter() {
            let held = self.used.get(&chunk.segment).copied().unwrap_or(0);
            let length = extent(chunk.length as usize);
            match if more { held + length } else { held.saturating_sub(length) } {
                0 => _ = self.used.remove(&chunk.segment),
                bytes => _ = self.used.insert(chunk.segment, bytes),
            }
        }
    }

    /// Forget a record and its place in the feed.
    pub(crate) fn forget_record(&mut self, table: u8, key: &[u8]) -> Result<()> {
        let full = record_key(table, key);
        if let Some(record) = self.records.get(&full)? {
            self.records.remove(&full);
            let removed = u64::from(record.value.is_none());
            self.counts.removed = self.counts.removed.saturating_sub(removed);
            self.feed.remove(&feed_key(record.seq, table, key));
        }
        Ok(())
    }

    /// Forget what is left of a purged row.
    pub(crate) fn forget_purged(&mut self, id: u64) -> Result<()> {
        if let Some(purged) = self.purged.get(&id_key(id))? {
            self.purged.remove(&id_key(id));
            self.counts.purged = self.counts.purged.saturating_sub(1);
            self.feed.remove(&feed_image(purged.seq, id));
        }
        Ok(())
    }

    /// The segment with this number, as far as it belongs to the state.
    pub(crate) fn segment(&self, number: u64) -> Option<&Arc<Segment>> {
        let index = self.log.binary_search_by_key(&number, |part| part.segment.id.number).ok()?;
        self.log.get(index).map(|part| &part.segment)
    }

    /// Bytes in memory, about.
    pub(crate) fn weight(&self) -> usize {
        self.rows.weight()
            + self.purged.weight()
            + self.records.weight()
            + self.blobs.weight()
            + self.paths.weight()
            + self.filenames.weight()
            + self.contents.weight()
            + self.feed.weight()
            + self.versions.weight()
    }

    /// The runs of a tree, the newest first.
    pub(crate) fn runs(&self, tree: usize) -> Arc<[Arc<Run>]> {
        let runs = match tree {
            1 => self.rows.runs(),
            2 => self.purged.runs(),
            3 => self.records.runs(),
            4 => self.blobs.runs(),
            5 => self.paths.runs(),
            6 => self.filenames.runs(),
            7 => self.contents.runs(),
            8 => self.feed.runs(),
            _ => self.versions.runs(),
        };
        Arc::clone(runs)
    }

    /// Put other runs of the same content into a tree.
    pub(crate) fn set_runs(&mut self, tree: usize, runs: Arc<[Arc<Run>]>) {
        match tree {
            1 => self.rows.set_runs(runs),
            2 => self.purged.set_runs(runs),
            3 => self.records.set_runs(runs),
            4 => self.blobs.set_runs(runs),
            5 => self.paths.set_runs(runs),
            6 => self.filenames.set_runs(runs),
            7 => self.contents.set_runs(runs),
            8 => self.feed.set_runs(runs),
            _ => self.versions.set_runs(runs),
        }
    }

    /// Have each tree do something.
    pub(crate) fn each(&mut self, visit: &mut impl TreeVisitor) -> Result<()> {
        visit.tree(&mut self.rows)?;
        visit.tree(&mut self.purged)?;
        visit.tree(&mut self.records)?;
        visit.tree(&mut self.blobs)?;
        visit.tree(&mut self.paths)?;
        visit.tree(&mut self.filenames)?;
        visit.tree(&mut self.contents)?;
        visit.tree(&mut self.feed)?;
        visit.tree(&mut self.versions)
    }
}

/// What is done to each tree, whatever its values.
pub(crate) trait TreeVisitor {
    /// Do it.
    fn tree<V: Value>(&mut self, tree: &mut Tree<V>) -> Result<()>;
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
        let owner =
            |path: &[u8]| state.paths.get(&place_key(1, path)).unwrap().map(|owner| owner.0);
        assert_eq!((owner(b"p"), owner(b"r")), (Some(2), Some(1)));
        assert_eq!((state.seq, state.counts.live), (4, 2));
    }
}
