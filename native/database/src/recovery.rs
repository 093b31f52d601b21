//! Opening a store for writing: locks, the start-up states of FORMAT.md, and the way from
//! each to one consistent state or a refusal.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use crate::cache::Cache;
use crate::disk::{Access, Disk, DiskFile, Lock, read_whole};
use crate::error::{Context, Error, Result};
use crate::log::{Log, begin_segment};
use crate::manifest::{self, Manifest, RunEntry};
use crate::mark::{Mark, MarkFile};
use crate::options::Options;
use crate::replay::Replay;
use crate::run::Run;
use crate::run_file;
use crate::scan::find_end;
use crate::segment::{FIRST_FRAME, Segment, SegmentId};
use crate::spare;
use crate::state::State;
use crate::values::schema;

const LOCK_NAME: &str = "LOCK";

/// The lock that makes its holder the one writer; ends when dropped.
#[derive(Debug)]
pub(crate) struct WriterLock {
    file: Arc<dyn DiskFile>,
    /// Whether the writer before ended well: then it took its pid away, once its mark was synced.
    pub(crate) is_clean: bool,
}

impl WriterLock {
    /// Take the lock at once, or say who holds it.
    pub(crate) fn take(disk: &dyn Disk) -> Result<Self> {
        let action = || format!("lock {}/{LOCK_NAME}", disk.place());
        let file = disk.open(LOCK_NAME, Access::WriteOrCreate).doing(action)?;
        let is_ours = file.try_lock(Lock::Exclusive).doing(action)?;
        let text = read_whole(file.as_ref()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        if !is_ours {
            let pid = text.trim().parse().unwrap_or(0);
            return Err(Error::Locked { store: disk.place(), pid });
        }
        let lock = Self { file, is_clean: text.trim().is_empty() };
        lock.write(&std::process::id().to_string()).doing(action)?;
        Ok(lock)
    }

    /// Say that all is done; should that fail, the next writer does some work in vain.
    pub(crate) fn leave(&self) {
        _ = self.write("");
    }

    fn write(&self, pid: &str) -> io::Result<()> {
        // Of fixed length, so that nothing of a longer number is left behind.
        self.file.write_at(format!("{pid:<10}\n").as_bytes(), 0)
    }
}

/// A recovered store.
pub(crate) struct Recovered {
    pub(crate) log: Log,
    pub(crate) state: State,
}

/// Make the manifest of a new store if there is none; the writer's lock is held.
pub(crate) fn create(disk: &dyn Disk) -> Result<()> {
    if Manifest::load(disk)?.is_some() {
        return Ok(());
    }
    refuse_orphans(disk)?;
    let mut uuid = [0; 16];
    getrandom::fill(&mut uuid)
        .map_err(|error| Error::Internal(format!("no random numbers: {error}")))?;
    Manifest::new(uuid).prepare(disk)?;
    Manifest::switch(disk)
}

/// A log without a manifest is a damaged store, not an empty folder: segments are only made
/// once there is a manifest.
pub(crate) fn refuse_orphans(disk: &dyn Disk) -> Result<()> {
    let names = disk.list().doing(|| format!("list {}", disk.place()))?;
    match names.iter().find(|name| SegmentId::is_name(name) || run_file::is_name(name)) {
        None => Ok(()),
        Some(name) => Err(Error::Corrupt {
            file: format!("{}/{}", disk.place(), manifest::NAME),
            offset: 0,
            what: format!("it is missing, though {name} is there"),
        }),
    }
}

/// The error of opening what is not there.
pub(crate) fn no_store(disk: &dyn Disk) -> Error {
    Error::NotFound(format!("there is no store in {}", disk.place()))
}

/// Recover the store and get ready to append; the writer's lock is held, and the mark was synced
/// if the writer before `is_clean`.
pub(crate) fn recover(
    disk: &Arc<dyn Disk>,
    is_clean: bool,
    options: Options,
    cache: &Arc<Cache>,
) -> Result<Recovered> {
    let place = disk.as_ref();
    let Some(mut manifest) = Manifest::load(place)? else {
        refuse_orphans(place)?;
        return Err(no_store(place));
    };
    let mark_file = MarkFile::open(place, is_clean)?;
    remove_strays(place, &manifest)?;
    let mut segments = Vec::new();
    let runs = open_runs(place, &manifest, cache, &[])?;
    let mut replay = Replay::new(&manifest, &runs);
    let mut resume_at = None;
    let mut changed = false;
    for entry in &mut manifest.segments {
        let segment =
            Arc::new(Segment::open(place, manifest.uuid, entry.id, entry.salt, Access::Write)?);
        let end = if let Some(end) = entry.sealed {
            end
        } else {
            let (end, resumable) =
                recover_tail(&segment, mark_file.mark(), replay.begin(&segment))?;
            if resumable {
                resume_at = Some(end);
            } else {
                entry.sealed = Some(end);
                changed = true;
            }
            end
        };
        replay.enter(&segment, end)?;
        segments.push(segment);
    }
    let end = if let Some(end) = resume_at {
        end
    } else {
        changed = true;
        segments.push(begin_segment(place, &mut manifest, None)?);
        FIRST_FRAME
    };
    if changed {
        manifest.epoch += 1;
        manifest.prepare(place)?;
        Manifest::switch(place)?;
    }
    if let Some(last) = segments.last() {
        replay.reached(last, end);
        mark_file.write(Mark { salt: last.salt, end })?;
    }
    let state = replay.settled()?;
    let next_blob = replay.next_blob;
    let log = Log::new(Arc::clone(disk), options, mark_file, manifest, segments, end, next_blob);
    Ok(Recovered { log, state })
}

/// Open the runs that a manifest names; those among `open` need not be opened again.
pub(crate) fn open_runs(
    disk: &dyn Disk,
    manifest: &Manifest,
    cache: &Arc<Cache>,
    open: &[Arc<Run>],
) -> Result<Vec<Arc<Run>>> {
    let find = |entry: &RunEntry| {
        if let Some(run) = open.iter().find(|run| run.entry == *entry) {
            return Ok(Arc::clone(run));
        }
        let schema = schema(entry.tree).ok_or_else(|| Error::Corrupt {
            file: format!("{}/{}", disk.place(), manifest::NAME),
            offset: 0,
            what: format!("it names a run of tree {}, which there is not", entry.tree),
        })?;
        Run::open(disk, *entry, schema, cache).map(Arc::new)
    };
    manifest.runs.iter().map(find).collect()
}

/// Keep a copy of the manifest of an older format. Its name is durable before another manifest takes
/// that one's place: the folder is always synced in between, for the runs or segments that are new.
pub(crate) fn keep_manifest(disk: &dyn Disk) -> Result<()> {
    let Some(manifest) = Manifest::load(disk)? else { return Err(no_store(disk)) };
    let name = format!("{}.{}", manifest::NAME, manifest.format);
    let action = || format!("write {}/{name}", disk.place());
    let file = disk.open(&name, Access::Create).doing(action)?;
    file.write_at(&manifest.encode(), 0).doing(action)?;
    file.sync().doing(action)
}

/// Find where the unsealed segment ends, and whether it may be appended to: only where it ends
/// exactly as its writer left it. All up to that end is durable afterwards. `from` is where what
/// the runs do not hold begins.
fn recover_tail(segment: &Segment, mark: Option<Mark>, from: Option<u64>) -> Result<(u64, bool)> {
    let mark = mark.filter(|mark| mark.salt == segment.salt);
    let marked = mark.map_or(0, |mark| mark.end);
    let untouched = segment.length()? >= marked && segment.is_blank(marked)?;
    if !untouched {
        // Beyond the mark memory may show what the disk does not hold, should a sync have
        // failed: what can still be written is, and the rest is then read from the disk.
        segment.sync()?;
        segment.file.forget_cache().doing(|| format!("reread {}", segment.path()))?;
    }
    let end = find_end(segment, marked, from.unwrap_or(FIRST_FRAME))?;
    Ok((end, untouched && end == marked))
}

/// Remove what an interrupted rewrite or creation left behind.
fn remove_strays(disk: &dyn Disk, manifest: &Manifest) -> Result<()> {
    let mut named = run_file::names(&manifest.runs);
    named.extend(manifest.segments.iter().map(|entry| entry.id.name()));
    let mut strays = disk.list().doing(|| format!("list {}", disk.place()))?;
    strays.retain(|name| {
        let ours = SegmentId::is_name(name) || run_file::is_name(name);
        let stray = ours && !named.contains(name);
        stray || name == manifest::NEW_NAME || name == spare::NAME
    });
    if !strays.is_empty() {
        // The manifest's writer may have been killed between the renaming and the sync; what is
        // removed because of it must not be missed by the one before.
        disk.sync_folder().doing(|| format!("sync {}", disk.place()))?;
    }
    for name in strays {
        match disk.remove(&name) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).doing(|| format!("remove {}/{name}", disk.place()));
            }
            _ => {}
        }
    }
    Ok(())
}
