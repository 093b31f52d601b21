//! How much disk a store takes for what it holds.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/rows.rs"]
mod rows;
#[path = "support/mod.rs"]
mod support;

use std::sync::Arc;

use picturerail_database::{Disk, Level, Mode, Options, Store, check};
use rows::{OPTIONS, content, row};
use support::{Fault, SimDisk};

fn log_bytes(disk: &SimDisk) -> usize {
    let logs = disk.files().into_iter().filter(|(name, _)| name.contains(".log"));
    logs.map(|(_, bytes)| bytes.len()).sum()
}

const ROOMY: Options = Options { segment_bytes: 1 << 20, memory_bytes: 64 << 10, ..OPTIONS };

/// What runs hold is not kept in the log as well, though its segment is far from full.
#[test]
fn a_checkpoint_gives_the_log_back() {
    let sim = SimDisk::new(Fault::None, 1);
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let store = Store::open_on(Arc::clone(&disk), Mode::Create, ROOMY).unwrap();
    let metadata = format!("{{\"caption\": \"{}\"}}", "x".repeat(400));
    for number in 0..1_000 {
        let mut transaction = store.begin().unwrap();
        transaction.insert(row(&format!("album/{number}.jpg"), &metadata), None).unwrap();
        transaction.commit().unwrap();
        assert!(log_bytes(&sim) < 300 << 10, "{} bytes of log, row {number}", log_bytes(&sim));
    }
    assert_eq!(content(&store.snapshot().unwrap()).unwrap().rows.len(), 1_000);
    drop(store);
    assert_eq!(check(&disk, Level::Deep).unwrap(), []);
}

/// A segment that pictures' bytes fill is appended to through checkpoints, not cut short.
#[test]
fn a_checkpoint_leaves_segments_of_bytes_alone() {
    let sim = SimDisk::new(Fault::None, 2);
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let store = Store::open_on(disk, Mode::Create, ROOMY).unwrap();
    for number in 0..10_u8 {
        let mut bytes = store.blob_writer().unwrap();
        bytes.write(&vec![number; 50_000]).unwrap();
        let mut transaction = store.begin().unwrap();
        transaction.insert(row(&format!("album/{number}.jpg"), "{}"), Some(bytes)).unwrap();
        transaction.commit().unwrap();
        store.checkpoint().unwrap();
    }
    assert_eq!(sim.files().keys().filter(|name| name.contains(".log")).count(), 1);
}
