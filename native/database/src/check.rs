//! Verifying a store without changing it.

use std::sync::Arc;

use crate::cache::Cache;
use crate::check_state::check_state;
use crate::cursor::Problem;
use crate::disk::{Access, Disk};
use crate::error::{Error, Result};
use crate::manifest::{Entry, Manifest};
use crate::mark::Mark;
use crate::recovery::{no_store, open_runs, refuse_orphans};
use crate::replay::Replay;
use crate::run::Run;
use crate::run_writer::Entries;
use crate::scan::{Chunks, Scan, Step, find_end, find_frame};
use crate::segment::{FIRST_FRAME, Segment};

/// How often a writer may rewrite the log under a check before it gives up.
const ATTEMPTS: usize = 10;
/// Bytes of runs that a check holds in memory.
const CACHE: usize = 64 << 20;

/// How much of a store a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What opening it relies on: manifest, the runs' indexes, what is to be read of the log.
    Quick,
    /// Every checksum: all runs, all of the log, all stored bytes.
    Full,
    /// Also whether all of it fits together: rows and indexes both ways, counts, space, and the
    /// stored bytes with the hashes that name them.
    Deep,
}

/// Find every fault of a store; none means that it is sound, as far as one looked.
pub fn check(disk: &Arc<dyn Disk>, level: Level) -> Result<Vec<Problem>> {
    for _ in 0..ATTEMPTS {
        let manifest = match Manifest::load(disk.as_ref()) {
            Ok(Some(manifest)) => manifest,
            Ok(None) if disk.list().is_err() => return Err(no_store(disk.as_ref())),
            Ok(None) => {
                return match refuse_orphans(disk.as_ref()) {
                    Ok(()) => Err(no_store(disk.as_ref())),
                    Err(error) => Ok(vec![problem(error)?]),
                };
            }
            Err(error) => return Ok(vec![problem(error)?]),
        };
        let mut check = Check { disk: disk.as_ref(), level, problems: Vec::new() };
        check.log(&manifest)?;
        let still = Manifest::load(disk.as_ref())?.is_some_and(|now| now.epoch == manifest.epoch);
        if still || check.problems.is_empty() {
            return Ok(check.problems);
        }
        // What looked wrong may be a file that a rewrite has taken away meanwhile.
    }
    Err(Error::Conflict(format!("{} is rewritten too often to be checked", disk.place())))
}

/// Read a run from its beginning to its end.
fn ascends(run: &Arc<Run>) -> Result<()> {
    let mut entries = Entries::new(run)?;
    let mut last: Option<Vec<u8>> = None;
    let mut count = 0;
    while let Some((key, _)) = entries.next()? {
        if last.as_deref().is_some_and(|last| last >= key) {
            return Err(run.corrupt(0, format!("its keys do not ascend at entry {count}")));
        }
        last = Some(key.to_vec());
        count += 1;
    }
    if count == run.entry.entries {
        return Ok(());
    }
    Err(run.corrupt(0, format!("it has {count} entries, not {}", run.entry.entries)))
}

struct Check<'a> {
    disk: &'a dyn Disk,
    level: Level,
    problems: Vec<Problem>,
}

/// Damage is a finding; what kept us from looking is not.
pub(crate) fn problem(error: Error) -> Result<Problem> {
    match error {
        Error::Corrupt { file, offset, what } => {
            Ok(Problem { place: format!("{file}, byte {offset}"), what })
        }
        other => Err(other),
    }
}

impl Check<'_> {
    fn found(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.problems.push(Problem { place: place.into(), what: what.into() });
    }

    fn log(&mut self, manifest: &Manifest) -> Result<()> {
        let runs = self.runs(manifest)?;
        let mut replay = Replay::new(manifest, &runs);
        for entry in &manifest.segments {
            match self.segment(manifest, entry, &mut replay) {
                Ok(()) => {}
                Err(Error::Io { action, source })
                    if source.kind() == std::io::ErrorKind::NotFound =>
                {
                    self.found(action, "the file is missing");
                }
                Err(error) => self.problems.push(problem(error)?),
            }
        }
        // A state from a damaged log would only repeat that it is damaged.
        if self.problems.is_empty() {
            match replay.settled() {
                Ok(state) if self.level == Level::Deep => match check_state(&state) {
                    Ok(problems) => self.problems.extend(problems),
                    Err(error) => self.problems.push(problem(error)?),
                },
                Ok(_) => {}
                Err(error) => self.problems.push(problem(error)?),
            }
        }
        Ok(())
    }

    /// Open all runs, and unless in haste read all of each, whose keys must ascend.
    fn runs(&mut self, manifest: &Manifest) -> Result<Vec<Arc<Run>>> {
        let cache = Arc::new(Cache::new(CACHE));
        let mut runs = Vec::new();
        for entry in &manifest.runs {
            let one = Manifest { runs: vec![*entry], ..Manifest::new(manifest.uuid) };
            let opened = open_runs(self.disk, &one, &cache, &[]);
            let opened = opened.and_then(|opened| {
                if self.level > Level::Quick {
                    opened.iter().try_for_each(ascends)?;
                }
                Ok(opened)
            });
            match opened {
                Ok(opened) => runs.extend(opened),
                Err(Error::Io { action, source })
                    if source.kind() == std::io::ErrorKind::NotFound =>
                {
                    self.found(action, "the file is missing");
                }
                Err(error) => self.problems.push(problem(error)?),
            }
        }
        Ok(runs)
    }

    fn segment(&mut self, manifest: &Manifest, entry: &Entry, replay: &mut Replay) -> Result<()> {
        let opened = Segment::open(self.disk, manifest.uuid, entry.id, entry.salt, Access::Read)?;
        let segment = Arc::new(opened);
        let end = match entry.sealed {
            Some(end) => end,
            None => self.durable_end(&segment, replay.begin(&segment))?,
        };
        let begin = replay.begin(&segment).unwrap_or(u64::MAX);
        let mut scan = if self.level == Level::Quick {
            Scan::new(&segment, begin.min(end), end, Chunks::Skip)
        } else {
            Scan::new(&segment, FIRST_FRAME, end, Chunks::Verify)
        };
        loop {
            match scan.step()? {
                Step::Frame(frame) => {
                    // With damage before it a transaction may well not fit.
                    if frame.header.position >= begin
                        && self.problems.is_empty()
                        && let Err(error) = replay.take(&segment, &frame)
                    {
                        self.problems.push(problem(error)?);
                    }
                }
                Step::End => break,
                Step::Bad(at, what) => {
                    self.found(format!("{}, byte {at}", segment.path()), what);
                    let next = find_frame(&segment, at + 1, end)?;
                    scan.seek(next.map_or(end, |header| header.position));
                }
            }
        }
        replay.reached(&segment, end);
        Ok(())
    }

    fn durable_end(&self, segment: &Segment, from: Option<u64>) -> Result<u64> {
        let mark = Mark::load(self.disk).filter(|mark| mark.salt == segment.salt);
        let marked = mark.map_or(0, |mark| mark.end);
        if Mark::writer_lives(self.disk) {
            return Ok(marked.max(FIRST_FRAME));
        }
        find_end(segment, marked, from.unwrap_or(FIRST_FRAME))
    }
}
