//! Purging and collecting: writing parts of the log anew without what is no longer wanted.
//!
//! Sealed segments are copied frame by frame into a next generation, the copy is replayed and
//! compared with the state, and only then the manifest is switched and the old files go. Up to
//! the switch nothing has happened; after it everything has.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::bytes::checksum;
use crate::disk::Disk;
use crate::error::{Context, Error, Result};
use crate::frame::{Header, Kind, extent};
use crate::log::{Draft, locked, random};
use crate::manifest::{Entry, Manifest};
use crate::op::{Op, Ops};
use crate::replay::Replay;
use crate::scan::{Chunks, Frame, Scan, Step};
use crate::segment::{FIRST_FRAME, Segment, SegmentId, SegmentPart};
use crate::state::{LooseChunks, RecordKey, State, VECTORS};
use crate::writer::Writer;

/// Of a segment's bytes this part must be dead for a rewrite to be worth it, one in so many.
const WORTH: u64 = 4;
/// Segments with less live bytes than this part of a full one are joined with their
/// neighbours, one in so many.
const SMALL: u64 = 4;

/// Keys of which no operation may be left in the log, but for those that are current.
#[derive(Debug, Default)]
struct Doomed {
    images: BTreeSet<u64>,
    records: BTreeSet<RecordKey>,
}

impl Doomed {
    fn holds(&self, op: &Op<'_>) -> bool {
        match op {
            Op::Image(image) => self.images.contains(&image.id),
            Op::Purge(id) => self.images.contains(id),
            Op::Record { table, key, .. } | Op::Removal { table, key } => {
                self.records.contains(&(*table, (*key).into()))
            }
            Op::Blob { .. } => false,
        }
    }
}

/// Why the log is rewritten.
struct Job {
    /// What the log is to come to.
    state: State,
    doomed: Doomed,
    /// Every trace of unused bytes goes, whether or not that is worth the writing.
    thorough: bool,
    scrubbed: u64,
}

impl Writer {
    /// Delete rows and what only they have, truly; see the C header.
    pub(crate) fn purge(&self, ids: &[u64]) -> Result<u64> {
        let _serial = locked(&self.committing);
        self.log.usable()?;
        self.drain()?;
        let state = self.state();
        let ids: BTreeSet<u64> = ids.iter().copied().collect();
        let mut draft = Draft::new();
        let mut count = 0;
        Ops::begin(self.now_ns(), draft.payload_mut());
        for id in &ids {
            if !state.rows.contains_key(id) {
                return Err(Error::NotFound(format!("there is no picture {id} to purge")));
            }
            Op::Purge(*id).encode(draft.payload_mut());
            count += 1;
            for ((table, key), record) in state.record_keys(VECTORS, &id.to_be_bytes()) {
                if record.value.is_some() {
                    Op::Removal { table: *table, key }.encode(draft.payload_mut());
                    count += 1;
                }
            }
        }
        if count == 0 {
            return Ok(state.seq);
        }
        let seq = self.append(&state, &mut draft, count, &[])?;
        self.wait(seq)?;
        self.scrub()?;
        Ok(seq)
    }

    /// Remove from the files what purges have removed from the state. `committing` is held, or
    /// nobody else knows the writer yet.
    pub(crate) fn scrub(&self) -> Result<()> {
        let state = self.state();
        let scrubbed = self.log.tail().manifest.scrubbed;
        let mut doomed = Doomed::default();
        for (id, purged) in &state.purged {
            if purged.seq > scrubbed {
                doomed.images.insert(*id);
                let prefix = id.to_be_bytes();
                let keys = state.record_keys(VECTORS, &prefix);
                doomed.records.extend(keys.map(|(key, _)| key.clone()));
            }
        }
        if doomed.images.is_empty() {
            return Ok(());
        }
        let state = State::clone(&state);
        let scrubbed = state.seq;
        self.rewrite(&Job { state, doomed, thorough: true, scrubbed }).map(|_| ())
    }

