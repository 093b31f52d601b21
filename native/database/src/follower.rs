//! Reading while another process writes. No lock is taken that a writer would wait for, and
//! nothing is left behind when a reader is killed.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::Cache;
use crate::disk::{Access, Disk};
use crate::error::{Error, Result};
use crate::frame::HEADER;
use crate::manifest::Manifest;
use crate::mark::Mark;
use crate::options::Options;
use crate::recovery::{no_store, open_runs, refuse_orphans};
use crate::replay::Replay;
use crate::run::Run;
use crate::scan::find_end;
use crate::segment::{FIRST_FRAME, Segment, SegmentPart};
use crate::snapshot::Snapshot;
use crate::state::State;

/// How often a manifest may be replaced while its files are being opened.
const ATTEMPTS: usize = 100;

/// A reader's copy of the state and where in the log it has come to.
#[derive(Debug)]
pub(crate) struct Follower {
    disk: Arc<dyn Disk>,
    manifest: Manifest,
    replay: Replay,
    runs: Vec<Arc<Run>>,
    cache: Arc<Cache>,
    state: Arc<State>,
    /// Where a dead writer's segment was found to end.
    verified: Option<Verified>,
}

impl Follower {
    pub(crate) fn open(disk: Arc<dyn Disk>, options: Options) -> Result<Self> {
        let Some(manifest) = Manifest::load(disk.as_ref())? else {
            if disk.list().is_ok() {
                refuse_orphans(disk.as_ref())?;
            }
            return Err(no_store(disk.as_ref()));
        };
        let mut follower = Self {
            disk,
            manifest,
            replay: Replay::default(),
            runs: Vec::new(),
            cache: Arc::new(Cache::new(options.cache_bytes)),
            state: Arc::default(),
            verified: None,
        };
        follower.catch_up()?;
        Ok(follower)
    }

    pub(crate) fn snapshot(&mut self) -> Result<Snapshot> {
        self.catch_up()?;
        Ok(Snapshot::new(Arc::clone(&self.state), self.manifest.uuid))
    }

