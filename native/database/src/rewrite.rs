//! Purging and collecting: what is no longer wanted leaves the files.
//!
//! Everything in memory becomes runs first, so the log's transactions say nothing any more and
//! only chunks of blobs in use are carried over. Segments are copied into a next generation,
//! and where something is to be forgotten the trees are merged whole. Then the manifest is
//! switched, and only then the old files go. Up to the switch nothing has happened; after it
//! everything has.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::checkpoint::{Adopt, Freeze, WriteFrozen, cover, run_entries, run_names};
use crate::error::{Context, Error, Result};
use crate::frame::{HEADER_BYTES, Header, Kind, extent};
use crate::log::{Draft, locked, random};
use crate::manifest::{Entry, LogStart};
use crate::op::{Op, Ops};
use crate::row::Text;
use crate::run_writer::merge;
use crate::scan::{Chunks, Frame, Scan, Step};
use crate::segment::{FIRST_FRAME, Segment, SegmentId, SegmentPart};
use crate::state::{Blob, Chunk, LooseChunks, RecordKey, State, VECTORS};
use crate::values::{TREES, Version, id_key, id_of, record_key};
use crate::writer::Writer;

/// Of a segment's bytes this part must be dead for a rewrite to be worth it, one in so many.
const WORTH: u64 = 4;
/// Segments with less live bytes than this part of a full one are joined with their
/// neighbours, one in so many.
const SMALL: u64 = 4;

/// Keys of which nothing may be left in the files.
#[derive(Debug, Default)]
struct Doomed {
    images: BTreeSet<u64>,
    records: BTreeSet<RecordKey>,
}

impl Doomed {
    fn is_empty(&self) -> bool {
        self.images.is_empty() && self.records.is_empty()
    }

    fn holds(&self, op: &Op<'_>) -> bool {
        match op {
            Op::Image(image) => self.images.contains(&image.id),
            Op::Record { table, key, .. } | Op::Removal { table, key } => {
                self.records.contains(&(*table, (*key).into()))
            }
            // Neither says anything of a picture.
            Op::Purge(_) | Op::Blob { .. } => false,
        }
    }
}

/// Why the files are rewritten.
struct Job {
    /// What they are to come to.
    state: State,
    doomed: Doomed,
    /// Whether it differs from the present state, if only in tombstones.
    forgotten: bool,
    scrubbed: u64,
}

/// A chunk's place: number of the segment and offset of its bytes.
type At = (u64, u64);

impl Writer {
    /// Delete rows and what only they have, truly; see the C header.
    pub(crate) fn purge(&self, ids: &[u64]) -> Result<u64> {
        let _alone = locked(&self.upkeep);
        let _serial = locked(&self.committing);
        self.log.usable()?;
        self.drain()?;
        let state = self.state();
        let ids: BTreeSet<u64> = ids.iter().copied().collect();
        let mut draft = Draft::new();
        let mut count = 0;
        Ops::begin(self.now_ns(), draft.payload_mut());
        for id in &ids {
            if !state.rows.contains(&id_key(*id))? {
                return Err(Error::NotFound(format!("there is no picture {id} to purge")));
            }
            Op::Purge(*id).encode(draft.payload_mut());
            count += 1;
            for found in state.records.below(&record_key(VECTORS, &id.to_be_bytes()))? {
                let (key, record) = found?;
                if record.value.is_some() {
                    let key = key.get(1..).unwrap_or_default();
                    Op::Removal { table: VECTORS, key }.encode(draft.payload_mut());
                    count += 1;
                }
            }
        }
        if count == 0 {
            return Ok(state.seq);
        }
        let seq = self.append(&state, &mut draft, count, &[], true)?;
        self.wait(seq)?;
        self.scrub()?;
        Ok(seq)
    }

    /// Remove from the files what purges have removed from the state. `upkeep` and `committing`
    /// are held, or nobody else knows the writer yet.
    pub(crate) fn scrub(&self) -> Result<()> {
        self.with_reserve(|| self.scrub_once())
    }

