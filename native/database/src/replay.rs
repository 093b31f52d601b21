//! Building the state from the runs and what the log says since: at opening, and while
//! following a writer.

use std::sync::Arc;

use crate::entries::Chunk;
use crate::error::Result;
use crate::frame::{HEADER_BYTES, Kind};
use crate::manifest::{LogStart, Manifest};
use crate::op::{Op, Ops};
use crate::run::Run;
use crate::scan::{Chunks, Frame, Scan, Step};
use crate::segment::{FIRST_FRAME, Segment, SegmentPart};
use crate::state::{LooseChunks, Source, State};

/// A state under construction, with the chunks that no transaction has named yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replay {
    pub(crate) state: State,
    pub(crate) loose: LooseChunks,
    pub(crate) next_blob: u64,
    start: LogStart,
    /// Transactions up to this one are in the runs.
    covered: u64,
    parts: Vec<SegmentPart>,
}

impl Replay {
    /// Begin with a manifest's checkpoint, whose runs are `runs`.
    pub(crate) fn new(manifest: &Manifest, runs: &[Arc<Run>]) -> Self {
        Self {
            state: State::beginning(manifest, runs),
            next_blob: manifest.next_blob,
            start: manifest.start,
            covered: manifest.covered(),
            ..Self::default()
        }
    }

    /// Where in a segment reading begins; None where nothing of it is to be read.
    pub(crate) fn begin(&self, segment: &Segment) -> Option<u64> {
        match segment.id.number.cmp(&self.start.segment) {
            std::cmp::Ordering::Less => None,
            std::cmp::Ordering::Equal => Some(self.start.offset.max(FIRST_FRAME)),
            std::cmp::Ordering::Greater => Some(FIRST_FRAME),
        }
    }

    /// Take in what is to be read of a segment that ends at `end`.
    pub(crate) fn enter(&mut self, segment: &Arc<Segment>, end: u64) -> Result<()> {
        if let Some(from) = self.begin(segment) {
            self.read(segment, from, end)?;
        }
        self.reached(segment, end);
        Ok(())
    }

    /// Take in a segment's frames from `from` to `end`, all of which must be valid.
    pub(crate) fn read(&mut self, segment: &Arc<Segment>, from: u64, end: u64) -> Result<()> {
        let mut scan = Scan::new(segment, from, end, Chunks::Skip);
        loop {
            match scan.step()? {
                Step::Frame(frame) => self.take(segment, &frame)?,
                Step::End => return Ok(()),
                Step::Bad(at, why) => return Err(segment.corrupt(at, why)),
            }
        }
    }

    /// Note that the log's last part is that of `segment` up to `end`.
    pub(crate) fn reached(&mut self, segment: &Arc<Segment>, end: u64) {
        match self.parts.last_mut().filter(|part| Arc::ptr_eq(&part.segment, segment)) {
            Some(part) => part.end = end,
            None => self.parts.push(SegmentPart { segment: Arc::clone(segment), end }),
        }
    }

    /// Take in one frame.
    pub(crate) fn take(&mut self, segment: &Arc<Segment>, frame: &Frame) -> Result<()> {
        let header = &frame.header;
        let payload_at = header.position + HEADER_BYTES;
        match header.kind {
            Kind::Chunk => {
                self.loose.entry(header.key).or_default().push(Chunk {
                    segment: segment.id.number,
                    offset: payload_at,
                    length: header.length,
                    check: header.check,
                    index: header.count,
                });
                self.next_blob = self.next_blob.max(header.key + 1);
                Ok(())
            }
            Kind::Padding => Ok(()),
            // What the runs hold is passed over, and so are the chunks that it named.
            Kind::Transaction if header.key <= self.covered => {
                let ops = Ops::new(&frame.payload, header.count).into_iter().flatten().flatten();
                for op in ops {
                    if let Op::Blob { id, .. } = op {
                        self.loose.remove(&id);
                    }
                }
                Ok(())
            }
            Kind::Transaction => {
                let source = Source { segment, payload_at, seq: header.key };
                self.state.apply(&source, &frame.payload, header.count, &mut self.loose)
            }
        }
    }

    /// Note that transactions up to `seq` are taken in already.
    pub(crate) fn covers(&mut self, seq: u64) {
        self.covered = self.covered.max(seq);
    }

    /// The state at the last transaction that was read, though it may lack stored bytes.
    pub(crate) fn forgiving(self) -> State {
        let mut state = self.state;
        state.log = self.parts.into();
        state
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
