//! Several threads commit at once while the power is cut or a call fails: what any of them was
//! told is durable is there, every transaction wholly or not at all, and none without those
//! before it.
//!
//! The threads' schedule is the system's, so a case is not the same twice; what must hold does
//! not depend on it. The queue alone, under chosen schedules, is tested in `schedules.rs`.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/rows.rs"]
mod rows;
#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};

use picturerail_database::{Disk, Error, FillAhead, Level, Mode, Options, Store, Upkeep, check};
use rows::{OPTIONS, STATE_TABLE, content, open, row};
use support::{Fault, SimDisk};

const THREADS: u8 = 4;
const COMMITS: u8 = 6;

/// The key under which a thread's commit counts itself, and the path of its row.
fn name(thread: u8, commit: u8) -> (String, [u8; 2]) {
    (format!("{thread}/{commit}.jpg"), [thread, commit])
}

fn commit(store: &Store, thread: u8, commit: u8) -> Result<u64, Error> {
    let (path, key) = name(thread, commit);
    let mut bytes = store.blob_writer()?;
    bytes.write(&[thread * 16 + commit; 300])?;
    let mut transaction = store.begin()?;
    transaction.insert(row(&path, "{}"), Some(bytes))?;
    transaction.put(STATE_TABLE, &key, path.as_bytes())?;
    transaction.commit()
}

/// Checkpoints, merges and the next segment's filling by threads of their own, as outside of tests.
const BESIDE: Options =
    Options { upkeep: Upkeep::Background, fill_ahead: FillAhead::Background, ..OPTIONS };

/// Commit from all threads until something fails; return the seq that each was told.
fn run(disk: &SimDisk, options: Options) -> BTreeMap<[u8; 2], u64> {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let opened = Store::open_on(shared, Mode::Create, options);
    let Ok(store) = opened else { return BTreeMap::new() };
    let told = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, told) = (&store, &told);
            scope.spawn(move || {
                for number in 0..COMMITS {
                    let before = store.snapshot().map_or(0, |snapshot| snapshot.info().seq);
                    let Ok(seq) = commit(store, thread, number) else { return };
                    assert!(seq > before, "a commit comes after what was seen before it");
                    let seen = store.snapshot().unwrap();
                    assert!(seen.info().seq >= seq, "what is acknowledged is seen");
                    seen.find_path(1, name(thread, number).0.as_bytes()).unwrap();
                    told.lock().unwrap().insert([thread, number], seq);
                }
            });
        }
    });
    told.into_inner().unwrap()
}

fn verify(disk: &SimDisk, told: &BTreeMap<[u8; 2], u64>, context: &str) {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let store = open(&shared).unwrap_or_else(|error| panic!("{context}: {error}"));
    let snapshot = store.snapshot().unwrap();
    let found = content(&snapshot).unwrap();
    let last = told.values().copied().max().unwrap_or(0);
    assert!(snapshot.info().seq >= last, "{context}: {last} was told");
    // Each transaction made one row and one record, and numbers have no gaps.
    assert_eq!(snapshot.info().seq, found.rows.len() as u64, "{context}");
    assert_eq!(found.rows.len(), found.records.len(), "{context}");
    for ([thread, number], seq) in told {
        let (path, key) = name(*thread, *number);
        let row = snapshot.find_path(1, path.as_bytes());
        assert_eq!(row.map(|row| row.seq).ok(), Some(*seq), "{context}: {path}");
        assert_eq!(found.records.get(&key[..]).map(Vec::as_slice), Some(path.as_bytes()));
    }
    drop((snapshot, store));
    assert_eq!(check(&shared, Level::Deep).unwrap(), [], "{context}");
}

/// Without any fault every commit of every thread is there, each with a number of its own.
#[test]
fn all_threads_commit() {
    for options in [OPTIONS, BESIDE] {
        all_commit(options);
    }
}

fn all_commit(options: Options) {
    let disk = SimDisk::new(Fault::None, 1);
    let told = run(&disk, options);
    let runs = disk.files().into_keys().filter(|name| name.contains(".run")).count();
    assert!(runs > 0, "a checkpoint was made without being asked for");
    assert_eq!(told.len(), usize::from(THREADS * COMMITS));
    let mut seqs: Vec<u64> = told.values().copied().collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=u64::from(THREADS * COMMITS)).collect::<Vec<_>>());
    verify(&disk.after_power_cut(Fault::None), &told, "no fault");
}

/// With a power cut or a failing call anywhere nobody was told too much.
#[test]
fn faults_between_threads() {
    faults(OPTIONS);
}

/// The same while checkpoints and merges are made by a thread beside.
#[test]
fn faults_beside_background_upkeep() {
    faults(BESIDE);
}

fn faults(options: Options) {
    let whole = SimDisk::new(Fault::None, 2);
    run(&whole, options);
    for at in 0..whole.calls() + 8 {
        let faults = [
            Fault::PowerCut(at),
            Fault::Fail(at, ErrorKind::Other),
            Fault::FailFrom(at, ErrorKind::StorageFull),
        ];
        for fault in faults {
            let disk = SimDisk::new(fault, at);
            let told = run(&disk, options);
            let context = format!("{fault:?}");
            verify(&disk.after_power_cut(Fault::None), &told, &context);
            verify(&disk.after_kill(), &told, &context);
        }
    }
}

/// Commits that wait behind a sync which fails are told that their outcome is unknown, each of them;
/// then nothing more is written, and what was durable is read on.
#[test]
fn a_failed_sync_is_told_to_all_who_wait() {
    let options = Options { upkeep: Upkeep::Off, fill_ahead: FillAhead::Off, ..OPTIONS };
    let put = |store: &Store, key: u8| {
        let mut transaction = store.begin()?;
        transaction.put(STATE_TABLE, &[key], b"value")?;
        transaction.commit()
    };
    let begin = |fault| {
        let disk = SimDisk::new(fault, 1);
        let store = Store::open_on(Arc::new(disk.clone()), Mode::Create, options).unwrap();
        put(&store, 0).unwrap();
        (disk, store)
    };
    let writes = u64::from(THREADS);
    // Each commit writes its frame, then the first of them syncs.
    let at = begin(Fault::None).0.calls() + writes;
    let (disk, store) = begin(Fault::Fail(at, ErrorKind::Other));
    let gate = disk.hold_syncs();
    std::thread::scope(|scope| {
        let (put, store) = (&put, &store);
        let waiting: Vec<_> =
            (1..=THREADS).map(|key| scope.spawn(move || put(store, key))).collect();
        while disk.calls() < at {
            std::thread::yield_now();
        }
        gate.open();
        for thread in waiting {
            let outcome = thread.join().unwrap();
            assert!(matches!(outcome, Err(Error::OutcomeUnknown(_))), "{outcome:?}");
        }
    });
    assert!(matches!(put(&store, 99), Err(Error::Poisoned(_))));
    assert_eq!(disk.calls(), at + 1, "nothing was written or synced after it");
    let held = content(&store.snapshot().unwrap()).unwrap();
    assert_eq!(held.records.keys().collect::<Vec<_>>(), [&vec![0]]);
    // The pages were lost with the sync, so nothing of them is there once the disk is asked.
    let left: Arc<dyn Disk> = Arc::new(disk.after_kill());
    assert_eq!(content(&open(&left).unwrap().snapshot().unwrap()).unwrap(), held);
}