    fn scrub_once(&self) -> Result<()> {
        let state = self.state();
        let scrubbed = self.log.tail().manifest.scrubbed;
        let mut doomed = Doomed::default();
        if state.counts.purged > 0 {
            for found in state.purged.walk()? {
                let (key, purged) = found?;
                if purged.seq > scrubbed {
                    doom(&mut doomed, &state, id_of(&key))?;
                }
            }
        }
        if doomed.is_empty() {
            return Ok(());
        }
        let state = State::clone(&state);
        let scrubbed = state.seq;
        self.rewrite(Job { state, doomed, forgotten: true, scrubbed }).map(|_| ())
    }

    /// Forget tombstones older than `before_ns` and reclaim space; see the C header.
    pub(crate) fn collect(&self, before_ns: i64) -> Result<u64> {
        let _alone = locked(&self.upkeep);
        let _serial = locked(&self.committing);
        self.log.usable()?;
        self.drain()?;
        self.scrub()?;
        self.with_reserve(|| self.collect_once(before_ns))
    }

    fn collect_once(&self, before_ns: i64) -> Result<u64> {
        let held = self.state();
        let mut state = State::clone(&held);
        let mut doomed = Doomed::default();
        let mut floor = state.feed_floor;
        let mut forgotten = false;
        if held.counts.deleted > 0 {
            for found in held.rows.walk()? {
                let (_, row) = found?;
                if !row.is_live() && row.deleted_ns < before_ns {
                    floor = floor.max(row.seq);
                    doom(&mut doomed, &held, row.id)?;
                    state.take_row(row.id)?;
                    state.take_versions(row.id)?;
                }
            }
        }
        if held.counts.versions > 0 {
            for found in held.versions.walk()? {
                let (key, Version(version)) = found?;
                if version.deleted_ns < before_ns && state.versions.contains(&key)? {
                    // The picture itself stays, and what it is now stands in the runs.
                    doomed.images.insert(version.id);
                    state.take_version(&version)?;
                }
            }
        }
        if held.counts.purged > 0 {
            for found in held.purged.walk()? {
                let (key, purged) = found?;
                if purged.when_ns < before_ns {
                    floor = floor.max(purged.seq);
                    forgotten = true;
                    state.forget_purged(id_of(&key))?;
                }
            }
        }
        if held.counts.removed > 0 {
            for found in held.records.walk()? {
                let (key, record) = found?;
                if record.value.is_none() && record.when_ns < before_ns {
                    floor = floor.max(record.seq);
                    let (table, key) = key.split_first().unwrap_or((&0, &[]));
                    state.forget_record(*table, key)?;
                    forgotten = true;
                }
            }
        }
        for (table, key) in &doomed.records {
            state.forget_record(*table, key)?;
        }
        state.settle()?;
        state.feed_floor = floor;
        let scrubbed = self.log.tail().manifest.scrubbed;
        self.rewrite(Job { state, doomed, forgotten, scrubbed })
    }

