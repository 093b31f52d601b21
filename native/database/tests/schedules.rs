//! The commit queue under every kind of schedule: no waiter is forgotten, none is told too
//! early, a failed sync is never tried again, two syncs never run at once.

#![allow(missing_docs, clippy::unwrap_used, dead_code)]

#[path = "../src/group.rs"]
mod group;

/// What the queue waits with here: primitives whose schedule the test decides.
mod sync {
    pub(crate) use shuttle::sync::{Arc, Condvar, Mutex, MutexGuard};
}

use std::sync::Arc;

use group::Group;
use shuttle::sync::Mutex;
use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use shuttle::thread;

const THREADS: u64 = 4;
const SCHEDULES: usize = 2_000;

#[derive(Debug, Default)]
struct Disk {
    logged: Mutex<u64>,
    durable: AtomicU64,
    syncing: AtomicBool,
    syncs: AtomicU64,
    broken: AtomicBool,
}

impl Disk {
    fn append(&self) -> u64 {
        let mut logged = self.logged.lock().unwrap();
        *logged += 1;
        *logged
    }

    /// Durable is what was logged before the sync began; the sync numbered `fails` fails.
    fn sync(&self, fails: u64) -> Result<u64, String> {
        assert!(!self.syncing.swap(true, Ordering::SeqCst), "two syncs at once");
        assert!(!self.broken.load(Ordering::SeqCst), "a failed sync was repeated");
        let upto = *self.logged.lock().unwrap();
        thread::yield_now();
        let number = self.syncs.fetch_add(1, Ordering::SeqCst);
        let outcome = if number == fails {
            self.broken.store(true, Ordering::SeqCst);
            Err("the disk failed".to_owned())
        } else {
            self.durable.store(upto, Ordering::SeqCst);
            Ok(upto)
        };
        self.syncing.store(false, Ordering::SeqCst);
        outcome
    }
}

fn explore(fails: u64) {
    let run = move || {
        let disk = Arc::new(Disk::default());
        let group = Arc::new(Group::new(0));
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let (disk, group) = (Arc::clone(&disk), Arc::clone(&group));
                thread::spawn(move || {
                    for _ in 0..2 {
                        let seq = disk.append();
                        match group.wait(seq, || disk.sync(fails)) {
                            Ok(()) => assert!(disk.durable.load(Ordering::SeqCst) >= seq),
                            Err(why) => assert_eq!(why, "the disk failed"),
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        let syncs = disk.syncs.load(Ordering::SeqCst);
        assert!(syncs <= 2 * THREADS, "{syncs} syncs");
        if fails > syncs {
            assert_eq!(disk.durable.load(Ordering::SeqCst), 2 * THREADS);
        }
    };
    shuttle::check_random(run, SCHEDULES);
    shuttle::check_pct(run, SCHEDULES, 3);
}

/// Everyone is told, and only once it is true.
#[test]
fn all_become_durable() {
    explore(u64::MAX);
}

/// When a sync fails everyone whose transaction it did not cover is told so, now and later.
#[test]
fn a_failed_sync_is_told_to_all() {
    for fails in 0..3 {
        explore(fails);
    }
}
