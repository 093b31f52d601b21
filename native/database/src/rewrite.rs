//! Writing files anew: what is no longer wanted leaves them.
//!
//! Everything in memory becomes runs first, so the log's transactions say nothing any more and
//! only chunks of blobs in use are carried over. Segments are copied into a next generation,
//! and where something is to be forgotten the trees are merged whole. Then the manifest is
//! switched, and only then the old files go. Up to the switch nothing has happened; after it
//! everything has.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::bytes::Text;
use crate::checkpoint::{Adopt, Freeze, WriteFrozen, cover, run_entries};
use crate::doomed::Doomed;
use crate::entries::{Blob, Chunk};
use crate::error::{Context, Error, Result};
use crate::frame::{HEADER_BYTES, Header, Kind, chunk_alignment, extent, padding};
use crate::log::{Draft, random};
use crate::manifest::{Entry, LogStart};
use crate::op::Ops;
use crate::run_file;
use crate::run_writer::merge;
use crate::scan::{Chunks, Frame, Scan, Step};
use crate::segment::{FIRST_FRAME, Segment, SegmentId, SegmentPart};
use crate::state::{LooseChunks, State};
use crate::values::TREES;
use crate::writer::Writer;

/// Of a segment's bytes this part must be dead for a rewrite to be worth it, one in so many.
const WORTH: u64 = 4;
/// Segments with less live bytes than this part of a full one are joined with their
/// neighbours, one in so many.
const SMALL: u64 = 4;

/// Why the files are rewritten.
pub(crate) struct Job {
    /// What they are to come to.
    pub(crate) state: State,
    pub(crate) doomed: Doomed,
    /// Whether it differs from the present state, if only in tombstones.
    pub(crate) forgotten: bool,
    pub(crate) scrubbed: u64,
}

/// A chunk's place: number of the segment and offset of its bytes.
type At = (u64, u64);

impl Writer {
    /// Bring the files to the job's state; return the bytes freed of the log. `upkeep` and
    /// `committing` are held, and everything logged is durable.
    pub(crate) fn rewrite(&self, job: Job) -> Result<u64> {
        let Job { mut state, doomed, forgotten, scrubbed } = job;
        let disk = self.log.disk.as_ref();
        let sound = doomed.is_empty() && !forgotten;
        if sound && self.plan(&self.full_parts()?, &state, &doomed)?.is_empty() {
            return Ok(0);
        }
        self.keep_old_manifest(&state)?;
        let old = self.sealed_parts()?;
        let groups = self.plan(&old, &state, &doomed)?;
        let now = self.log.tail().manifest.clone();
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
        let mut gone: HashSet<String> = run_file::names(&now.runs);
        gone.extend(old.iter().map(|part| part.segment.id.name()));
        gone.extend(made);
        for entry in &manifest.segments {
            gone.remove(&entry.id.name());
        }
        for name in run_file::names(&manifest.runs) {
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

    /// The segments that are worth a look where nothing has to go: the sealed ones, and the one that
    /// is appended to once it has a good part of a full one's bytes that nobody needs.
    fn full_parts(&self) -> Result<Vec<SegmentPart>> {
        let state = self.state();
        let tail = self.log.tail();
        let active = tail.active()?.id.number;
        let waiting = self.waiting();
        let named = tail.segments.iter().zip(&tail.manifest.segments);
        Ok(named
            .filter_map(|(segment, entry)| {
                let end = entry.sealed.unwrap_or(tail.end);
                let number = segment.id.number;
                let live = live_bytes(&state, &waiting, number);
                let dead = end.saturating_sub(FIRST_FRAME + live);
                let wanted = number != active || dead >= self.log.segment_bytes() / SMALL;
                wanted.then(|| SegmentPart { segment: Arc::clone(segment), end })
            })
            .collect())
    }

    /// Bytes of frames with chunks that wait for their transaction, by segment.
    fn waiting(&self) -> HashMap<u64, u64> {
        let mut waiting: HashMap<u64, u64> = HashMap::new();
        for chunk in self.log.unnamed().values().flatten() {
            *waiting.entry(chunk.segment).or_default() += extent(chunk.length as usize);
        }
        waiting
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
        let waiting = self.waiting();
        let keep = if doomed.images.is_empty() { HashSet::new() } else { self.kept(state)? };
        let mut uses = Vec::with_capacity(old.len());
        for part in old {
            let number = part.segment.id.number;
            let live = live_bytes(state, &waiting, number);
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
                let (index, length) = (frame.header.count, frame.payload.len());
                let alignment = chunk_alignment(index, length, self.log.chunk_bytes());
                let before = padding(end, segment.salt, 0, alignment);
                end += before.len() as u64;
                let header =
                    Header { salt: segment.salt, durable: 0, position: end, ..frame.header };
                let at = end - before.len() as u64;
                segment.write_parts([&before, draft.finish(&header), &[]], at)?;
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

/// Bytes of a segment's frames with chunks that are used, or may be.
fn live_bytes(state: &State, waiting: &HashMap<u64, u64>, number: u64) -> u64 {
    let of = |found: Option<&u64>| found.copied().unwrap_or(0);
    of(state.used.get(&number)) + of(waiting.get(&number))
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
            Kind::Padding => false,
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
