//! Bytes that a transaction stores from where they stand, and when the disk begins to write them.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/rows.rs"]
mod rows;
#[path = "support/mod.rs"]
mod support;

use std::sync::Arc;

use picturerail_database::{Disk, Mode, Options, Store};
use rows::{content, open, row};
use support::{Fault, SimDisk};

/// Rows of a transaction, also two of one content, have the bytes that it stored; bytes that no
/// row of it has are not there afterwards.
#[test]
fn bytes_are_kept_for_rows_of_their_transaction() {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(Fault::None, 1));
    let store = open(&disk).unwrap();
    for data in [vec![], vec![7; 3], vec![9; 8], (0..=255).cycle().take(5 << 19).collect()] {
        let mut transaction = store.begin().unwrap();
        let hash = transaction.add_bytes(&data).unwrap();
        assert_eq!(hash, *blake3::hash(&data).as_bytes());
        let unnamed = transaction.add_bytes(b"nobody's").unwrap();
        let mut ids = Vec::new();
        for name in ["a", "b"] {
            let mut new = row(&format!("{}/{name}.jpg", data.len()), "{}");
            (new.content_hash, new.has_data) = (hash, true);
            ids.push(transaction.insert(new, None).unwrap());
        }
        transaction.commit().unwrap();
        let snapshot = store.snapshot().unwrap();
        let found = content(&snapshot).unwrap();
        assert!(ids.iter().all(|id| found.rows[id].2 == data), "{} bytes", data.len());
        assert!(snapshot.open_blob(unnamed).is_err());
    }
    drop(store);
    assert_eq!(content(&open(&disk).unwrap().snapshot().unwrap()).unwrap().rows.len(), 8);
}

/// The disk is told to begin with a transaction before it is waited for, from where it began last
/// to the transaction's end, and with many bytes before their transaction has come.
#[test]
fn the_disk_begins_before_it_is_waited_for() {
    let disk = SimDisk::new(Fault::None, 1);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let store = Store::open_on(shared, Mode::Create, Options::default()).unwrap();
    let mut reached = 64;
    for round in 0..3 {
        let mut transaction = store.begin().unwrap();
        transaction.put(rows::STATE_TABLE, b"key", &[round]).unwrap();
        transaction.commit().unwrap();
        let [(offset, length)] = disk.take_started()[..] else { panic!("not one beginning") };
        assert_eq!(offset, reached);
        reached = offset + length;
    }
    let mut transaction = store.begin().unwrap();
    transaction.add_bytes(&vec![1; 3 << 20]).unwrap();
    let early = disk.take_started();
    assert_eq!(early.len(), 3, "a beginning for each MiB: {early:?}");
    assert!(early.iter().all(|(offset, length)| (offset + length) % 4096 == 0));
}
