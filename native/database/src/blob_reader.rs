//! Reading pictures' bytes: by copy, in ranges, or in place.

use std::sync::Arc;

use crate::entries::{Blob, Chunk};
use crate::error::{Context, Error, Result};
use crate::mapping::{Mapping, Piece};
use crate::segment::Segment;
use crate::state::State;

/// Stored bytes, open for reading. They stay readable whatever becomes of the store. What is read
/// for the first time since the store was opened is verified, chunk by chunk.
#[derive(Debug)]
pub struct BlobReader {
    length: u64,
    chunks: Vec<(Arc<Segment>, Chunk)>,
    /// Bytes of every chunk but the last.
    whole: usize,
    /// The piece that was read last, and its place among the blob's pieces.
    held: Option<(usize, Vec<u8>)>,
}

/// Stored bytes in place: mapped where the disk allows it, else copied. They stay readable
/// whatever becomes of the store and its files.
#[derive(Debug)]
pub struct BlobView(Held);

#[derive(Debug)]
enum Held {
    Mapped(Mapping),
    Copied(Vec<u8>),
}

impl BlobView {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Held::Mapped(mapping) => mapping.bytes(),
            Held::Copied(bytes) => bytes,
        }
    }

    /// Whether they are the files' own, not a copy.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        matches!(self.0, Held::Mapped(_))
    }
}

fn lacking() -> Error {
    Error::Internal("stored bytes lack a piece".to_owned())
}

fn segment_of<'a>(state: &'a State, chunk: &Chunk) -> Result<&'a Arc<Segment>> {
    let missing = || Error::Internal(format!("the log has no segment {}", chunk.segment));
    state.segment(chunk.segment).ok_or_else(missing)
}

/// Fill `buffer` with all of a blob, verified as a [`BlobReader`] does; it has as many bytes.
pub(crate) fn read_all(state: &State, blob: &Blob, buffer: &mut [u8]) -> Result<()> {
    if let [chunk] = *blob.chunks
        && chunk.length as usize == buffer.len()
    {
        return segment_of(state, &chunk)?.read_verified(buffer, chunk.offset, chunk.check);
    }
    BlobReader::new(state, blob)?.read(0, buffer).map(drop)
}

impl BlobReader {
    /// Read `blob` of `state`.
    pub(crate) fn new(state: &State, blob: &Blob) -> Result<Self> {
        let find = |chunk: &Chunk| Ok((Arc::clone(segment_of(state, chunk)?), *chunk));
        let chunks = blob.chunks.iter().map(find).collect::<Result<_>>()?;
        let whole = blob.chunks.first().map_or(1, |first| first.length.max(1) as usize);
        Ok(Self { length: blob.length, chunks, whole, held: None })
    }

    /// Bytes in all.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Fill `buffer` from `offset`, verified; return how much there was, less only at the end.
    pub fn read(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let mut rest = buffer.get_mut(..wanted).unwrap_or_default();
        let mut at = usize::try_from(offset).unwrap_or(usize::MAX);
        while !rest.is_empty() {
            let (index, skip) = (at / self.whole, at % self.whole);
            let (segment, chunk) = self.chunks.get(index).ok_or_else(lacking)?;
            let whole = chunk.length as usize;
            let count = rest.len().min(whole.saturating_sub(skip));
            let (now, later) = rest.split_at_mut_checked(count).ok_or_else(lacking)?;
            if count == 0 {
                return Err(lacking());
            }
            if count == whole {
                segment.read_verified(now, chunk.offset, chunk.check)?;
            } else if self.held.as_ref().is_none_or(|(at, _)| *at != index)
                && segment.verified.has(chunk.offset, whole)
            {
                segment.read_whole(now, chunk.offset + skip as u64)?;
            } else {
                let held = hold(&mut self.held, index, segment, chunk)?;
                now.copy_from_slice(held.get(skip..skip + count).ok_or_else(lacking)?);
            }
            at += count;
            rest = later;
        }
        Ok(wanted)
    }

    /// All of it in place, verified. Where the disk cannot map files, or a store of format 3 or
    /// older has cut it into chunks, it is a copy.
    pub fn view(mut self) -> Result<BlobView> {
        if let Some(mapping) = self.map() {
            // Verified by reading, not through the mapping, where a disk that fails would end the
            // process; both show the same memory.
            for (index, (segment, chunk)) in self.chunks.iter().enumerate() {
                if !segment.verified.has(chunk.offset, chunk.length as usize) {
                    hold(&mut self.held, index, segment, chunk)?;
                }
            }
            return Ok(BlobView(Held::Mapped(mapping)));
        }
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(length)
            .map_err(std::io::Error::other)
            .doing(|| format!("hold {length} bytes in memory"))?;
        bytes.resize(length, 0);
        self.read(0, &mut bytes)?;
        Ok(BlobView(Held::Copied(bytes)))
    }

    fn map(&self) -> Option<Mapping> {
        let mut pieces = Vec::with_capacity(self.chunks.len());
        for (segment, chunk) in &self.chunks {
            let file = segment.file.descriptor()?;
            let offset = usize::try_from(chunk.offset).ok()?;
            pieces.push(Piece { file, offset, length: chunk.length as usize });
        }
        // Where the system refuses, as when a process has too many mappings, a copy will do.
        let mapping = Mapping::of(&pieces).unwrap_or_default();
        let bytes = mapping.as_ref().map_or(0, |mapping| mapping.bytes().len() as u64);
        mapping.filter(|_| bytes == self.length)
    }
}

/// The piece at `index`, from memory if it was the last one read.
fn hold<'a>(
    held: &'a mut Option<(usize, Vec<u8>)>,
    index: usize,
    segment: &Segment,
    chunk: &Chunk,
) -> Result<&'a [u8]> {
    if held.as_ref().is_none_or(|(at, _)| *at != index) {
        let mut bytes = held.take().map(|(_, bytes)| bytes).unwrap_or_default();
        bytes.resize(chunk.length as usize, 0);
        segment.read_verified(&mut bytes, chunk.offset, chunk.check)?;
        *held = Some((index, bytes));
    }
    Ok(held.as_ref().map_or(&[], |(_, bytes)| bytes))
}
