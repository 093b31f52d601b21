//! Reading a segment frame by frame, and finding where its valid part ends.

use crate::bytes::{checksum, is_blank};
use crate::error::Result;
use crate::frame::{ALIGNMENT, HEADER, HEADER_BYTES, Header, Kind, MAGIC, PAGE, STRIDE};
use crate::segment::Segment;

/// Bytes that one hop reads: a header and, mostly, the whole of a small transaction.
const WINDOW: usize = 4096;
/// Bytes that a search for frames reads at once.
const SEARCH: usize = 1 << 20;

/// A frame; the payload is there for transactions, and for chunks where asked for.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
}

/// What stands at a scan's position.
#[derive(Debug)]
pub(crate) enum Step {
    Frame(Frame),
    /// The scan's end.
    End,
    /// No valid frame: where, and why not.
    Bad(u64, &'static str),
}

/// What a scan does with blobs' chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chunks {
    /// Trust their headers and pass over the bytes.
    Skip,
    /// Read the bytes and compare their checksums.
    Verify,
}

/// Walks over the frames of a segment.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    segment: &'a Segment,
    position: u64,
    end: u64,
    chunks: Chunks,
    window: Vec<u8>,
    window_at: u64,
}

impl<'a> Scan<'a> {
    /// Begin at `position`, where a frame begins; stop at `end`.
    pub(crate) fn new(segment: &'a Segment, position: u64, end: u64, chunks: Chunks) -> Self {
        Self { segment, position, end, chunks, window: Vec::new(), window_at: 0 }
    }

    /// Where the next frame begins.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Go on at another place.
    pub(crate) fn seek(&mut self, position: u64) {
        self.position = position;
    }

    /// Read the next frame and step over it; a bad one is not stepped over.
    pub(crate) fn step(&mut self) -> Result<Step> {
        if self.position >= self.end {
            return Ok(Step::End);
        }
        let at = self.position;
        let salt = self.segment.salt;
        let header = match Header::decode(self.bytes(at, HEADER)?, salt, at) {
            Ok(header) => header,
            Err(why) => return Ok(Step::Bad(at, why)),
        };
        if header.end() > self.end {
            return Ok(Step::Bad(at, "a frame reaches over the end of the log"));
        }
        let mut payload = Vec::new();
        if header.kind == Kind::Transaction || self.chunks == Chunks::Verify {
            let length = header.length as usize;
            let bytes = self.bytes(at + HEADER_BYTES, length)?;
            if bytes.len() < length || checksum(bytes) != header.check {
                return Ok(Step::Bad(at, "a frame's payload has a wrong checksum"));
            }
            payload.extend_from_slice(bytes);
        }
        self.position = header.end();
        Ok(Step::Frame(Frame { header, payload }))
    }

    /// Up to `length` bytes at `offset`, less at the scan's end.
    fn bytes(&mut self, offset: u64, length: usize) -> Result<&[u8]> {
        let room = usize::try_from(self.end.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = length.min(room);
        let held = self.window_at + self.window.len() as u64;
        if offset < self.window_at || offset + length as u64 > held {
            // A length that was believed must not take memory for what is not there.
            let left = self.segment.length()?.saturating_sub(offset);
            let length = length.min(usize::try_from(left).unwrap_or(usize::MAX));
            self.window.resize(length.max(WINDOW.min(room)), 0);
            self.window_at = offset;
            let count = self.segment.read(&mut self.window, offset)?;
            self.window.truncate(count);
        }
        let begin = usize::try_from(offset - self.window_at).unwrap_or(usize::MAX);
        let end = begin.saturating_add(length).min(self.window.len());
        Ok(self.window.get(begin..end).unwrap_or_default())
    }
}

/// The first valid frame header at or after `from`.
pub(crate) fn find_frame(segment: &Segment, from: u64, end: u64) -> Result<Option<Header>> {
    let mut at = from.next_multiple_of(ALIGNMENT);
    let mut buffer = vec![0; SEARCH + HEADER];
    while at < end {
        let count = segment.read(&mut buffer, at)?;
        if count == 0 {
            // The file ends before what was said to be its end.
            break;
        }
        let read = buffer.get(..count).unwrap_or_default();
        for page in (0..count.min(SEARCH)).step_by(PAGE) {
            let end = count.min(page + PAGE);
            // Most of what is searched was filled ahead.
            if read.get(page..end).is_some_and(is_blank) {
                continue;
            }
            for begin in (page..end).step_by(STRIDE) {
                let bytes = read.get(begin..).unwrap_or_default();
                if !bytes.starts_with(&MAGIC) {
                    continue;
                }
                if let Ok(header) = Header::decode(bytes, segment.salt, at + begin as u64) {
                    return Ok(Some(header));
                }
            }
        }
        at += SEARCH as u64;
    }
    Ok(None)
}

/// Where the valid part of an unsealed segment ends; `durable` is an offset below which
/// everything is known to have reached the disk. Frames are read from `from` on: what is before it
/// is durable, too, and stands in the runs.
///
/// What follows the last valid frame is a write that a crash cut short, and no loss, unless
/// there is proof that it had been durable: `durable` itself, or a later frame that says so.
/// Then it is damage. Bytes of blobs below the highest such offset are not read here.
pub(crate) fn find_end(segment: &Segment, durable: u64, from: u64) -> Result<u64> {
    const SHORT: &str = "the file ends before what was durable";
    let length = segment.length()?;
    let mut durable = durable.max(from);
    if length < from {
        return Err(segment.corrupt(length, SHORT));
    }
    let mut scan = Scan::new(segment, from, length, Chunks::Skip);
    let (end, why) = loop {
        match scan.step()? {
            Step::Frame(frame) => durable = durable.max(frame.header.durable),
            Step::End => break (scan.position(), SHORT),
            Step::Bad(at, why) => break (at, why),
        }
    };
    let mut next = end + ALIGNMENT;
    while let Some(header) = find_frame(segment, next, length)? {
        durable = durable.max(header.durable);
        next = header.position + ALIGNMENT;
    }
    if durable > end {
        return Err(segment.corrupt(end, why));
    }
    // Whoever wrote down how much is durable took it from the end of a frame.
    let mut scan = Scan::new(segment, durable, end, Chunks::Verify);
    loop {
        match scan.step()? {
            Step::Frame(_) => {}
            Step::End => return Ok(end),
            Step::Bad(at, _) => return Ok(at),
        }
    }
}
