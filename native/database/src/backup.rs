//! Copies of a store: a backup of a snapshot, and a store made from a backup.

use std::io::ErrorKind;
use std::sync::Arc;

use crate::check::{Level, check};
use crate::disk::{Access, Disk};
use crate::error::{Context, Error, Result};
use crate::follower::Follower;
use crate::manifest::{Entry, Manifest};
use crate::options::Options;
use crate::run::Run;
use crate::segment::{FIRST_FRAME, Segment, SegmentPart};
use crate::snapshot::Snapshot;
use crate::values::TREES;

/// Bytes that are copied at once.
const COPY: usize = 1 << 20;

/// What becomes of files that never change again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// The copy is a second one: what happens to the store's disk does not happen to it.
    Copied,
    /// The copy shares them, as hard links, where the file system allows it.
    Linked,
}

/// Copy a snapshot to the new or empty folder `target`, durably, while the store stays in use.
/// The manifest comes last, so half a copy is never taken for a store.
pub fn backup(snapshot: &Snapshot, target: &dyn Disk, files: Files) -> Result<()> {
    copy(snapshot, snapshot.info().uuid, target, files)
}

/// Make a store at the new or empty folder `target` from a backup, which is verified first.
/// Its uuid is new: what followed the old store cannot follow this one.
pub fn restore(source: Arc<dyn Disk>, target: &dyn Disk) -> Result<()> {
    if let Some(problem) = check(&source, Level::Deep)?.into_iter().next() {
        return Err(Error::Corrupt {
            file: problem.place,
            offset: 0,
            what: format!("{}; this backup cannot be restored", problem.what),
        });
    }
    let snapshot = Follower::open(source, Options::default())?.snapshot()?;
    let mut uuid = [0; 16];
    getrandom::fill(&mut uuid)
        .map_err(|error| Error::Internal(format!("no random numbers: {error}")))?;
    copy(&snapshot, uuid, target, Files::Copied)
}

fn copy(snapshot: &Snapshot, uuid: [u8; 16], target: &dyn Disk, files: Files) -> Result<()> {
    let state = &snapshot.state;
    match target.list() {
        Ok(names) if names.is_empty() => {}
        Ok(_) => return Err(Error::Invalid(format!("{} is not empty", target.place()))),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).doing(|| format!("list {}", target.place())),
    }
    target.make().doing(|| format!("make the folder {}", target.place()))?;
    // What the snapshot rests on: the checkpoint under it and the log since.
    let mut manifest =
        Manifest { uuid, epoch: 0, segments: Vec::new(), ..(*state.manifest).clone() };
    if manifest.is_log_only() {
        manifest.seq = state.seq;
        manifest.feed_floor = state.feed_floor;
    }
    manifest.next_id = manifest.next_id.max(state.next_id);
    for part in state.log.iter().filter(|part| part.end > FIRST_FRAME) {
        let Segment { id, salt, .. } = *part.segment;
        let held = state.manifest.segments.iter().find(|entry| entry.id == id);
        let whole = held.is_some_and(|entry| entry.sealed == Some(part.end))
            && part.segment.length()? == part.end;
        let link = || target.link(part.segment.path(), &id.name()).is_ok();
        if files == Files::Copied || !whole || !link() {
            copy_segment(part, &Segment::create(target, uuid, id, salt)?)?;
        }
        let used = held.map_or(0, |entry| entry.used);
        manifest.segments.push(Entry { id, salt, sealed: Some(part.end), used });
    }
    for tree in 1..=TREES {
        for run in state.runs(tree).iter() {
            let link = || target.link(run.path(), &run.name()).is_ok();
            if files == Files::Copied || !link() {
                copy_run(run, target)?;
            }
        }
    }
    target.sync_folder().doing(|| format!("sync {}", target.place()))?;
    manifest.prepare(target)?;
    Manifest::switch(target)
}

fn copy_run(run: &Run, target: &dyn Disk) -> Result<()> {
    let name = run.name();
    let action = || format!("write {}/{name}", target.place());
    let file = target.open(&name, Access::Create).doing(action)?;
    let mut buffer = vec![0; COPY];
    let mut at = 0;
    while at < run.entry.length {
        let left = usize::try_from(run.entry.length - at).unwrap_or(usize::MAX);
        let wanted = buffer.get_mut(..left.min(COPY)).unwrap_or_default();
        if run.read(wanted, at)? < wanted.len() {
            return Err(run.corrupt(at, "the file ends too early"));
        }
        file.write_at(wanted, at).doing(action)?;
        at += wanted.len() as u64;
    }
    file.sync().doing(action)
}

fn copy_segment(part: &SegmentPart, target: &Segment) -> Result<()> {
    let mut buffer = vec![0; COPY];
    let mut at = FIRST_FRAME;
    while at < part.end {
        let left = usize::try_from(part.end - at).unwrap_or(usize::MAX);
        let wanted = buffer.get_mut(..left.min(COPY)).unwrap_or_default();
        let count = part.segment.read(wanted, at)?;
        if count < wanted.len() {
            return Err(part.segment.corrupt(at + count as u64, "the file ends too early"));
        }
        target.write(wanted, at)?;
        at += count as u64;
    }
    target.sync()
}
