//! The log's writing end: appending frames, syncing, beginning new segments.
//!
//! It also holds what must happen once and for all: when a write or a sync has failed, nothing
//! more is written through this handle, since nobody knows any more what the disk holds.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use crate::disk::{Access, Disk, DiskFile, ZEROS};
use crate::entries::Chunk;
use crate::error::{Context, Error, Result};
use crate::frame::{
    self, ALIGNMENT, HEADER, HEADER_BYTES, Header, Kind, chunk_alignment, extent, padding,
};
use crate::locks::locked;
use crate::manifest::{Entry, LogStart, Manifest};
use crate::mark::{Mark, MarkFile};
use crate::options::Options;
use crate::reserve::Reserve;
use crate::segment::{FIRST_FRAME, Segment, SegmentId, SegmentPart};
use crate::spare::{self, Spare};
use crate::state::LooseChunks;

/// What a disk writes at once; nothing is gained by beginning with a page that will grow.
const PAGE: u64 = frame::PAGE as u64;
/// Bytes that a frame brings at least where zeros are written ahead behind it.
const AHEAD_LEAST: usize = 1 << 14;
/// Chunks that the disk may begin to write before their transaction has come.
const START_BYTES: u64 = 1 << 19;

/// A frame to be appended: room for its header, then the payload.
#[derive(Debug)]
pub(crate) struct Draft {
    bytes: Vec<u8>,
}

impl Draft {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; HEADER] }
    }

    /// The payload, to be appended to.
    pub(crate) fn payload_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(crate) fn payload(&self) -> &[u8] {
        self.bytes.get(HEADER..).unwrap_or_default()
    }

    /// The frame's bytes, once it is known where it goes.
    pub(crate) fn finish(&mut self, header: &Header) -> &[u8] {
        if let Some(room) = self.bytes.get_mut(..HEADER) {
            room.copy_from_slice(&header.encode());
        }
        let end = usize::try_from(extent(self.payload().len())).unwrap_or(usize::MAX);
        self.bytes.resize(end, 0);
        &self.bytes
    }

    /// Empty it, so that it may be filled again.
    pub(crate) fn clear(&mut self) {
        self.bytes.truncate(HEADER);
    }
}

/// What a frame is to hold, and where that stands until it is written.
#[derive(Debug)]
pub(crate) enum Payload<'a> {
    /// Behind the room for its header.
    Draft(&'a mut Draft),
    /// The caller's own bytes, which are not copied.
    Borrowed(&'a [u8]),
}

impl Payload<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Draft(draft) => draft.payload(),
            Self::Borrowed(bytes) => bytes,
        }
    }

    /// Write the frame, behind `before`, which ends where it begins, and `ahead` zeros behind it.
    fn write(
        &mut self,
        segment: &Segment,
        header: &Header,
        before: &[u8],
        ahead: usize,
    ) -> Result<()> {
        let at = header.position - before.len() as u64;
        let zeros = |count: usize| ZEROS.get(..count).unwrap_or_default();
        match self {
            Self::Draft(draft) => {
                segment.write_parts([before, draft.finish(header), zeros(ahead)], at)
            }
            Self::Borrowed(bytes) => {
                let end = HEADER_BYTES + bytes.len() as u64;
                let rest = usize::try_from(extent(bytes.len()) - end).unwrap_or_default();
                let rest = zeros(rest + ahead);
                segment.write_parts([&[before, &header.encode()].concat(), bytes, rest], at)
            }
        }
    }
}

/// What is known of a frame before it has a place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label {
    pub(crate) kind: Kind,
    pub(crate) key: u64,
    pub(crate) count: u32,
    /// Of the payload.
    pub(crate) check: u64,
    /// What the place of the payload is a multiple of.
    pub(crate) alignment: u64,
    /// Whether it may take what is kept in reserve for a full disk.
    pub(crate) urgent: bool,
    /// Whether the next sync begins for it.
    pub(crate) waits: bool,
}

/// Where a frame was put.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) segment: Arc<Segment>,
    pub(crate) position: u64,
    pub(crate) end: u64,
}