    /// Forget tombstones older than `before_ns` and reclaim space; see the C header.
    pub(crate) fn collect(&self, before_ns: i64) -> Result<u64> {
        let _serial = locked(&self.committing);
        self.log.usable()?;
        self.drain()?;
        self.scrub()?;
        let mut state = State::clone(&self.state());
        let mut doomed = Doomed::default();
        let mut floor = state.feed_floor;
        for row in state.rows.clone().values() {
            if !row.is_live() && row.deleted_ns < before_ns {
                floor = floor.max(row.seq);
                doomed.images.insert(row.id);
                let prefix = row.id.to_be_bytes();
                let keys = state.record_keys(VECTORS, &prefix).map(|(key, _)| key.clone());
                doomed.records.extend(keys);
                state.take_row(row.id);
            }
        }
        for (id, purged) in &state.purged.clone() {
            if purged.when_ns < before_ns {
                floor = floor.max(purged.seq);
                doomed.images.insert(*id);
                state.forget_purged(*id);
            }
        }
        for (key, record) in &state.records {
            if record.value.is_none() && record.when_ns < before_ns {
                floor = floor.max(record.seq);
                doomed.records.insert(key.clone());
            }
        }
        for key in &doomed.records {
            state.forget_record(key);
        }
        state.settle()?;
        state.feed_floor = floor;
        let scrubbed = self.log.tail().manifest.scrubbed;
        self.rewrite(&Job { state, doomed, thorough: false, scrubbed })
    }

