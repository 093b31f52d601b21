//! Saving what can still be read of a damaged store into a new one. The damaged store is only
//! read; nothing of it is trusted that its own checksums do not prove.

use std::collections::HashSet;
use std::sync::Arc;

use crate::blob::BlobWriter;
use crate::blob_reader::BlobReader;
use crate::bytes::Text;
use crate::cache::Cache;
use crate::check::problem;
use crate::cursor::Problem;
use crate::disk::{Access, Disk};
use crate::entries::{Blob, Purged, Record};
use crate::error::{Context, Error, Result};
use crate::manifest::{Counts, Entry, Manifest};
use crate::options::Options;
use crate::recovery::{no_store, open_runs};
use crate::replay::Replay;
use crate::row::{NewRow, Row, Stat};
use crate::run::{Run, RunIter};
use crate::run_file;
use crate::scan::{Chunks, Scan, Step, find_frame};
use crate::segment::Segment;
use crate::state::{State, TreeVisitor};
use crate::store::{Mode, Store};
use crate::tree::{Tree, Value};
use crate::values::{Version, place_key};
use crate::writer::Transaction;

/// Rows of a transaction in the new store.
const BATCH: usize = 1_000;
/// Bytes of a blob that are read at once.
const PIECE: usize = 1 << 20;

/// Make a store at the new or empty folder `target` of all that can be read of the damaged one in
/// `source`, which stays as it is; return what is lost. Ids, deletions and earlier versions stay,
/// transactions are new ones, and so is the uuid. A row whose stored bytes are damaged is kept
/// without them, one whose metadata is damaged with `metadata` in its place and no stat. What a
/// lost block replaced may show again; damage to a run's index, header or footer costs all of it.
pub fn salvage(
    source: &Arc<dyn Disk>,
    target: Arc<dyn Disk>,
    metadata: &[u8],
) -> Result<Vec<Problem>> {
    if target.list().is_ok_and(|names| !names.is_empty()) {
        return Err(Error::Invalid(format!("{} is not empty", target.place())));
    }
    let mut salvage =
        Salvage { disk: source.as_ref(), metadata: metadata.into(), problems: Vec::new() };
    let state = salvage.read()?;
    let store = Store::open_on(target, Mode::Create, Options::default())?;
    salvage.copy(&state, &store)?;
    store.checkpoint()?;
    Ok(salvage.problems)
}

struct Salvage<'a> {
    disk: &'a dyn Disk,
    /// For rows whose own is lost.
    metadata: Text,
    problems: Vec<Problem>,
}