/// The end of the log.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) manifest: Manifest,
    /// The segments that the manifest names, in its order.
    pub(crate) segments: Vec<Arc<Segment>>,
    /// Where the next frame goes.
    pub(crate) end: u64,
    /// Everything in the last segment below this is on the disk.
    synced: u64,
    /// Of everything in the last segment below this the disk was told to begin writing it.
    started: u64,
    /// Below this the last segment's file has frames, or zeros that were written ahead of them.
    filled: u64,
}

impl Tail {
    pub(crate) fn active(&self) -> Result<&Arc<Segment>> {
        self.segments.last().ok_or_else(|| Error::Internal("the log has no segment".to_owned()))
    }

    /// See [`Log::reach`].
    fn reach(&self, segment_bytes: u64) -> u64 {
        let before = self.segments.last().map_or(0, |segment| segment.id.number);
        before * segment_bytes + self.end
    }

    /// What the disk is to begin to write now that a frame was appended: one that the next sync
    /// `waits` for; others only where they are many, as each beginning costs as much as a small
    /// write does.
    fn next_start(&mut self, waits: bool) -> Option<(u64, u64)> {
        let (until, least) =
            if waits { (self.end, 1) } else { (self.end / PAGE * PAGE, START_BYTES) };
        let from = self.started;
        (until >= from + least).then(|| {
            self.started = until;
            (from, until - from)
        })
    }
}

/// The writing end; shared by all who write.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) disk: Arc<dyn Disk>,
    segment_bytes: u64,
    chunk_bytes: usize,
    spare: Spare,
    pub(crate) reserve: Reserve,
    tail: Mutex<Tail>,
    /// What `reach` tells, so that asking waits for nobody who writes.
    reached: AtomicU64,
    mark: MarkFile,
    /// Whether the manifest's name is known to be on the disk.
    settled: AtomicBool,
    failed: OnceLock<String>,
    closed: AtomicBool,
    next_blob: AtomicU64,
    /// Chunks of blobs that are being written or wait for their transaction.
    unnamed: Mutex<LooseChunks>,
}