    /// Bring the files to the job's state; return the bytes freed of the log. `upkeep` and
    /// `committing` are held, and everything logged is durable.
    fn rewrite(&self, job: Job) -> Result<u64> {
        let Job { mut state, doomed, forgotten, scrubbed } = job;
        let disk = self.log.disk.as_ref();
        self.keep_old_manifest(&state)?;
        let old = self.sealed_parts()?;
        let groups = self.plan(&old, &state, &doomed)?;
        let now = self.log.tail().manifest.clone();
        if groups.is_empty() && doomed.is_empty() && !forgotten {
            return Ok(0);
        }
        let mut attempt = Attempt { writer: self, made: Vec::new() };
        let copied = self.copy_groups(&old, &groups, &mut state, &mut attempt)?;
        let whole = !doomed.images.is_empty();
        let next_run = self.write_trees(&mut state, whole, &mut attempt)?;
        disk.sync_folder().doing(|| format!("sync {}", disk.place()))?;

        let total = |parts: &[SegmentPart]| {
            parts.iter().map(|part| part.segment.length()).sum::<Result<u64>>()
        };
        let freed = total(&old)?.saturating_sub(total(&copied.parts)?);
        let runs = run_entries(&state);

        let mut unnamed = self.log.unnamed();
        let mut relocated = unnamed.clone();
        relocate(&mut relocated, &copied.moved);
        let waiting = relocated
            .values()
            .filter_map(|chunks| chunks.first())
            .map(|chunk| LogStart { segment: chunk.segment, offset: chunk.offset - HEADER_BYTES });
        let end = LogStart { segment: now.next_number() - 1, offset: FIRST_FRAME };
        let start = waiting.chain([end]).min().unwrap_or(end);
        let manifest = self.log.switch(|manifest, segments| {
            let since = manifest.segments.split_off(old.len());
            manifest.segments = copied.parts.iter().map(entry_of).chain(since).collect();
            let since = segments.split_off(old.len());
            let sealed = copied.parts.iter().map(|part| Arc::clone(&part.segment));
            *segments = sealed.chain(since).collect();
            cover(manifest, &state, start);
            manifest.next_id = manifest.next_id.max(self.next_id());
            manifest.next_blob = self.log.next_blob();
            manifest.scrubbed = scrubbed;
            manifest.runs = runs;
            manifest.next_run = next_run;
        });
        let made = attempt.made.clone();
        if manifest.is_ok() || self.log.usable().is_err() {
            // They are named now, or it is not known whether they are.
            attempt.made.clear();
        }
        let manifest = manifest?;
        *unnamed = relocated;
        drop(unnamed);
        let mut gone: HashSet<String> = run_names(&now.runs);
        gone.extend(old.iter().map(|part| part.segment.id.name()));
        gone.extend(made);
        for entry in &manifest.segments {
            gone.remove(&entry.id.name());
        }
        for name in run_names(&manifest.runs) {
            gone.remove(&name);
        }
        state.log = copied.parts.into();
        state.manifest = Arc::new(manifest);
        self.replace(state);
        self.checkpointed.store(self.log.reach(), Ordering::Relaxed);
        self.remove_files(gone.into_iter())?;
        Ok(freed)
    }

    /// Write what is in memory as runs and, where asked for, merge each tree whole; return the
    /// next run's number.
    fn write_trees(
        &self,
        state: &mut State,
        whole: bool,
        attempt: &mut Attempt<'_>,
    ) -> Result<u64> {
        let disk = self.log.disk.as_ref();
        let number = self.log.tail().manifest.next_run;
        state.each(&mut Freeze)?;
        let mut written = WriteFrozen { disk, cache: &self.cache, number, runs: Vec::new() };
        let outcome = state.each(&mut written);
        attempt.made.extend(written.runs.iter().map(|run| run.name()));
        outcome?;
        let mut number = written.number;
        state.each(&mut Adopt(written.runs))?;
        for tree in 1..=TREES {
            let runs = state.runs(tree);
            if whole && runs.len() > 1 {
                let merged = merge(disk, &runs, number, true, &self.cache)?;
                attempt.made.extend(merged.iter().map(|run| run.name()));
                number += 1;
                state.set_runs(tree, merged.into_iter().collect());
            }
        }
        Ok(number)
    }

    /// Seal the segment that is appended to unless it is empty; return all sealed ones.
    fn sealed_parts(&self) -> Result<Vec<SegmentPart>> {
        let mut tail = self.log.tail();
        if tail.end > FIRST_FRAME {
            self.log.roll(&mut tail)?;
        }
        let segments = tail.segments.iter().zip(&tail.manifest.segments);
        Ok(segments
            .filter_map(|(segment, entry)| {
                Some(SegmentPart { segment: Arc::clone(segment), end: entry.sealed? })
            })
            .collect())
    }

