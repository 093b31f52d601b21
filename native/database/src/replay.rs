//! Building the state from the log: at opening, while following a writer, after a rewrite.

use std::sync::Arc;

use crate::error::Result;
use crate::frame::{HEADER_BYTES, Kind};
use crate::manifest::Manifest;
use crate::scan::{Chunks, Frame, Scan, Step};
use crate::segment::{Segment, SegmentPart};
use crate::state::{Chunk, LooseChunks, Source, State};

/// A state under construction, with the chunks that no transaction has named yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replay {
    pub(crate) state: State,
    pub(crate) loose: LooseChunks,
    pub(crate) next_blob: u64,
    parts: Vec<SegmentPart>,
}

impl Replay {
    /// Begin with what the manifest knows.
    pub(crate) fn new(manifest: &Manifest) -> Self {
        let state = State::beginning(manifest.seq, manifest.next_id, manifest.feed_floor);
        Self { state, next_blob: manifest.next_blob, ..Self::default() }
    }

    /// Take in a segment's frames from `from` to `end`, all of which must be valid.
    pub(crate) fn read(&mut self, segment: &Arc<Segment>, from: u64, end: u64) -> Result<()> {
        let mut scan = Scan::new(segment, from, end, Chunks::Skip);
        loop {
            match scan.step()? {
                Step::Frame(frame) => self
                    .take(segment, &frame)
                    .map_err(|why| segment.corrupt(frame.header.position, why))?,
                Step::End => break,
                Step::Bad(at, why) => return Err(segment.corrupt(at, why)),
            }
        }
        self.reached(segment, end);
        Ok(())
    }

    /// Note that the log's last part is that of `segment` up to `end`.
    pub(crate) fn reached(&mut self, segment: &Arc<Segment>, end: u64) {
        match self.parts.last_mut().filter(|part| Arc::ptr_eq(&part.segment, segment)) {
            Some(part) => part.end = end,
            None => self.parts.push(SegmentPart { segment: Arc::clone(segment), end }),
        }
    }

    /// Take in one frame; an error says what is wrong with it.
    pub(crate) fn take(
        &mut self,
        segment: &Arc<Segment>,
        frame: &Frame,
    ) -> Result<(), &'static str> {
        let header = &frame.header;
        let payload_at = header.position + HEADER_BYTES;
        match header.kind {
            Kind::Chunk => {
                self.loose.entry(header.key).or_default().push(Chunk {
                    segment: Arc::clone(segment),
                    offset: payload_at,
                    length: header.length,
                    check: header.check,
                    index: header.count,
                });
                self.next_blob = self.next_blob.max(header.key + 1);
                Ok(())
            }
            Kind::Transaction => {
                let source = Source { segment, payload_at, seq: header.key };
                self.state.apply(&source, &frame.payload, header.count, &mut self.loose)
            }
        }
    }

    /// The parts of the log so far.
    pub(crate) fn parts(&self) -> &[SegmentPart] {
        &self.parts
    }

    /// The state at the last transaction that was read.
    pub(crate) fn settled(&mut self) -> Result<State> {
        self.state.settle()?;
        self.state.log = self.parts.as_slice().into();
        Ok(self.state.clone())
    }
}