impl Log {
    /// Take over the log of a recovered store: `segments` are those of `manifest`, the last
    /// one ends at `end`, and all of it is durable.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        options: Options,
        mark: MarkFile,
        manifest: Manifest,
        segments: Vec<Arc<Segment>>,
        end: u64,
        next_blob: u64,
    ) -> Self {
        let tail = Tail { manifest, segments, end, synced: end, started: end, filled: end };
        Self {
            spare: Spare::new(Arc::clone(&disk), options.fill_ahead, options.segment_bytes),
            reserve: Reserve::new(Arc::clone(&disk)),
            disk,
            segment_bytes: options.segment_bytes,
            chunk_bytes: options.chunk_bytes,
            reached: AtomicU64::new(tail.reach(options.segment_bytes)),
            tail: Mutex::new(tail),
            mark,
            settled: AtomicBool::new(false),
            failed: OnceLock::new(),
            closed: AtomicBool::new(false),
            next_blob: AtomicU64::new(next_blob),
            unnamed: Mutex::new(HashMap::new()),
        }
    }

    pub(crate) fn tail(&self) -> MutexGuard<'_, Tail> {
        locked(&self.tail)
    }

    /// Fail if the store was closed or an earlier write failed.
    pub(crate) fn usable(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        self.failed.get().map_or(Ok(()), |why| Err(Error::Poisoned(why.clone())))
    }

    /// Have nothing more written unless what begins now comes to its end, be it by an error or
    /// a panic: the log would be ahead of the state.
    pub(crate) fn arm(&self) -> Armed<'_> {
        Armed { log: self }
    }

    /// Have nothing more written, and say so.
    fn poison(&self, error: &Error) -> Error {
        _ = self.failed.set(error.to_string());
        Error::Poisoned(error.to_string())
    }

    /// Append a frame, not yet durable. When the disk is full nothing has happened.
    pub(crate) fn append(&self, payload: Payload<'_>, label: Label) -> Result<Place> {
        let mut payload = payload;
        let length = u32::try_from(payload.bytes().len())
            .map_err(|_| Error::Invalid("a transaction may not exceed 4 GiB".to_owned()))?;
        let mut tail = self.tail();
        self.usable()?;
        self.settle()?;
        let before = |tail: &Tail| -> Result<Vec<u8>> {
            // A store that could not be upgraded yet stays one that older programs understand.
            let old = tail.manifest.is_old();
            let alignment = if old { ALIGNMENT } else { label.alignment };
            Ok(padding(tail.end, tail.active()?.salt, tail.synced, alignment))
        };
        let taken = before(&tail)?.len() as u64 + extent(length as usize);
        if tail.end > FIRST_FRAME && tail.end + taken > self.segment_bytes {
            match self.roll(&mut tail) {
                Err(Error::Full { .. }) if label.urgent && self.reserve.release() => {
                    self.roll(&mut tail)?;
                }
                rolled => rolled?,
            }
        }
        let segment = Arc::clone(tail.active()?);
        let before = before(&tail)?;
        let header = Header {
            kind: label.kind,
            salt: segment.salt,
            key: label.key,
            durable: tail.synced,
            position: tail.end + before.len() as u64,
            length,
            count: label.count,
            check: label.check,
        };
        let mut ahead = self.zeros_ahead(&tail, header.end(), length as usize);
        let mut written = payload.write(&segment, &header, &before, ahead);
        if ahead > 0 && matches!(written, Err(Error::Full { .. })) {
            ahead = 0;
            written = payload.write(&segment, &header, &before, ahead);
        }
        let written = match written {
            Err(Error::Full { .. }) if label.urgent && self.reserve.release() => {
                payload.write(&segment, &header, &before, ahead)
            }
            written => written,
        };
        match written {
            Ok(()) => {}
            Err(error @ Error::Full { .. }) => return Err(error),
            Err(error) => return Err(self.poison(&error)),
        }
        tail.end = header.end();
        tail.filled = tail.filled.max(tail.end + ahead as u64);
        self.reached.store(tail.reach(self.segment_bytes), Ordering::Relaxed);
        if tail.end > self.segment_bytes / 2 {
            self.spare.want();
        }
        let start = tail.next_start(label.waits);
        drop(tail);
        if let Some((offset, length)) = start {
            segment.file.start_sync(offset, length);
        }
        Ok(Place { segment, position: header.position, end: header.end() })
    }

    /// Zeros that are written behind a frame of a segment that grows, one that ends at `end` and
    /// brings many bytes: they and what comes in their place stand in the kernel's memory in pieces
    /// as large as what was written at once, and are read that much faster.
    fn zeros_ahead(&self, tail: &Tail, end: u64, payload: usize) -> usize {
        if end <= tail.filled || payload < AHEAD_LEAST.min(self.chunk_bytes) {
            return 0;
        }
        let until = end.next_multiple_of(ZEROS.len() as u64).min(self.segment_bytes);
        usize::try_from(until.saturating_sub(end)).unwrap_or_default()
    }

    /// Before the first write: the manifest's writer may have been killed between the renaming and
    /// the sync, and what is built on it must not outlive it: under a manifest of format 1 the same
    /// frames say less. Who writes nothing waits for nothing.
    fn settle(&self) -> Result<()> {
        if !self.settled.load(Ordering::Relaxed) {
            let synced = self.disk.sync_folder().doing(|| format!("sync {}", self.disk.place()));
            synced.map_err(|error| self.poison(&error))?;
            self.settled.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Make everything up to the end of a frame durable, and say so to other processes.
    pub(crate) fn sync(&self, place: &Place) -> Result<()> {
        self.sync_segment(&place.segment)?;
        let mut tail = self.tail();
        if Arc::ptr_eq(tail.active()?, &place.segment) {
            tail.synced = tail.synced.max(place.end);
            self.write_mark(&tail);
        }
        Ok(())
    }

    fn sync_segment(&self, segment: &Segment) -> Result<()> {
        let _alone = locked(&segment.syncing);
        self.usable()?;
        segment.sync().map_err(|error| self.poison(&error))
    }

    /// Tell readers. What is durable stays so whatever happens here, so a failure only stops
    /// what would come after.
    fn write_mark(&self, tail: &Tail) {
        let written = tail
            .active()
            .and_then(|segment| self.mark.write(Mark { salt: segment.salt, end: tail.synced }));
        if let Err(error) = written {
            self.poison(&error);
        }
    }

    /// Seal the last segment where it ends and begin another.
    pub(crate) fn roll(&self, tail: &mut Tail) -> Result<()> {
        self.sync_segment(tail.active()?)?;
        let mut manifest = tail.manifest.clone();
        if let Some(entry) = manifest.segments.last_mut() {
            entry.sealed = Some(tail.end);
        }
        let mut segments = tail.segments.clone();
        let spare = self.spare.take();
        let filled = if spare.is_some() { self.segment_bytes } else { FIRST_FRAME };
        segments.push(begin_segment(self.disk.as_ref(), &mut manifest, spare)?);
        let sealed = (Arc::clone(tail.active()?), tail.end);
        self.replace_manifest(tail, manifest, segments)?;
        tail.filled = filled;
        sealed.0.trim(sealed.1);
        Ok(())
    }

    /// Put another manifest with its segments into force; the last one is empty.
    fn replace_manifest(
        &self,
        tail: &mut Tail,
        mut manifest: Manifest,
        segments: Vec<Arc<Segment>>,
    ) -> Result<()> {
        manifest.epoch += 1;
        manifest.prepare(self.disk.as_ref())?;
        Manifest::switch(self.disk.as_ref()).map_err(|error| self.poison(&error))?;
        tail.manifest = manifest;
        tail.segments = segments;
        tail.end = FIRST_FRAME;
        tail.synced = FIRST_FRAME;
        tail.started = FIRST_FRAME;
        self.write_mark(tail);
        Ok(())
    }

    /// Put into force what `change` makes of the manifest and its segments; the last one stays.
    pub(crate) fn switch(
        &self,
        change: impl FnOnce(&mut Manifest, &mut Vec<Arc<Segment>>),
    ) -> Result<Manifest> {
        let mut tail = self.tail();
        self.usable()?;
        let (mut manifest, mut segments) = (tail.manifest.clone(), tail.segments.clone());
        change(&mut manifest, &mut segments);
        manifest.epoch += 1;
        let named = manifest.segments.iter().map(|entry| entry.id);
        assert!(
            named.eq(segments.iter().map(|segment| segment.id)),
            "the manifest names what is open"
        );
        manifest.prepare(self.disk.as_ref())?;
        Manifest::switch(self.disk.as_ref()).map_err(|error| self.poison(&error))?;
        tail.manifest = manifest.clone();
        tail.segments = segments;
        Ok(manifest)
    }

    /// Where reading must begin so that nothing is missed which is logged from now on: at the
    /// end, or before the first chunk that waits for its transaction.
    pub(crate) fn start(&self) -> Result<LogStart> {
        let unnamed = self.unnamed();
        let tail = self.tail();
        let end = LogStart { segment: tail.active()?.id.number, offset: tail.end };
        let waiting = unnamed
            .values()
            .filter_map(|chunks| chunks.first())
            .map(|chunk| LogStart { segment: chunk.segment, offset: chunk.offset - HEADER as u64 });
        Ok(waiting.chain([end]).min().unwrap_or(end))
    }

    /// How far the log has come, in bytes since the store was made; nothing is exact about it.
    pub(crate) fn reach(&self) -> u64 {
        self.reached.load(Ordering::Relaxed)
    }

    pub(crate) fn segment_bytes(&self) -> u64 {
        self.segment_bytes
    }

    /// Bytes of a blob's chunks but the last.
    pub(crate) fn chunk_bytes(&self) -> usize {
        self.chunk_bytes
    }

    /// The log up to `place`.
    pub(crate) fn parts_up_to(&self, place: &Place) -> Vec<SegmentPart> {
        let tail = self.tail();
        let mut parts = Vec::with_capacity(tail.segments.len());
        for (segment, entry) in tail.segments.iter().zip(&tail.manifest.segments) {
            if Arc::ptr_eq(segment, &place.segment) {
                parts.push(SegmentPart { segment: Arc::clone(segment), end: place.end });
                break;
            }
            let end = entry.sealed.unwrap_or(tail.synced);
            parts.push(SegmentPart { segment: Arc::clone(segment), end });
        }
        parts
    }

    /// End: nothing more is written. The mark is made durable, as no frame will follow that
    /// would vouch for the last transaction.
    pub(crate) fn finish(&self) -> Result<()> {
        let usable = self.usable();
        self.closed.store(true, Ordering::Release);
        let finished = usable.and_then(|()| {
            let tail = self.tail();
            self.write_mark(&tail);
            self.mark.sync()?;
            tail.active()?.trim(tail.end);
            Ok(())
        });
        self.mark.close();
        self.spare.end();
        finished
    }

    /// A number for a new blob, under which its chunks are kept until it is named or dropped.
    pub(crate) fn begin_blob(&self) -> u64 {
        let id = self.next_blob.fetch_add(1, Ordering::Relaxed);
        self.unnamed().insert(id, Vec::new());
        id
    }

    pub(crate) fn next_blob(&self) -> u64 {
        self.next_blob.load(Ordering::Relaxed)
    }

    /// Chunks of the blobs that no transaction has named.
    pub(crate) fn unnamed(&self) -> MutexGuard<'_, LooseChunks> {
        locked(&self.unnamed)
    }

    /// Append a piece of a blob.
    pub(crate) fn append_chunk(&self, piece: Payload<'_>, blob: u64, index: u32) -> Result<()> {
        let check = crate::bytes::checksum(piece.bytes());
        let length = piece.bytes().len();
        let label = Label {
            kind: Kind::Chunk,
            key: blob,
            count: index,
            check,
            alignment: chunk_alignment(index, length, self.chunk_bytes),
            urgent: false,
            waits: false,
        };
        // Held throughout, so that a rewrite sees the chunk either not at all or with its place.
        let mut unnamed = self.unnamed();
        let place = self.append(piece, label)?;
        unnamed.entry(blob).or_default().push(Chunk {
            segment: place.segment.id.number,
            offset: place.position + HEADER as u64,
            length: u32::try_from(length).unwrap_or(u32::MAX),
            check,
            index,
        });
        Ok(())
    }
}

