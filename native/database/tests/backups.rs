//! Copies of a store, while the power fails or the disk that they are made on does.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, reason = "sizes in tests are small")]

#[path = "support/rows.rs"]
mod rows;
#[path = "support/mod.rs"]
mod support;

use std::io::ErrorKind;
use std::sync::Arc;

use picturerail_database::{Disk, Files, Level, Mode, Result, Store, backup, check, restore};
use rows::{Content, OPTIONS, STATE_TABLE, content, open, row};
use support::{Fault, Random, SimDisk};

/// A store with runs and a log behind them.
fn sample() -> (Store, Arc<dyn Disk>) {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(Fault::None, 1));
    let store = open(&disk).unwrap();
    let mut random = Random(5);
    for name in 0..12_u8 {
        let bytes: Vec<u8> = (0..700).map(|_| random.next() as u8).collect();
        let mut writer = store.blob_writer().unwrap();
        writer.write(&bytes).unwrap();
        let mut transaction = store.begin().unwrap();
        transaction.insert(row(&format!("a/{name}.jpg"), "{}"), Some(writer)).unwrap();
        transaction.put(STATE_TABLE, &[name], &bytes[..100]).unwrap();
        transaction.commit().unwrap();
        if name == 6 {
            store.checkpoint().unwrap();
        }
    }
    (store, disk)
}

/// What a copy holds; None where it is none, for want of a manifest.
fn held(disk: SimDisk, context: &str) -> Option<Content> {
    disk.files().get("MANIFEST")?;
    let shared: Arc<dyn Disk> = Arc::new(disk);
    let opened = Store::open_on(Arc::clone(&shared), Mode::Write, OPTIONS);
    let store = opened.unwrap_or_else(|error| panic!("{context}: {error}"));
    let found = content(&store.snapshot().unwrap()).unwrap();
    drop(store);
    assert_eq!(check(&shared, Level::Deep).unwrap(), [], "{context}");
    Some(found)
}

/// Wherever making a copy is cut short, by the power or by a call that fails, what is left is no
/// store or all of it; once it was acknowledged it is all of it, whatever happens to the power.
fn cut_everywhere(expected: &Content, make: impl Fn(&SimDisk) -> Result<()>) {
    let whole = SimDisk::new(Fault::None, 1);
    make(&whole).unwrap();
    for outcome in 0..8 {
        let context = format!("power cut at the end, outcome {outcome}");
        let left = held(whole.after_power_cut(Fault::None), &context);
        assert_eq!(left.as_ref(), Some(expected), "{context}");
    }
    let mut none = 0;
    for at in 0..whole.calls() {
        for fault in [Fault::PowerCut(at), Fault::Fail(at, ErrorKind::Other)] {
            let disk = SimDisk::new(fault, at);
            assert!(make(&disk).is_err(), "{fault:?}: nobody was told");
            for outcome in 0..4 {
                let context = format!("{fault:?}, outcome {outcome}");
                let left = held(disk.after_power_cut(Fault::None), &context);
                assert!(left.as_ref().is_none_or(|left| left == expected), "{context}");
                none += usize::from(left.is_none());
            }
        }
    }
    assert!(none > 100, "half a copy was a store all but {none} times");
}

/// A backup is whole and durable once it is acknowledged, and no store before.
#[test]
fn a_backup_may_be_cut_short_anywhere() {
    let (store, _) = sample();
    let snapshot = store.snapshot().unwrap();
    let expected = content(&snapshot).unwrap();
    cut_everywhere(&expected, |target| backup(&snapshot, target, Files::Copied));
}

/// The same for a store that is restored.
#[test]
fn a_restore_may_be_cut_short_anywhere() {
    let (store, disk) = sample();
    let expected = content(&store.snapshot().unwrap()).unwrap();
    drop(store);
    cut_everywhere(&expected, |target| restore(Arc::clone(&disk), target));
}