impl Salvage<'_> {
    /// Note damage; other errors go on.
    fn lost(&mut self, error: Error) -> Result<()> {
        let problem = match error {
            Error::Io { action, source } if source.kind() == std::io::ErrorKind::NotFound => {
                Problem { place: action, what: "the file is missing".into() }
            }
            error => problem(error)?,
        };
        // What is read row by row is told once.
        if !self.problems.iter().rev().take(BATCH).any(|told| *told == problem) {
            self.problems.push(problem);
        }
        Ok(())
    }

    fn keep<T>(&mut self, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(error) => self.lost(error).map(|()| None),
        }
    }

    /// The state that the readable parts come to, all of it in memory but long texts and bytes.
    fn read(&mut self) -> Result<State> {
        if self.disk.list().is_err() {
            return Err(no_store(self.disk));
        }
        let loaded = Manifest::load(self.disk);
        let manifest = match self.keep(loaded)?.flatten() {
            Some(manifest) => manifest,
            // The files say themselves what they are.
            None => found_files(self.disk)?.ok_or_else(|| no_store(self.disk))?,
        };
        let cache = Arc::new(Cache::new(Options::default().cache_bytes));
        let mut runs = Vec::new();
        for entry in &manifest.runs {
            let one = Manifest { runs: vec![*entry], ..Manifest::new(manifest.uuid) };
            let opened = open_runs(self.disk, &one, &cache, &[]);
            runs.extend(self.keep(opened)?.unwrap_or_default());
        }
        let bare = Manifest { runs: Vec::new(), segments: Vec::new(), ..manifest.clone() };
        let mut replay = Replay::new(&bare, &[]);
        replay.state.each(&mut Load { runs: &runs, salvage: self })?;
        let last = recount(&mut replay.state)?;
        replay.covers(last);
        for entry in &manifest.segments {
            let (uuid, disk) = (manifest.uuid, self.disk);
            let opened = Segment::open(disk, uuid, entry.id, entry.salt, Access::Read);
            if let Some(segment) = self.keep(opened)? {
                self.segment(&Arc::new(segment), entry.sealed, &mut replay)?;
            }
        }
        Ok(replay.forgiving())
    }

    /// Take in the valid frames of a segment.
    fn segment(
        &mut self,
        segment: &Arc<Segment>,
        sealed: Option<u64>,
        replay: &mut Replay,
    ) -> Result<()> {
        let length = segment.length()?;
        let end = sealed.unwrap_or(length).min(length);
        let begin = replay.begin(segment);
        let mut scan = Scan::new(segment, begin.unwrap_or(end), end, Chunks::Skip);
        loop {
            match scan.step()? {
                Step::Frame(frame) => {
                    let taken = replay.take(segment, &frame);
                    self.keep(taken)?;
                }
                Step::End => break,
                // Zeros at the end of the last segment are room that was filled ahead.
                Step::Bad(at, _) if sealed.is_none() && segment.is_blank(at)? => break,
                Step::Bad(at, what) => {
                    self.lost(segment.corrupt(at, what))?;
                    let next = find_frame(segment, at + 1, end)?;
                    scan.seek(next.map_or(end, |header| header.position));
                }
            }
        }
        replay.reached(segment, end);
        Ok(())
    }

    /// Put all of a state into a new store.
    fn copy(&mut self, state: &State, store: &Store) -> Result<()> {
        let mut transaction = store.begin()?;
        let mut taken: HashSet<Text> = HashSet::new();
        for (number, found) in state.rows.walk()?.enumerate() {
            let (_, row) = found?;
            for version in state.versions_of(row.id)? {
                let version = version?.0;
                self.row(state, store, &mut transaction, &version)?;
                // It stands nowhere until the next one replaces it.
                transaction.delete(row.id, version.deleted_ns)?;
                std::mem::replace(&mut transaction, store.begin()?).commit()?;
            }
            self.row(state, store, &mut transaction, &row)?;
            let deleted_ns = match row.deleted_ns {
                0 if row.root != 0 && !taken.insert(place_key(row.root, &row.path)) => {
                    let path = String::from_utf8_lossy(&row.path);
                    let what = format!("another picture stands at {path:?}, so it is deleted");
                    self.problems.push(Problem { place: format!("picture {}", row.id), what });
                    store.now_ns()?
                }
                when_ns => when_ns,
            };
            if deleted_ns != 0 {
                transaction.delete(row.id, deleted_ns)?;
            }
            if number % BATCH == BATCH - 1 {
                std::mem::replace(&mut transaction, store.begin()?).commit()?;
            }
        }
        for found in state.records.walk()? {
            let (key, record) = found?;
            let (table, key) = key.split_first().unwrap_or((&0, &[]));
            let Some(value) = &record.value else { continue };
            if let Some(value) = self.keep(value.load())? {
                transaction.put(i32::from(*table), key, &value)?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Put one row into a transaction, with its bytes if they can be read.
    fn row(
        &mut self,
        state: &State,
        store: &Store,
        transaction: &mut Transaction,
        row: &Row,
    ) -> Result<()> {
        let metadata = self.keep(row.metadata())?;
        let mut data = None;
        if row.has_data {
            let mut writer = store.blob_writer()?;
            if copy_bytes(state, row, &mut writer)? {
                data = Some(writer);
            } else {
                let place = format!("picture {}", row.id);
                self.problems.push(Problem { place, what: "its stored bytes are lost".into() });
            }
        }
        let new = NewRow {
            root: row.root,
            path: Arc::clone(&row.path),
            filename: Arc::clone(&row.filename),
            // Whoever mirrors the file finds it changed, and reads it again.
            stat: if metadata.is_some() { row.stat } else { Stat::default() },
            metadata: metadata.unwrap_or_else(|| Arc::clone(&self.metadata)),
            content_hash: row.content_hash,
            has_data: data.is_some(),
        };
        transaction.place(row.id, new, data)
    }
}

/// Copy a row's stored bytes; return whether they are whole and right.
fn copy_bytes(state: &State, row: &Row, writer: &mut BlobWriter) -> Result<bool> {
    let mut copy = || {
        let Some(blob) = state.blobs.get(&row.content_hash)? else { return Ok(false) };
        let mut reader = BlobReader::new(state, &blob)?;
        let mut buffer = vec![0; PIECE];
        loop {
            let count = reader.read(writer.digest().1, &mut buffer)?;
            if count == 0 {
                return Ok(writer.digest() == (row.content_hash, row.data_length));
            }
            writer.write(buffer.get(..count).unwrap_or_default())?;
        }
    };
    match copy() {
        Err(Error::Corrupt { .. } | Error::Internal(_)) => Ok(false),
        outcome => outcome,
    }
}

/// Puts what runs hold into memory, block by block, older runs first. Indexes are left out: they
/// are made anew.
struct Load<'a, 'b> {
    runs: &'a [Arc<Run>],
    salvage: &'a mut Salvage<'b>,
}

impl TreeVisitor for Load<'_, '_> {
    fn tree<V: Value>(&mut self, tree: &mut Tree<V>) -> Result<()> {
        let kept = [<Arc<Row>>::TREE, Purged::TREE, Record::TREE, Blob::TREE, Version::TREE];
        let own = self.runs.iter().filter(|run| run.entry.tree == V::TREE);
        for run in own.rev().filter(|_| kept.contains(&V::TREE)) {
            for block in 0..run.blocks() {
                let loaded = load_block(tree, run, block);
                self.salvage.keep(loaded)?;
            }
        }
        Ok(())
    }
}

fn load_block<V: Value>(tree: &mut Tree<V>, run: &Arc<Run>, block: usize) -> Result<()> {
    let mut walk = RunIter::of_block(run, block)?;
    while let Some(at) = walk.at() {
        if at.is_present() {
            let broken =
                || run.corrupt(0, format!("block {block} has an entry that cannot be read"));
            tree.put(at.key(), V::read(at).ok_or_else(broken)?);
        } else {
            tree.remove(at.key());
        }
        walk.advance_within();
    }
    Ok(())
}

/// Count what a state has in memory; return its last transaction.
fn recount(state: &mut State) -> Result<u64> {
    let mut counts = Counts::default();
    let mut last = 0;
    for found in state.rows.walk()? {
        let (_, row) = found?;
        last = last.max(row.seq);
        state.next_id = state.next_id.max(row.id.saturating_add(1));
        if row.is_live() { counts.live += 1 } else { counts.deleted += 1 }
    }
    for found in state.purged.walk()? {
        last = last.max(found?.1.seq);
        counts.purged += 1;
    }
    for found in state.records.walk()? {
        let (_, record) = found?;
        last = last.max(record.seq);
        counts.removed += u64::from(record.value.is_none());
    }
    for found in state.blobs.walk()? {
        counts.blobs += 1;
        counts.blob_bytes += found?.1.length;
    }
    for found in state.versions.walk()? {
        found?;
        counts.versions += 1;
    }
    state.counts = counts;
    Ok(last)
}

/// What the files of a store without a manifest say of themselves: all runs, the newest first,
/// and of each segment the latest generation. None where there are none.
fn found_files(disk: &dyn Disk) -> Result<Option<Manifest>> {
    let mut names = disk.list().doing(|| format!("list {}", disk.place()))?;
    names.sort();
    let mut manifest = Manifest::default();
    for name in &names {
        if let Some((uuid, id, salt)) = Segment::identify(disk, name) {
            manifest.uuid = uuid;
            manifest.segments.retain(|entry| entry.id.number != id.number);
            manifest.segments.push(Entry { id, salt, sealed: None, used: 0 });
        }
        manifest.runs.extend(run_file::identify(disk, name));
    }
    manifest.runs.sort_by_key(|run| std::cmp::Reverse(run.number));
    Ok((!manifest.segments.is_empty() || !manifest.runs.is_empty()).then_some(manifest))
}
