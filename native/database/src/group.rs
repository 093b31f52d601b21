//! Group commit: of those who wait for the disk one syncs for all.
//!
//! Whoever finds nobody syncing leads; what was logged until the sync began is durable when it
//! returns, and the others wait. There is no timer: while one sync runs the next group gathers.
//! Only those are woken for whom it matters: whose transaction is durable, and one of the others,
//! who leads next. The schedules of this file are explored in `tests/schedules.rs`, with other
//! primitives.

use crate::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Who waits, and for what.
#[derive(Debug)]
pub(crate) struct Group {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Every transaction up to this one is durable.
    durable: u64,
    /// Whether somebody syncs.
    leading: bool,
    /// Why nothing will become durable any more.
    failed: Option<String>,
    /// Those who wait, in the order in which they came.
    waiting: Vec<Waiter>,
}

/// One who waits for a transaction, and is woken alone.
#[derive(Clone, Debug)]
struct Waiter {
    seq: u64,
    turned: Arc<Condvar>,
}

impl Waiter {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.turned, &other.turned)
    }
}

impl Group {
    /// All up to transaction `durable` is on the disk.
    pub(crate) fn new(durable: u64) -> Self {
        let inner = Inner { durable, leading: false, failed: None, waiting: Vec::new() };
        Self { inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Whether somebody syncs.
    pub(crate) fn is_syncing(&self) -> bool {
        self.inner().leading
    }

    /// Return once transaction `seq` is durable. `sync` makes durable what was logged before it
    /// was called and returns the last transaction of that; it never runs twice at once, and not
    /// again once it has failed: everyone then gets that failure.
    pub(crate) fn wait(
        &self,
        seq: u64,
        sync: impl FnOnce() -> Result<u64, String>,
    ) -> Result<(), String> {
        let mut inner = self.inner();
        let mut waiter: Option<Waiter> = None;
        loop {
            // Whoever ended a sync has taken those out for whom these two hold.
            if inner.durable >= seq {
                return Ok(());
            }
            if let Some(why) = &inner.failed {
                return Err(why.clone());
            }
            if !inner.leading {
                break;
            }
            let waiter = waiter.get_or_insert_with(|| {
                let waiter = Waiter { seq, turned: Arc::new(Condvar::new()) };
                inner.waiting.push(waiter.clone());
                waiter
            });
            inner = waiter.turned.wait(inner).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        inner.leading = true;
        if let Some(waiter) = waiter {
            inner.waiting.retain(|other| !other.is(&waiter));
        }
        drop(inner);
        let mut leader = Leader { group: self, outcome: None };
        let outcome = sync();
        leader.outcome = Some(outcome.clone());
        drop(leader);
        let durable = outcome?;
        assert!(durable >= seq, "a sync covers what was logged before it");
        Ok(())
    }
}

/// Ends the lead, also by a panic; then nothing is durable any more.
struct Leader<'a> {
    group: &'a Group,
    outcome: Option<Result<u64, String>>,
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        let mut inner = self.group.inner();
        inner.leading = false;
        match self.outcome.take() {
            Some(Ok(durable)) => inner.durable = inner.durable.max(durable),
            Some(Err(why)) => inner.failed = Some(why),
            None => inner.failed = Some("a sync did not come to its end".to_owned()),
        }
        let (durable, over) = (inner.durable, inner.failed.is_some());
        let waiting = std::mem::take(&mut inner.waiting);
        let (mut woken, later): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|waiter| over || waiter.seq <= durable);
        // Next leads who has waited longest, unless somebody comes before that one is awake.
        woken.extend(later.first().cloned());
        inner.waiting = later;
        drop(inner);
        for waiter in woken {
            waiter.turned.notify_one();
        }
    }
}