    /// Which runs of segments are written anew.
    fn plan(&self, old: &[SegmentPart], state: &State, doomed: &Doomed) -> Result<Vec<Group>> {
        let full = self.log.segment_bytes();
        let mut waiting: HashMap<u64, u64> = HashMap::new();
        for chunk in self.log.unnamed().values().flatten() {
            *waiting.entry(chunk.segment).or_default() += extent(chunk.length as usize);
        }
        let keep = if doomed.images.is_empty() { HashSet::new() } else { self.kept(state)? };
        let mut uses = Vec::with_capacity(old.len());
        for part in old {
            let number = part.segment.id.number;
            let live = state.used.get(&number).copied().unwrap_or(0)
                + waiting.get(&number).copied().unwrap_or(0);
            let worth = live + FIRST_FRAME <= part.end - part.end / WORTH;
            let must = !doomed.images.is_empty() && must_go(part, doomed, &keep)?;
            uses.push(Use { live, rewrite: must || worth });
        }
        let small = |index: usize| uses.get(index).is_some_and(|one| one.live < full / SMALL);
        let chosen = |index: usize| uses.get(index).is_some_and(|one| one.rewrite);
        let mut groups: Vec<Group> = Vec::new();
        for (index, one) in uses.iter().enumerate() {
            let neighbours = [index.checked_sub(1), Some(index + 1)];
            let joins = small(index)
                && neighbours.into_iter().flatten().any(|other| small(other) || chosen(other));
            if !one.rewrite && !joins {
                continue;
            }
            match groups.last_mut() {
                Some(group) if group.end == index && group.live + one.live <= full => {
                    group.end += 1;
                    group.live += one.live;
                }
                _ => groups.push(Group { begin: index, end: index + 1, live: one.live }),
            }
        }
        // A single segment that is only small gains nothing.
        groups.retain(|group| group.end - group.begin > 1 || chosen(group.begin));
        Ok(groups)
    }

    /// Places of all chunks that are in use or wait for their transaction.
    fn kept(&self, state: &State) -> Result<HashSet<At>> {
        let mut keep: HashSet<At> = self
            .log
            .unnamed()
            .values()
            .flatten()
            .map(|chunk| (chunk.segment, chunk.offset))
            .collect();
        for found in state.blobs.walk()? {
            let (_, blob) = found?;
            keep.extend(blob.chunks.iter().map(|chunk| (chunk.segment, chunk.offset)));
        }
        Ok(keep)
    }

    /// Copy each group into one new segment, and have the state's blobs stand there.
    fn copy_groups(
        &self,
        old: &[SegmentPart],
        groups: &[Group],
        state: &mut State,
        attempt: &mut Attempt<'_>,
    ) -> Result<Copied> {
        let parts = |group: &Group| old.get(group.begin..group.end).unwrap_or_default();
        let chosen: HashSet<u64> =
            groups.iter().flat_map(parts).map(|part| part.segment.id.number).collect();
        let touched = |chunk: &Chunk| chosen.contains(&chunk.segment);
        let mut keep: HashSet<At> = HashSet::new();
        let mut moving: Vec<(Text, Blob)> = Vec::new();
        if !chosen.is_empty() {
            for found in state.blobs.walk()? {
                let (hash, blob) = found?;
                if blob.chunks.iter().any(touched) {
                    keep.extend(blob.chunks.iter().map(|chunk| (chunk.segment, chunk.offset)));
                    moving.push((hash, blob));
                }
            }
            let unnamed = self.log.unnamed();
            keep.extend(unnamed.values().flatten().map(|chunk| (chunk.segment, chunk.offset)));
        }
        let mut copied = Copied { parts: Vec::new(), moved: HashMap::new() };
        let mut groups = groups.iter().peekable();
        let mut index = 0;
        while let Some(part) = old.get(index) {
            if let Some(group) = groups.next_if(|group| group.begin == index) {
                self.copy_group(parts(group), &keep, &mut copied, attempt)?;
                index = group.end;
            } else {
                copied.parts.push(part.clone());
                index += 1;
            }
        }
        for (hash, blob) in moving {
            let place = |chunk: &Chunk| match copied.moved.get(&(chunk.segment, chunk.offset)) {
                Some(&(segment, offset)) => Ok(Chunk { segment, offset, ..*chunk }),
                None if touched(chunk) => {
                    Err(Error::Internal("a chunk was left behind".to_owned()))
                }
                None => Ok(*chunk),
            };
            let chunks = blob.chunks.iter().map(place).collect::<Result<_>>()?;
            state.move_blob(&hash, &blob, chunks);
        }
        Ok(copied)
    }