/// Poisons the log when dropped; see [`Log::arm`].
pub(crate) struct Armed<'a> {
    log: &'a Log,
}

impl Armed<'_> {
    /// The end was reached.
    pub(crate) fn disarm(self) {
        std::mem::forget(self);
    }
}

impl Drop for Armed<'_> {
    fn drop(&mut self) {
        _ = self.log.failed.set("a commit did not come to its end".to_owned());
    }
}

/// Make a new, empty segment, durably, out of the spare file where there is one, and enter it in
/// `manifest`.
pub(crate) fn begin_segment(
    disk: &dyn Disk,
    manifest: &mut Manifest,
    spare: Option<Arc<dyn DiskFile>>,
) -> Result<Arc<Segment>> {
    let id = SegmentId { number: manifest.next_number(), generation: 0 };
    let salt = random()?;
    let segment = match spare {
        None => Segment::create(disk, manifest.uuid, id, salt)?,
        Some(file) => {
            let place = || format!("{}/{}", disk.place(), id.name());
            file.write_at(&Segment::header(manifest.uuid, id, salt), 0).doing(place)?;
            disk.rename(spare::NAME, &id.name()).doing(place)?;
            Segment::open(disk, manifest.uuid, id, salt, Access::Write)?
        }
    };
    segment.sync()?;
    disk.sync_folder().doing(|| format!("sync {}", disk.place()))?;
    manifest.segments.push(Entry { id, salt: segment.salt, sealed: None, used: 0 });
    Ok(Arc::new(segment))
}

/// Eight unforeseeable bytes.
pub(crate) fn random() -> Result<u64> {
    getrandom::u64().map_err(|error| Error::Internal(format!("no random numbers: {error}")))
}
