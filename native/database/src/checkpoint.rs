//! Checkpoints: what is in memory becomes runs, so that memory and log stay bounded; and merges
//! of runs, so that their number does. Commits go on meanwhile but for two short moments.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::cache::Cache;
use crate::disk::Disk;
use crate::error::{Context, Error, Result};
use crate::locks::locked;
use crate::manifest::{FORMAT, LogStart, Manifest, RunEntry};
use crate::options::Upkeep;
use crate::run::Run;
use crate::run_writer::{RunWriter, merge};
use crate::state::{State, TreeVisitor};
use crate::tree::{Tree, Value};
use crate::values::TREES;
use crate::writer::Writer;

/// A run of the lowest tier has at most so many bytes.
const TIER: u64 = 256 << 10;
/// Memory may hold so many times what a checkpoint is made at; then commits wait for one.
const PATIENCE: usize = 4;

/// Nothing shorter than a full segment's such part is sealed at a checkpoint.
const SMALLEST: u64 = 64;
/// Of a segment's bytes this part must be superfluous for a checkpoint to seal it, one in so many.
const SPENT: u64 = 4;
/// The reserve grows by this part of a full segment, one in so many.
const STEP: u64 = 4;

/// Sets every tree's memory aside.
pub(crate) struct Freeze;

impl TreeVisitor for Freeze {
    fn tree<V: Value>(&mut self, tree: &mut Tree<V>) -> Result<()> {
        tree.freeze();
        Ok(())
    }
}

/// Takes back what was set aside.
struct Thaw;

impl TreeVisitor for Thaw {
    fn tree<V: Value>(&mut self, tree: &mut Tree<V>) -> Result<()> {
        tree.thaw();
        Ok(())
    }
}

/// Writes what was set aside as runs, not yet named by anything.
pub(crate) struct WriteFrozen<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) cache: &'a Arc<Cache>,
    /// The next run's number.
    pub(crate) number: u64,
    pub(crate) runs: Vec<Arc<Run>>,
}

impl TreeVisitor for WriteFrozen<'_> {
    fn tree<V: Value>(&mut self, tree: &mut Tree<V>) -> Result<()> {
        let mut writer = RunWriter::new(self.disk, V::SCHEMA, V::TREE, self.number)?;
        self.number += 1;
        let outcome = tree.frozen().try_for_each(|(key, value)| match value {
            Some(value) => {
                let columns = value.columns()?;
                let columns: Vec<&[u8]> = columns.iter().map(|column| &**column).collect();
                writer.push(key, Some(&columns))
            }
            // With no older run a tombstone has nothing to hide.
            None if tree.runs().is_empty() => Ok(()),
            None => writer.push(key, None),
        });
        if let Err(error) = outcome {
            writer.remove();
            return Err(error);
        }
        self.runs.extend(writer.finish(self.cache)?);
        Ok(())
    }
}

impl WriteFrozen<'_> {
    /// Take back what was written.
    pub(crate) fn remove(&self) {
        for run in &self.runs {
            _ = self.disk.remove(&run.name());
        }
    }
}

/// Puts runs into the place of what was set aside.
pub(crate) struct Adopt(pub(crate) Vec<Arc<Run>>);

impl TreeVisitor for Adopt {
    fn tree<V: Value>(&mut self, tree: &mut Tree<V>) -> Result<()> {
        tree.adopt(self.0.iter().find(|run| run.entry.tree == V::TREE).cloned());
        Ok(())
    }
}

/// The manifest's names of a state's runs.
pub(crate) fn run_entries(state: &State) -> Vec<RunEntry> {
    (1..=TREES)
        .flat_map(|tree| state.runs(tree).iter().map(|run| run.entry).collect::<Vec<_>>())
        .collect()
}

/// Enter into `manifest` that its runs hold `state`, whose log goes on at `start`.
pub(crate) fn cover(manifest: &mut Manifest, state: &State, start: LogStart) {
    manifest.format = FORMAT;
    manifest.seq = state.seq;
    manifest.next_id = manifest.next_id.max(state.next_id);
    manifest.feed_floor = state.feed_floor;
    manifest.start = start;
    manifest.counts = state.counts;
    for entry in &mut manifest.segments {
        entry.used = state.used.get(&entry.id.number).copied().unwrap_or(0);
    }
}

/// Which runs, the newest first, are due to become one: the newest ones, once `fan` of them are
/// of the highest tier among them. Each tier's runs are up to `fan` times as large as those of
/// the one below.
fn due(lengths: &[u64], fan: usize) -> Option<Range<usize>> {
    let tier = |length: u64| (length / TIER).max(1).ilog(fan as u64);
    let mut highest = 0;
    let mut chosen = None;
    for (index, length) in lengths.iter().enumerate() {
        if tier(*length) > highest {
            if chosen.is_some() {
                break;
            }
            highest = tier(*length);
        }
        let like = lengths.iter().take(index + 1).filter(|length| tier(**length) == highest);
        if like.count() >= fan {
            chosen = Some(0..index + 1);
        }
    }
    chosen
}

