//! What is written ahead of a growing log.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/rows.rs"]
mod rows;
#[path = "support/mod.rs"]
mod support;

use std::sync::Arc;

use picturerail_database::{Disk, FillAhead, Level, Mode, Options, Store, check};
use rows::{OPTIONS, content, row};
use support::{Fault, SimDisk};

/// Bytes that are written ahead at once.
const PIECE: usize = 256 << 10;
/// Of a picture.
const BYTES: usize = 50_000;

fn opened(segment_bytes: u64) -> (SimDisk, Arc<dyn Disk>, Store) {
    let sim = SimDisk::new(Fault::None, 1);
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let options = Options {
        fill_ahead: FillAhead::Off,
        segment_bytes,
        chunk_bytes: 64 << 10,
        memory_bytes: 1 << 20,
        log_bytes: 16 << 20,
        ..OPTIONS
    };
    let store = Store::open_on(Arc::clone(&disk), Mode::Create, options).unwrap();
    (sim, disk, store)
}

fn add(store: &Store, number: u8) {
    let mut transaction = store.begin().unwrap();
    let mut added = row(&format!("album/{number}.jpg"), "{}");
    added.content_hash = transaction.add_bytes(&vec![number + 1; BYTES]).unwrap();
    added.has_data = true;
    transaction.insert(added, None).unwrap();
    transaction.commit().unwrap();
}

/// The lengths of the log's files, and how many of the last one's bytes are zeros at its end.
fn log(sim: &SimDisk) -> (Vec<usize>, usize) {
    let files = sim.files().into_iter().filter(|(name, _)| name.contains(".log"));
    let files: Vec<Vec<u8>> = files.map(|(_, bytes)| bytes).collect();
    let zeros = files.last().unwrap().iter().rev().take_while(|byte| **byte == 0).count();
    (files.iter().map(Vec::len).collect(), zeros)
}

/// A segment grows by whole pieces, never beyond its length, and is cut off where it ends when the
/// store is closed. Small transactions write nothing ahead.
#[test]
fn a_segment_grows_by_pieces() {
    let (sim, disk, store) = opened(700_000);
    let mut transaction = store.begin().unwrap();
    transaction.insert(row("album/small.jpg", "{}"), None).unwrap();
    transaction.commit().unwrap();
    assert!(log(&sim).0[0] < 1_000);
    for (number, expected) in [PIECE, PIECE, PIECE, PIECE, PIECE, 2 * PIECE].into_iter().enumerate()
    {
        add(&store, u8::try_from(number).unwrap());
        assert_eq!(log(&sim).0, [expected], "picture {number}");
    }
    for number in 6..13 {
        add(&store, number);
    }
    assert_eq!(log(&sim).0, [700_000]);
    let live = content(&store.snapshot().unwrap()).unwrap();
    drop(store);
    let (lengths, zeros) = log(&sim);
    assert!(lengths[0] < 700_000 && zeros < 64, "{lengths:?}, {zeros} zeros");
    assert_eq!(check(&disk, Level::Deep).unwrap(), []);
    let again = Store::open_on(disk, Mode::Read, OPTIONS).unwrap();
    assert_eq!(content(&again.snapshot().unwrap()).unwrap(), live);
}

/// Where the disk has room for a picture but not for the zeros behind it, the picture is stored.
#[test]
fn zeros_refuse_no_picture() {
    let (sim, disk, store) = opened(1 << 20);
    let taken: usize = sim.files().values().map(Vec::len).sum();
    sim.limit(taken + BYTES + 2_000);
    add(&store, 1);
    let (lengths, zeros) = log(&sim);
    assert!(lengths[0] < BYTES + 2_000 && zeros < 64, "{lengths:?}, {zeros} zeros");
    drop(store);
    assert_eq!(check(&disk, Level::Deep).unwrap(), []);
}
