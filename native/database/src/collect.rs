//! What is to leave the files: what a purge names, and what has been deleted or replaced for long
//! enough. How it leaves them is `rewrite.rs`'s.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use crate::doomed::Doomed;
use crate::entries::VECTORS;
use crate::error::{Error, Result};
use crate::locks::locked;
use crate::log::Draft;
use crate::op::{Op, Ops};
use crate::rewrite::Job;
use crate::state::State;
use crate::values::{Version, id_key, id_of, record_key};
use crate::writer::Writer;

/// A state without what is older than a time.
struct Expiry {
    state: State,
    doomed: Doomed,
    /// Whether a tombstone went.
    forgotten: bool,
    /// The time of the oldest thing that stays.
    earliest: i64,
}

impl Expiry {
    fn of(held: &State, before_ns: i64) -> Result<Self> {
        let (state, doomed) = (held.clone(), Doomed::default());
        let mut expiry = Self { state, doomed, forgotten: false, earliest: i64::MAX };
        if held.counts.deleted > 0 {
            expiry.deleted(held, before_ns)?;
        }
        if held.counts.versions > 0 {
            expiry.replaced(held, before_ns)?;
        }
        if held.counts.purged > 0 || held.counts.removed > 0 {
            expiry.tombstones(held, before_ns)?;
        }
        for (table, key) in &expiry.doomed.records {
            expiry.state.forget_record(*table, key)?;
        }
        expiry.state.settle()?;
        Ok(expiry)
    }

    /// Whether something of `when_ns` goes; note what stays.
    fn goes(&mut self, when_ns: i64, before_ns: i64) -> bool {
        if when_ns >= before_ns {
            self.earliest = self.earliest.min(when_ns);
        }
        when_ns < before_ns
    }

    fn raise_floor(&mut self, seq: u64) {
        self.state.feed_floor = self.state.feed_floor.max(seq);
    }

    fn deleted(&mut self, held: &State, before_ns: i64) -> Result<()> {
        for found in held.rows.walk()? {
            let (_, row) = found?;
            if !row.is_live() && self.goes(row.deleted_ns, before_ns) {
                self.raise_floor(row.seq);
                self.doomed.add(held, row.id)?;
                self.state.take_row(row.id)?;
                self.state.take_versions(row.id)?;
            }
        }
        Ok(())
    }

    fn replaced(&mut self, held: &State, before_ns: i64) -> Result<()> {
        for found in held.versions.walk()? {
            let (key, Version(version)) = found?;
            if self.goes(version.deleted_ns, before_ns) && self.state.versions.contains(&key)? {
                // The picture itself stays, and what it is now stands in the runs.
                self.doomed.images.insert(version.id);
                self.state.take_version(&version)?;
            }
        }
        Ok(())
    }

    fn tombstones(&mut self, held: &State, before_ns: i64) -> Result<()> {
        for found in held.purged.walk()? {
            let (key, purged) = found?;
            if self.goes(purged.when_ns, before_ns) {
                self.raise_floor(purged.seq);
                self.forgotten = true;
                self.state.forget_purged(id_of(&key))?;
            }
        }
        if held.counts.removed == 0 {
            return Ok(());
        }
        for found in held.records.walk()? {
            let (key, record) = found?;
            if record.value.is_none() && self.goes(record.when_ns, before_ns) {
                self.raise_floor(record.seq);
                self.forgotten = true;
                let (table, key) = key.split_first().unwrap_or((&0, &[]));
                self.state.forget_record(*table, key)?;
            }
        }
        Ok(())
    }
}

impl Writer {
    /// Delete rows and what only they have, truly; see the C header.
    pub(crate) fn purge(&self, ids: &[u64]) -> Result<u64> {
        let _alone = locked(&self.upkeep);
        let _serial = locked(&self.committing);
        self.log.usable()?;
        self.drain()?;
        let state = self.state();
        let ids: BTreeSet<u64> = ids.iter().copied().collect();
        let mut draft = Draft::new();
        let mut count = 0;
        let now_ns = self.now_ns();
        Ops::begin(now_ns, draft.payload_mut());
        for id in &ids {
            if !state.rows.contains(&id_key(*id))? {
                return Err(Error::NotFound(format!("there is no picture {id} to purge")));
            }
            Op::Purge(*id).encode(draft.payload_mut());
            count += 1;
            for found in state.records.below(&record_key(VECTORS, &id.to_be_bytes()))? {
                let (key, record) = found?;
                if record.value.is_some() {
                    let key = key.get(1..).unwrap_or_default();
                    Op::Removal { table: VECTORS, key }.encode(draft.payload_mut());
                    count += 1;
                }
            }
        }
        if count == 0 {
            return Ok(state.seq);
        }
        self.earliest.fetch_min(now_ns, Ordering::Relaxed);
        let seq = self.append(state.seq, &mut draft, count, &[], true)?;
        drop(state);
        self.wait(seq)?;
        self.scrub()?;
        Ok(seq)
    }

    /// Remove from the files what purges have removed from the state. `upkeep` and `committing`
    /// are held, or nobody else knows the writer yet.
    pub(crate) fn scrub(&self) -> Result<()> {
        self.with_reserve(|| self.scrub_once())
    }

    fn scrub_once(&self) -> Result<()> {
        let state = self.state();
        let scrubbed = self.log.tail().manifest.scrubbed;
        let mut doomed = Doomed::default();
        if state.counts.purged > 0 && state.seq > scrubbed {
            for found in state.purged.walk()? {
                let (key, purged) = found?;
                if purged.seq > scrubbed {
                    doomed.add(&state, id_of(&key))?;
                }
            }
        }
        if doomed.is_empty() {
            return Ok(());
        }
        let state = State::clone(&state);
        let scrubbed = state.seq;
        self.rewrite(Job { state, doomed, forgotten: true, scrubbed }).map(|_| ())
    }

    /// Forget tombstones older than `before_ns` and reclaim space; see the C header.
    pub(crate) fn collect(&self, before_ns: i64) -> Result<u64> {
        let _alone = locked(&self.upkeep);
        let _serial = locked(&self.committing);
        self.log.usable()?;
        self.drain()?;
        self.scrub()?;
        self.with_reserve(|| self.collect_once(before_ns))
    }

    fn collect_once(&self, before_ns: i64) -> Result<u64> {
        let held = self.state();
        let scrubbed = self.log.tail().manifest.scrubbed;
        // Whatever has come since the last time was noted, so nothing has to be looked through.
        if before_ns <= self.earliest.load(Ordering::Relaxed) {
            let (state, doomed) = (State::clone(&held), Doomed::default());
            return self.rewrite(Job { state, doomed, forgotten: false, scrubbed });
        }
        let Expiry { state, doomed, forgotten, earliest } = Expiry::of(&held, before_ns)?;
        let freed = self.rewrite(Job { state, doomed, forgotten, scrubbed })?;
        self.earliest.store(earliest, Ordering::Relaxed);
        Ok(freed)
    }
}
