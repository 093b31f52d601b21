//! Looking rows up by their filename, in runs of many blocks and in memory above them.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/rows.rs"]
mod rows;
#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use picturerail_database::{Disk, Entry, Mode, Options, Snapshot, Store};
use rows::{OPTIONS, row};
use support::{Fault, Random, SimDisk};

/// Ids of a filename, by the way that hands out rows one by one and by the packed one.
fn found(snapshot: &Snapshot, filename: &str) -> Vec<u64> {
    let mut cursor = snapshot.find_filename(filename.as_bytes());
    let mut ids = Vec::new();
    while let Some(entry) = cursor.step().unwrap() {
        let Entry::Image(row) = entry else { panic!("not a row") };
        ids.push(row.id);
    }
    let mut buffer = vec![0; 1 << 16];
    let filled = snapshot.find_filename_packed(filename.as_bytes(), 0, &mut buffer).unwrap();
    assert!(filled.ended);
    assert_eq!(filled.count, ids.len(), "{filename}");
    ids
}

/// Every row is found under its name, also one that begins a block of the index or ends it, whose
/// names others share, that another run or memory has taken away, or that was named anew.
#[test]
fn every_name_is_found() {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(Fault::None, 1));
    let options = Options {
        segment_bytes: 8 << 20,
        memory_bytes: 64 << 20,
        log_bytes: 64 << 20,
        fan: 8,
        ..OPTIONS
    };
    let store = Store::open_on(disk, Mode::Create, options).unwrap();
    let mut random = Random(1);
    let mut expected: BTreeMap<u64, String> = BTreeMap::new();
    for round in 0..4 {
        let mut transaction = store.begin().unwrap();
        for number in 0..1_500 {
            // A third of the names comes several times.
            let name = match number % 3 {
                0 => format!("{}.jpg", random.below(200)),
                _ => format!("{round}-{number}.jpg"),
            };
            let path = format!("{round}/{number}/{name}");
            expected.insert(transaction.insert(row(&path, "{}"), None).unwrap(), name);
        }
        let ids: Vec<u64> = expected.keys().copied().collect();
        for id in ids.iter().filter(|id| *id % 7 == round).take(200) {
            if round % 2 == 0 && *id < ids[ids.len() / 2] {
                transaction.delete(*id, 5).unwrap();
                expected.remove(id);
            }
        }
        transaction.commit().unwrap();
        // The last round remains in memory.
        if round < 3 {
            store.checkpoint().unwrap();
        }
        let snapshot = store.snapshot().unwrap();
        let mut by_name: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for (id, name) in &expected {
            by_name.entry(name).or_default().push(*id);
        }
        for (name, ids) in by_name {
            assert_eq!(found(&snapshot, name), ids, "{name} in round {round}");
        }
        assert_eq!(found(&snapshot, "absent.jpg"), []);
    }
}
