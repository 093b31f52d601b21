//! Group commit: of those who wait for the disk one syncs for all.
//!
//! Whoever finds nobody syncing leads; what was logged until the sync began is durable when it
//! returns, and the others wait. There is no timer: while one sync runs the next group gathers.
//! The schedules of this file are explored in `tests/schedules.rs`, with other primitives.

use crate::sync::{Condvar, Mutex};

/// Who waits, and for what.
#[derive(Debug)]
pub(crate) struct Group {
    inner: Mutex<Inner>,
    turned: Condvar,
}

#[derive(Debug)]
struct Inner {
    /// Every transaction up to this one is durable.
    durable: u64,
    /// Whether somebody syncs.
    leading: bool,
    /// Why nothing will become durable any more.
    failed: Option<String>,
}

impl Group {
    /// All up to transaction `durable` is on the disk.
    pub(crate) fn new(durable: u64) -> Self {
        let inner = Inner { durable, leading: false, failed: None };
        Self { inner: Mutex::new(inner), turned: Condvar::new() }
    }

    /// Whether somebody syncs.
    pub(crate) fn is_syncing(&self) -> bool {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner).leading
    }

    /// Return once transaction `seq` is durable. `sync` makes durable what was logged before it
    /// was called and returns the last transaction of that; it never runs twice at once, and not
    /// again once it has failed: everyone then gets that failure.
    pub(crate) fn wait(
        &self,
        seq: u64,
        sync: impl FnOnce() -> Result<u64, String>,
    ) -> Result<(), String> {
        let mut inner = self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        loop {
            if inner.durable >= seq {
                return Ok(());
            }
            if let Some(why) = &inner.failed {
                return Err(why.clone());
            }
            if !inner.leading {
                break;
            }
            inner = self.turned.wait(inner).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        inner.leading = true;
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
        let mut inner = self.group.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        inner.leading = false;
        match self.outcome.take() {
            Some(Ok(durable)) => inner.durable = inner.durable.max(durable),
            Some(Err(why)) => inner.failed = Some(why),
            None => inner.failed = Some("a sync did not come to its end".to_owned()),
        }
        drop(inner);
        self.group.turned.notify_all();
    }
}