impl Writer {
    /// Write down as runs what is in memory, and merge runs that are due.
    pub(crate) fn checkpoint(&self) -> Result<()> {
        let _alone = locked(&self.upkeep);
        self.with_reserve(|| self.flush())?;
        self.with_reserve(|| self.merge_due())?;
        self.keep_reserve();
        Ok(())
    }

    /// Keep as much room as a purge of one picture may take: a segment that is copied, and all runs
    /// with what is in memory.
    fn keep_reserve(&self) {
        let manifest = self.log.tail().manifest.clone();
        let sealed: u64 = manifest.segments.iter().filter_map(|entry| entry.sealed).sum();
        let full = self.log.segment_bytes();
        // A small store pays nothing for it.
        if sealed >= full {
            let runs: u64 = manifest.runs.iter().map(|run| run.length).sum();
            let memory = self.options.memory_bytes as u64;
            // In large steps, as each costs a sync.
            self.log.reserve.keep((full + runs + memory).next_multiple_of(full / STEP));
        }
    }

    /// Have a checkpoint made if memory or log have grown enough for one.
    pub(crate) fn keep_up(self: &Arc<Self>) {
        if !self.is_due(1) {
            return;
        }
        match self.options.upkeep {
            Upkeep::Off => {}
            // What failed is tried again with the next commit, which is told once it matters.
            Upkeep::Inline => _ = self.checkpoint(),
            Upkeep::Background => {
                let mut running = locked(&self.running);
                if self.stopping.load(Ordering::Relaxed)
                    || running.as_ref().is_some_and(|thread| !thread.is_finished())
                {
                    return;
                }
                let writer = Arc::clone(self);
                let thread = std::thread::Builder::new().name("checkpoint".to_owned());
                *running = thread.spawn(move || _ = writer.checkpoint()).ok();
            }
        }
    }

    /// Hold a commit back while memory holds far more than it should; an error says why it
    /// cannot be written down.
    pub(crate) fn make_room(&self) -> Result<()> {
        if self.options.upkeep == Upkeep::Off {
            return Ok(());
        }
        if self.is_due(PATIENCE) {
            // One that is under way ends first and may have made the room.
            drop(locked(&self.upkeep));
        }
        if self.is_due(PATIENCE) { self.checkpoint() } else { Ok(()) }
    }

    fn is_due(&self, times: usize) -> bool {
        let logged = self.log.reach().saturating_sub(self.checkpointed.load(Ordering::Relaxed));
        self.state().weight() > self.options.memory_bytes * times
            || logged > self.options.log_bytes * times as u64
    }

    /// Wait for a checkpoint that is under way; no further one begins.
    pub(crate) fn end_upkeep(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let running = locked(&self.running).take();
        if let Some(thread) = running
            && thread.thread().id() != std::thread::current().id()
        {
            _ = thread.join();
        }
    }