    /// Take in what has become durable since the last time.
    fn catch_up(&mut self) -> Result<()> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let manifest =
                Manifest::load(self.disk.as_ref())?.ok_or_else(|| no_store(self.disk.as_ref()))?;
            match self.advance(manifest) {
                // A rewrite has replaced files between reading the manifest and opening them.
                Err(Error::Io { source, .. })
                    if source.kind() == ErrorKind::NotFound && attempt < ATTEMPTS => {}
                Err(error) => {
                    // What was taken in halfway is forgotten.
                    self.replay = Replay::default();
                    self.verified = None;
                    return Err(error);
                }
                // The writer is just between a new manifest and its mark.
                Ok(Reached::Stale) if attempt < ATTEMPTS => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                // Should the writer have been stopped there: consistent, if not the newest.
                Ok(Reached::Newest | Reached::Stale) => return Ok(()),
            }
        }
    }

    /// Begin with another checkpoint; runs that it shares with the last one stay open.
    fn restart(&mut self, manifest: Manifest) -> Result<()> {
        self.replay = Replay::default();
        self.runs = open_runs(self.disk.as_ref(), &manifest, &self.cache, &self.runs)?;
        self.replay = Replay::new(&manifest, &self.runs);
        self.manifest = manifest;
        self.verified = None;
        Ok(())
    }

    fn advance(&mut self, manifest: Manifest) -> Result<Reached> {
        if self.continues(&manifest) {
            self.manifest = manifest;
        } else {
            self.restart(manifest)?;
        }
        let mut reached = Reached::Newest;
        let mut moved = self.replay.parts().is_empty();
        for (index, entry) in self.manifest.segments.clone().iter().enumerate() {
            let known = self.replay.parts().get(index).cloned();
            let is_last_known = index + 1 == self.replay.parts().len();
            let (segment, read) = match known {
                Some(_) if !is_last_known => continue,
                Some(SegmentPart { segment, end }) => (segment, Some(end)),
                None => {
                    let disk = self.disk.as_ref();
                    let uuid = self.manifest.uuid;
                    let opened = Segment::open(disk, uuid, entry.id, entry.salt, Access::Read)?;
                    (Arc::new(opened), None)
                }
            };
            let from = read.unwrap_or(FIRST_FRAME);
            let end = if let Some(end) = entry.sealed {
                end
            } else {
                let (end, how) = self.durable_end(&segment, from)?;
                reached = how;
                end
            };
            match read {
                None => {
                    self.replay.enter(&segment, end)?;
                    moved = true;
                }
                Some(from) if end > from => {
                    // A part that the checkpoint had covered may have grown beyond it.
                    let begin = self.replay.begin(&segment).map(|begin| begin.max(from));
                    if let Some(begin) = begin.filter(|begin| *begin < end) {
                        self.replay.read(&segment, begin, end)?;
                    }
                    self.replay.reached(&segment, end);
                    moved = true;
                }
                Some(_) => {}
            }
        }
        if moved {
            self.state = Arc::new(self.replay.settled()?);
        }
        Ok(reached)
    }

    /// Whether what was read so far is a beginning of what `manifest` names.
    fn continues(&self, manifest: &Manifest) -> bool {
        let parts = self.replay.parts();
        manifest.uuid == self.manifest.uuid
            && !parts.is_empty()
            && (manifest.feed_floor, manifest.covered(), manifest.start)
                == (self.manifest.feed_floor, self.manifest.covered(), self.manifest.start)
            && manifest.runs == self.manifest.runs
            && parts.len() <= manifest.segments.len()
            && parts.iter().zip(&manifest.segments).all(|(part, entry)| {
                part.segment.id == entry.id
                    && part.segment.salt == entry.salt
                    && entry.sealed.is_none_or(|end| part.end <= end)
            })
    }

    /// How far the unsealed segment may be read, at least `from`.
    fn durable_end(&mut self, segment: &Segment, from: u64) -> Result<(u64, Reached)> {
        let mark = Mark::load(self.disk.as_ref()).filter(|mark| mark.salt == segment.salt);
        let marked = mark.map_or(FIRST_FRAME, |mark| mark.end);
        let length = segment.length()?;
        if length <= marked {
            return Ok((marked.max(from), Reached::Newest));
        }
        if Mark::writer_lives(self.disk.as_ref()) {
            let reached = if mark.is_some() { Reached::Newest } else { Reached::Stale };
            return Ok((marked.max(from), reached));
        }
        // Nobody will say more: what the file holds is judged as the next writer will. It may
        // include a transaction whose writer died before acknowledging it.
        if let Some(verified) = &self.verified
            && (verified.salt, verified.length, verified.marked) == (segment.salt, length, marked)
            && verified.next == next_bytes(segment, verified.end)?
        {
            return Ok((verified.end.max(from), Reached::Newest));
        }
        let end = find_end(segment, marked, from.max(FIRST_FRAME))?;
        let next = next_bytes(segment, end)?;
        self.verified = Some(Verified { salt: segment.salt, length, marked, end, next });
        Ok((end.max(from), Reached::Newest))
    }
}

/// What a search for a segment's end rested on, and where it came to.
#[derive(Debug)]
struct Verified {
    salt: u64,
    length: u64,
    marked: u64,
    end: u64,
    /// What stands at the end; a segment that was filled ahead keeps its length.
    next: [u8; HEADER],
}

fn next_bytes(segment: &Segment, end: u64) -> Result<[u8; HEADER]> {
    let mut bytes = [0; HEADER];
    segment.read(&mut bytes, end)?;
    Ok(bytes)
}

/// What catching up came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// Everything durable.
    Newest,
    /// A consistent state; there is a newer manifest than the one read.
    Stale,
}
