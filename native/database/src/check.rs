//! Verifying a store without changing it.

use std::sync::Arc;

use crate::blob::BlobReader;
use crate::cursor::Problem;
use crate::disk::{Access, Disk};
use crate::error::{Error, Result};
use crate::manifest::{Entry, Manifest};
use crate::mark::Mark;
use crate::recovery::{no_store, refuse_orphans};
use crate::replay::Replay;
use crate::scan::{Chunks, Scan, Step, find_end, find_frame};
use crate::segment::{FIRST_FRAME, Segment};
use crate::state::{FeedKey, State, name_hash};
use crate::transaction::hex;

/// How often a writer may rewrite the log under a check before it gives up.
const ATTEMPTS: usize = 10;

/// Find every fault of a store; none means that it is sound. `deep` also reads and hashes all
/// stored bytes and compares rows with indexes both ways.
pub fn check(disk: &Arc<dyn Disk>, deep: bool) -> Result<Vec<Problem>> {
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
        let mut check = Check { disk: disk.as_ref(), deep, problems: Vec::new() };
        check.log(&manifest)?;
        let still = Manifest::load(disk.as_ref())?.is_some_and(|now| now.epoch == manifest.epoch);
        if still || check.problems.is_empty() {
            return Ok(check.problems);
        }
        // What looked wrong may be a file that a rewrite has taken away meanwhile.
    }
    Err(Error::Conflict(format!("{} is rewritten too often to be checked", disk.place())))
}

struct Check<'a> {
    disk: &'a dyn Disk,
    deep: bool,
    problems: Vec<Problem>,
}

/// Damage is a finding; what kept us from looking is not.
fn problem(error: Error) -> Result<Problem> {
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
        let mut replay = Replay::new(manifest);
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
                Ok(state) if self.deep => self.state(&state)?,
                Ok(_) => {}
                Err(error) => self.problems.push(problem(error)?),
            }
        }
        Ok(())
    }

    fn segment(&mut self, manifest: &Manifest, entry: &Entry, replay: &mut Replay) -> Result<()> {
        let opened = Segment::open(self.disk, manifest.uuid, entry.id, entry.salt, Access::Read)?;
        let segment = Arc::new(opened);
        let end = match entry.sealed {
            Some(end) => end,
            None => self.durable_end(&segment)?,
        };
        let chunks = if self.deep { Chunks::Verify } else { Chunks::Skip };
        let mut scan = Scan::new(&segment, FIRST_FRAME, end, chunks);
        loop {
            match scan.step()? {
                Step::Frame(frame) => {
                    let taken = replay.take(&segment, &frame);
                    if let (Err(what), true) = (taken, self.problems.is_empty()) {
                        let place = format!("{}, byte {}", segment.path(), frame.header.position);
                        self.found(place, what);
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

    fn durable_end(&self, segment: &Segment) -> Result<u64> {
        let mark = Mark::load(self.disk).filter(|mark| mark.salt == segment.salt);
        let marked = mark.map_or(0, |mark| mark.end);
        if Mark::writer_lives(self.disk) {
            return Ok(marked.max(FIRST_FRAME));
        }
        find_end(segment, marked)
    }

    fn state(&mut self, state: &State) -> Result<()> {
        for (hash, blob) in &state.blobs {
            let mut reader = BlobReader::new(blob.clone());
            let mut hasher = blake3::Hasher::new();
            let mut buffer = vec![0; 1 << 20];
            loop {
                let count = reader.read(hasher.count(), &mut buffer)?;
                hasher.update(buffer.get(..count).unwrap_or_default());
                if count == 0 {
                    break;
                }
            }
            if hasher.finalize().as_bytes() != hash || hasher.count() != blob.length {
                self.found(format!("content {}", hex(hash)), "the stored bytes are others");
            }
        }
        self.rows(state)?;
        for ((table, key), record) in &state.records {
            if let Some(value) = &record.value {
                value.load()?;
            }
            if !state.feed.contains(&(record.seq, FeedKey::Record(*table, Arc::clone(key)))) {
                self.found(format!("table {table}, key {}", hex(key)), "the feed lacks it");
            }
        }
        for (id, purged) in &state.purged {
            if !state.feed.contains(&(purged.seq, FeedKey::Image(*id))) {
                self.found(format!("purged picture {id}"), "the feed lacks it");
            }
        }
        let keys = state.rows.len() + state.records.len() + state.purged.len();
        if state.feed.len() != keys {
            self.found("feed", format!("{} entries for {keys} keys", state.feed.len()));
        }
        Ok(())
    }

    fn rows(&mut self, state: &State) -> Result<()> {
        let mut placed = 0;
        for row in state.rows.values() {
            row.metadata()?;
            let mut lacks = |index: &str, there: bool| {
                if !there {
                    let place = format!("picture {}", row.id);
                    self.problems.push(Problem { place, what: format!("{index} lacks it") });
                }
            };
            let stored = state.blobs.get(&row.content_hash).map(|blob| blob.length);
            lacks("the stored bytes", !row.has_data || stored == Some(row.data_length));
            lacks("the content index", state.contents.contains(&(row.content_hash, row.id)));
            lacks("the feed", state.feed.contains(&(row.seq, FeedKey::Image(row.id))));
            if row.is_live() {
                let name = (name_hash(&row.filename), row.id);
                lacks("the filename index", state.filenames.contains(&name));
                if row.root != 0 {
                    placed += 1;
                    let place = (row.root, Arc::clone(&row.path));
                    lacks("the path index", state.paths.get(&place) == Some(&row.id));
                }
            }
        }
        let counts = [
            ("path index", state.paths.len(), placed),
            ("content index", state.contents.len(), state.rows.len()),
            ("filename index", state.filenames.len(), usize::try_from(state.live).unwrap_or(0)),
        ];
        for (index, entries, rows) in counts {
            if entries != rows {
                self.found(index, format!("{entries} entries for {rows} rows"));
            }
        }
        Ok(())
    }
}