    fn flush(&self) -> Result<()> {
        let (frozen, start, reach) = {
            let _serial = locked(&self.committing);
            self.log.usable()?;
            self.drain()?;
            let mut state = State::clone(&self.state());
            if state.seq == state.manifest.covered() && !state.manifest.is_old() {
                return Ok(());
            }
            self.keep_old_manifest(&state)?;
            self.seal_spent(&state)?;
            state.each(&mut Freeze)?;
            self.replace(state.clone());
            (state, self.log.start()?, self.log.reach())
        };
        match self.write_down(frozen, start) {
            Ok(()) => {
                self.checkpointed.store(reach, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                let _serial = locked(&self.committing);
                if self.log.usable().is_ok() && self.drain().is_ok() {
                    let mut state = State::clone(&self.state());
                    state.each(&mut Thaw)?;
                    self.replace(state);
                }
                Err(error)
            }
        }
    }

    /// Seal the log's last segment if enough of it is transactions, which the checkpoint makes
    /// superfluous: then the file goes with it, or its dead bytes grow no further. `committing`
    /// is held, everything logged is durable and stands in `state`.
    fn seal_spent(&self, state: &State) -> Result<()> {
        let mut tail = self.log.tail();
        let used = state.used.get(&tail.active()?.id.number).copied().unwrap_or(0);
        let spent = tail.end.saturating_sub(used);
        if tail.end < self.log.segment_bytes() / SMALLEST || spent < tail.end / SPENT {
            return Ok(());
        }
        match self.log.roll(&mut tail) {
            // It only saves space, of which a new file would take some first.
            Err(Error::Full { .. }) => Ok(()),
            rolled => rolled,
        }
    }

    /// Write the frozen part of a state and put it into force.
    fn write_down(&self, mut frozen: State, start: LogStart) -> Result<()> {
        let disk = self.log.disk.as_ref();
        let number = self.log.tail().manifest.next_run;
        let mut written = WriteFrozen { disk, cache: &self.cache, number, runs: Vec::new() };
        let outcome = frozen
            .each(&mut written)
            .and_then(|()| disk.sync_folder().doing(|| format!("sync {}", disk.place())));
        if let Err(error) = outcome {
            written.remove();
            return Err(error);
        }
        let next_run = written.number;
        let _serial = locked(&self.committing);
        self.drain()?;
        let mut state = State::clone(&self.state());
        state.each(&mut Adopt(written.runs))?;
        let runs = run_entries(&state);
        // What held nothing at the checkpoint holds nothing since: only the log's end grows.
        let dead: HashSet<u64> = frozen
            .log
            .iter()
            .map(|part| part.segment.id.number)
            .filter(|number| *number < start.segment && !frozen.used.contains_key(number))
            .collect();
        let manifest = self.log.switch(|manifest, segments| {
            cover(manifest, &frozen, start);
            manifest.next_id = manifest.next_id.max(self.next_id());
            manifest.next_blob = self.log.next_blob();
            manifest.runs = runs;
            manifest.next_run = next_run;
            manifest.segments.retain(|entry| !dead.contains(&entry.id.number));
            segments.retain(|segment| !dead.contains(&segment.id.number));
        })?;
        let (gone, kept): (Vec<_>, Vec<_>) =
            state.log.iter().cloned().partition(|part| dead.contains(&part.segment.id.number));
        state.log = kept.into();
        state.manifest = Arc::new(manifest);
        self.replace(state);
        self.remove_files(gone.iter().map(|part| part.segment.id.name()))
    }

    /// Remove files that no manifest names any more.
    pub(crate) fn remove_files(&self, names: impl Iterator<Item = String>) -> Result<()> {
        let disk = self.log.disk.as_ref();
        let mut any = false;
        for name in names {
            any = true;
            disk.remove(&name).doing(|| format!("remove {}/{name}", disk.place()))?;
        }
        if any { disk.sync_folder().doing(|| format!("sync {}", disk.place())) } else { Ok(()) }
    }

    fn merge_due(&self) -> Result<()> {
        for tree in 1..=TREES {
            loop {
                let runs = self.state().runs(tree);
                let lengths: Vec<u64> = runs.iter().map(|run| run.entry.length).collect();
                match due(&lengths, self.options.fan) {
                    Some(range) if !self.stopping.load(Ordering::Relaxed) => {
                        self.merge(tree, &runs, range)?;
                    }
                    _ => break,
                }
            }
        }
        Ok(())
    }

    /// Make one of some of a tree's runs; nobody else changes them meanwhile.
    fn merge(&self, tree: usize, runs: &[Arc<Run>], range: Range<usize>) -> Result<()> {
        let disk = self.log.disk.as_ref();
        let number = self.log.tail().manifest.next_run;
        let chosen = runs.get(range.clone()).unwrap_or_default();
        let oldest = range.end == runs.len();
        let merged = merge(disk, chosen, number, oldest, &self.cache)?;
        disk.sync_folder().doing(|| format!("sync {}", disk.place()))?;
        let before = runs.iter().take(range.start).cloned();
        let behind = runs.iter().skip(range.end).cloned();
        let new: Arc<[Arc<Run>]> = before.chain(merged).chain(behind).collect();
        let _serial = locked(&self.committing);
        self.drain()?;
        let mut state = State::clone(&self.state());
        state.set_runs(tree, new);
        let entries = run_entries(&state);
        let manifest = self.log.switch(|manifest, _| {
            manifest.runs = entries;
            manifest.next_run = number + 1;
        })?;
        state.manifest = Arc::new(manifest);
        self.replace(state);
        self.remove_files(chosen.iter().map(|run| run.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs are merged once there are enough of a tier, the newest first and with all that are
    /// newer, so that order is kept; a large old one is left alone.
    #[test]
    fn tiers_are_merged() {
        assert_eq!(due(&[], 4), None);
        assert_eq!(due(&[1, 1, 1], 4), None);
        assert_eq!(due(&[1, 1, 1, 1], 4), Some(0..4));
        assert_eq!(due(&[1, 1, 1, 1, 100 * TIER], 4), Some(0..4));
        assert_eq!(due(&[1, 5 * TIER, 1, 5 * TIER, 1, 1, 100 * TIER], 4), None);
        let grown = [1, 5 * TIER, 5 * TIER, 5 * TIER, 5 * TIER, 100 * TIER];
        assert_eq!(due(&grown, 4), Some(0..5));
    }
}