    /// Bring the log to the job's state; return the bytes freed. `committing` is held.
    fn rewrite(&self, job: &Job) -> Result<u64> {
        let disk = Arc::clone(&self.log.disk);
        let old = self.sealed_parts()?;
        let keep = self.kept_blobs(&job.state);
        let groups = self.plan(&old, job, &keep)?;
        let mut manifest = self.log.tail().manifest.clone();
        let same = (manifest.feed_floor, manifest.scrubbed) == (job.state.feed_floor, job.scrubbed);
        if groups.is_empty() && same {
            return Ok(0);
        }
        manifest.seq = job.state.seq;
        manifest.next_id = self.next_id();
        manifest.next_blob = self.log.next_blob();
        manifest.feed_floor = job.state.feed_floor;
        manifest.scrubbed = job.scrubbed;

        let (new, entries) = copy_log(disk.as_ref(), &old, &groups, job, &keep, &manifest)?;
        let mut replay = Replay::new(&manifest);
        for part in &new {
            replay.read(&part.segment, FIRST_FRAME, part.end)?;
        }
        let state = replay.settled()?;
        if let Some(what) = state.difference(&job.state) {
            return Err(Error::Internal(format!("the rewritten log has other {what}")));
        }
        let names_before: BTreeSet<_> = old.iter().map(|part| part.segment.id).collect();
        let names_after: BTreeSet<_> = new.iter().map(|part| part.segment.id).collect();
        let total = |parts: &[SegmentPart]| {
            parts.iter().map(|part| part.segment.length()).sum::<Result<u64>>()
        };
        let freed = total(&old)?.saturating_sub(total(&new)?);

        let mut unnamed = self.log.unnamed();
        self.log.replace_sealed(manifest, old.len(), entries, &new)?;
        relocate(&mut unnamed, &replay.loose, &names_before);
        drop(unnamed);
        self.replace(state);
        for id in names_before.difference(&names_after) {
            disk.remove(&id.name()).doing(|| format!("remove {}/{}", disk.place(), id.name()))?;
        }
        disk.sync_folder().doing(|| format!("sync {}", disk.place()))?;
        Ok(freed)
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

    /// Numbers of the blobs whose chunks are kept: those of the state, and those that a
    /// transaction may still name.
    fn kept_blobs(&self, state: &State) -> HashSet<u64> {
        let mut keep: HashSet<u64> = self.log.unnamed().keys().copied().collect();
        keep.extend(state.blobs.values().map(|blob| blob.id));
        keep
    }

    /// Which runs of segments are written anew.
    fn plan(&self, old: &[SegmentPart], job: &Job, keep: &HashSet<u64>) -> Result<Vec<Group>> {
        let full = self.log.segment_bytes();
        let mut uses = Vec::with_capacity(old.len());
        for part in old {
            uses.push(Use::measure(part, job, keep)?);
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

impl Use {
    fn measure(part: &SegmentPart, job: &Job, keep: &HashSet<u64>) -> Result<Self> {
        let length = part.segment.length()?;
        let mut live = 0;
        let mut must = false;
        let mut dead = length > part.end;
        for_each_frame(part, Chunks::Skip, |frame| {
            let header = &frame.header;
            match filter(frame, &job.state, keep) {
                Kept::Whole => live += extent(header.length as usize),
                Kept::Part(payload, _) => live += extent(payload.len()),
                Kept::Nothing if header.kind == Kind::Chunk => dead = true,
                Kept::Nothing => {}
            }
            if header.kind == Kind::Transaction {
                must |= Ops::new(&frame.payload, header.count)
                    .into_iter()
                    .flatten()
                    .flatten()
                    .any(|op| job.doomed.holds(&op) && !job.state.is_current(header.key, &op));
            }
            Ok(())
        })?;
        let worth = live + FIRST_FRAME <= length - length / WORTH && live + FIRST_FRAME < length;
        Ok(Self { live, rewrite: must || worth || (job.thorough && dead) })
    }
}

/// What of a frame goes on.
enum Kept {
    Whole,
    /// A payload with fewer operations, and how many.
    Part(Vec<u8>, u32),
    Nothing,
}

fn filter(frame: &Frame, state: &State, keep: &HashSet<u64>) -> Kept {
    let header = &frame.header;
    if header.kind == Kind::Chunk {
        return if keep.contains(&header.key) { Kept::Whole } else { Kept::Nothing };
    }
    // Whoever applied the payload has read it to the end.
    let Some(ops) = Ops::new(&frame.payload, header.count) else {
        return Kept::Whole;
    };
    let mut payload = Vec::new();
    let mut count = 0;
    Ops::begin(ops.when_ns, &mut payload);
    for op in ops.flatten().filter(|op| state.is_current(header.key, op)) {
        op.encode(&mut payload);
        count += 1;
    }
    match count {
        0 => Kept::Nothing,
        _ if count == header.count => Kept::Whole,
        _ => Kept::Part(payload, count),
    }
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

/// Copy each group into one new segment; return the whole log's parts and entries thereafter.
fn copy_log(
    disk: &dyn Disk,
    old: &[SegmentPart],
    groups: &[Group],
    job: &Job,
    keep: &HashSet<u64>,
    manifest: &Manifest,
) -> Result<(Vec<SegmentPart>, Vec<Entry>)> {
    let mut parts = Vec::new();
    let mut groups = groups.iter().peekable();
    let mut index = 0;
    while let Some(part) = old.get(index) {
        if let Some(group) = groups.next_if(|group| group.begin == index) {
            let inputs = old.get(group.begin..group.end).unwrap_or_default();
            parts.extend(copy_group(disk, inputs, job, keep, manifest.uuid)?);
            index = group.end;
        } else {
            parts.push(part.clone());
            index += 1;
        }
    }
    disk.sync_folder().doing(|| format!("sync {}", disk.place()))?;
    let entries = parts
        .iter()
        .map(|SegmentPart { segment, end }| Entry {
            id: segment.id,
            salt: segment.salt,
            sealed: Some(*end),
        })
        .collect();
    Ok((parts, entries))
}

/// Copy what is kept of some segments into one, durably; None if nothing is.
fn copy_group(
    disk: &dyn Disk,
    inputs: &[SegmentPart],
    job: &Job,
    keep: &HashSet<u64>,
    uuid: [u8; 16],
) -> Result<Option<SegmentPart>> {
    let Some(first) = inputs.first() else {
        return Ok(None);
    };
    let SegmentId { number, generation } = first.segment.id;
    let id = SegmentId { number, generation: generation + 1 };
    let segment = Arc::new(Segment::create(disk, uuid, id, random()?)?);
    let mut end = FIRST_FRAME;
    for input in inputs {
        for_each_frame(input, Chunks::Verify, |frame| {
            let mut draft = Draft::new();
            let mut count = frame.header.count;
            match filter(frame, &job.state, keep) {
                Kept::Nothing => return Ok(()),
                Kept::Whole => draft.payload_mut().extend_from_slice(&frame.payload),
                Kept::Part(payload, fewer) => {
                    draft.payload_mut().extend_from_slice(&payload);
                    count = fewer;
                }
            }
            let header = Header {
                salt: segment.salt,
                durable: 0,
                position: end,
                length: u32::try_from(draft.payload().len()).unwrap_or(u32::MAX),
                count,
                check: checksum(draft.payload()),
                ..frame.header
            };
            segment.write(draft.finish(&header), end)?;
            end = header.end();
            Ok(())
        })?;
    }
    if end == FIRST_FRAME {
        disk.remove(&id.name()).doing(|| format!("remove {}", segment.path()))?;
        return Ok(None);
    }
    segment.sync()?;
    Ok(Some(SegmentPart { segment, end }))
}

/// Point the chunks that wait for their transaction to where they stand now.
fn relocate(unnamed: &mut LooseChunks, moved: &LooseChunks, before: &BTreeSet<SegmentId>) {
    for (id, chunks) in unnamed {
        if let Some(moved) = moved.get(id) {
            let later = chunks.iter().filter(|chunk| !before.contains(&chunk.segment.id)).cloned();
            *chunks = moved.iter().cloned().chain(later).collect();
        }
    }
}