    /// Copy what is kept of some segments into one, durably.
    fn copy_group(
        &self,
        inputs: &[SegmentPart],
        keep: &HashSet<At>,
        copied: &mut Copied,
        attempt: &mut Attempt<'_>,
    ) -> Result<()> {
        let Some(first) = inputs.first() else { return Ok(()) };
        let disk = self.log.disk.as_ref();
        let SegmentId { number, generation } = first.segment.id;
        let id = SegmentId { number, generation: generation + 1 };
        attempt.made.push(id.name());
        let segment = Arc::new(Segment::create(disk, self.uuid(), id, random()?)?);
        let mut end = FIRST_FRAME;
        for input in inputs {
            let from = input.segment.id.number;
            for_each_frame(input, Chunks::Verify, |frame| {
                let offset = frame.header.position + HEADER_BYTES;
                if frame.header.kind != Kind::Chunk || !keep.contains(&(from, offset)) {
                    return Ok(());
                }
                let mut draft = Draft::new();
                draft.payload_mut().extend_from_slice(&frame.payload);
                let header =
                    Header { salt: segment.salt, durable: 0, position: end, ..frame.header };
                segment.write(draft.finish(&header), end)?;
                copied.moved.insert((from, offset), (number, end + HEADER_BYTES));
                end = header.end();
                Ok(())
            })?;
        }
        if end == FIRST_FRAME {
            return Ok(());
        }
        segment.sync()?;
        let part = SegmentPart { segment, end };
        for_each_frame(&part, Chunks::Verify, |_| Ok(()))?;
        copied.parts.push(part);
        Ok(())
    }
}

/// Enter a picture and its vectors among what must go.
fn doom(doomed: &mut Doomed, state: &State, id: u64) -> Result<()> {
    doomed.images.insert(id);
    for found in state.records.below(&record_key(VECTORS, &id.to_be_bytes()))? {
        let (key, _) = found?;
        doomed.records.insert((VECTORS, key.get(1..).unwrap_or_default().into()));
    }
    Ok(())
}

fn entry_of(part: &SegmentPart) -> Entry {
    let Segment { id, salt, .. } = *part.segment;
    Entry { id, salt, sealed: Some(part.end), used: 0 }
}

/// Files that an attempt has made; they are taken back unless it came to its end.
struct Attempt<'a> {
    writer: &'a Writer,
    made: Vec<String>,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        for name in &self.made {
            // Nobody names it; the next opening removes what stays.
            _ = self.writer.log.disk.remove(name);
        }
    }
}

/// The sealed log after copying.
struct Copied {
    parts: Vec<SegmentPart>,
    /// From where to where chunks have moved.
    moved: HashMap<At, At>,
}

/// A run of segments that become one.
#[derive(Debug)]
struct Group {
    begin: usize,
    end: usize,
    live: u64,
}

/// What of a segment is still needed.
#[derive(Debug)]
struct Use {
    live: u64,
    rewrite: bool,
}

/// Whether a segment holds anything that must go: an operation of a doomed key, or a chunk
/// that nobody uses any more, since it may be of such a one.
fn must_go(part: &SegmentPart, doomed: &Doomed, keep: &HashSet<At>) -> Result<bool> {
    let number = part.segment.id.number;
    // What follows a torn tail may be anything.
    let mut must = part.segment.length()? > part.end;
    for_each_frame(part, Chunks::Skip, |frame| {
        let header = &frame.header;
        must |= match header.kind {
            Kind::Chunk => !keep.contains(&(number, header.position + HEADER_BYTES)),
            Kind::Transaction => Ops::new(&frame.payload, header.count)
                .into_iter()
                .flatten()
                .flatten()
                .any(|op| doomed.holds(&op)),
        };
        Ok(())
    })?;
    Ok(must)
}

fn for_each_frame(
    part: &SegmentPart,
    chunks: Chunks,
    mut visit: impl FnMut(&Frame) -> Result<()>,
) -> Result<()> {
    let mut scan = Scan::new(&part.segment, FIRST_FRAME, part.end, chunks);
    loop {
        match scan.step()? {
            Step::Frame(frame) => visit(&frame)?,
            Step::End => return Ok(()),
            Step::Bad(at, why) => return Err(part.segment.corrupt(at, why)),
        }
    }
}

/// Point the chunks that wait for their transaction to where they stand now.
fn relocate(unnamed: &mut LooseChunks, moved: &HashMap<At, At>) {
    for chunk in unnamed.values_mut().flatten() {
        if let Some(&(segment, offset)) = moved.get(&(chunk.segment, chunk.offset)) {
            *chunk = Chunk { segment, offset, ..*chunk };
        }
    }
}
