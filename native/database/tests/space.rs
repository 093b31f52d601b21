//! How much disk a store takes for what it holds.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/rows.rs"]
mod rows;
#[path = "support/mod.rs"]
mod support;

use std::sync::Arc;

use picturerail_database::{Disk, Error, FillAhead, Level, Mode, Options, Store, check};
use rows::{OPTIONS, content, row};
use support::{Fault, SimDisk};

fn log_bytes(disk: &SimDisk) -> usize {
    let logs = disk.files().into_iter().filter(|(name, _)| name.contains(".log"));
    logs.map(|(_, bytes)| bytes.len()).sum()
}

const ROOMY: Options =
    Options { segment_bytes: 1 << 20, chunk_bytes: 64 << 10, memory_bytes: 64 << 10, ..OPTIONS };

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

/// What many rows say alike stands in their file once: a dictionary is trained from it, and without
/// it the blocks, each of a few rows, would say it again and again.
#[test]
fn metadata_is_compressed_with_a_trained_dictionary() {
    let sim = SimDisk::new(Fault::None, 4);
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let store = Store::open_on(disk, Mode::Create, OPTIONS).unwrap();
    let mut random = support::Random(4);
    let mut word = |length: u64| -> String {
        (0..length).map(|_| char::from(b'a' + random.below(26).to_le_bytes()[0])).collect()
    };
    let phrases: Vec<String> = (0..40).map(|_| word(400)).collect();
    let mut transaction = store.begin().unwrap();
    for (number, phrase) in phrases.iter().cycle().take(2_000).enumerate() {
        let metadata = format!("{{\"camera\": \"{phrase}\", \"caption\": \"{}\"}}", word(10));
        transaction.insert(row(&format!("{number}.jpg"), &metadata), None).unwrap();
    }
    transaction.commit().unwrap();
    store.checkpoint().unwrap();
    let rows = sim.files().into_iter().filter(|(name, _)| name.starts_with("01-"));
    let rows: Vec<Vec<u8>> = rows.map(|(_, bytes)| bytes).collect();
    for bytes in &rows {
        let footer = &bytes[bytes.len() - 80..];
        let number = |at: usize| u64::from_le_bytes(footer[at..at + 8].try_into().unwrap());
        assert!(number(16) > number(8) + 1_000, "the dictionary's length");
    }
    let taken: usize = rows.iter().map(Vec::len).sum();
    println!("{taken} bytes");
    // Each phrase in each block would be 2,000 times some 240 bytes.
    assert!(taken < 150_000, "{taken} bytes");
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

/// A store whose disk can be made full at once: no room is filled ahead.
fn soon_full(seed: u64) -> (SimDisk, Arc<dyn Disk>, Store) {
    let sim = SimDisk::new(Fault::None, seed);
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let options = Options { fill_ahead: FillAhead::Off, segment_bytes: 64 << 10, ..ROOMY };
    let store = Store::open_on(Arc::clone(&disk), Mode::Create, options).unwrap();
    (sim, disk, store)
}

/// On a full disk what would add is refused, while deleting and collecting go on, out of a reserve,
/// and make the room that adding and purging then find.
#[test]
fn a_full_disk_lets_things_go() {
    for seed in 0..6 {
        println!("seed {seed}");
        let (sim, disk, store) = soon_full(seed);
        let mut ids = Vec::new();
        let add = |number: u64| {
            let mut random = support::Random(number);
            let data: Vec<u8> = (0..3_000).map(|_| random.next().to_le_bytes()[0]).collect();
            let mut bytes = store.blob_writer()?;
            bytes.write(&data)?;
            let mut transaction = store.begin()?;
            let id = transaction.insert(row(&format!("{number}.jpg"), "{}"), Some(bytes))?;
            transaction.commit()?;
            Ok::<u64, Error>(id)
        };
        for number in 0..80 {
            ids.push(add(number).unwrap());
        }
        store.checkpoint().unwrap();
        assert!(sim.files().contains_key("RESERVE"));
        let taken: usize = sim.files().values().map(Vec::len).sum();
        sim.limit(taken + usize::try_from(seed).unwrap() * 700);
        let mut number = 1_000;
        let refused = loop {
            number += 1;
            match add(number) {
                Ok(id) => ids.push(id),
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, Error::Full { .. }), "{refused}");
        let (deleted, purged) = (ids[..72].to_vec(), ids[72..74].to_vec());
        for id in deleted {
            let mut transaction = store.begin().unwrap();
            transaction.delete(id, 500).unwrap();
            transaction.commit().unwrap();
        }
        assert!(store.collect(501).unwrap() > 150_000);
        for number in 2_000..2_010 {
            add(number).unwrap();
        }
        store.purge(&purged).unwrap();
        let live = store.snapshot().unwrap().info().live;
        assert_eq!(live, ids.len() as u64 - 74 + 10);
        drop(store);
        assert_eq!(check(&disk, Level::Deep).unwrap(), []);
    }
}

/// Collecting writes nothing where nothing has expired and no segment is worth it, however often it
/// is asked for and though pictures are deleted meanwhile; what then expires goes, and the count of
/// dead bytes tells.
#[test]
fn collecting_nothing_costs_nothing() {
    let sim = SimDisk::new(Fault::None, 3);
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let store = Store::open_on(Arc::clone(&disk), Mode::Create, ROOMY).unwrap();
    let mut random = support::Random(3);
    let mut ids = Vec::new();
    for number in 0..40 {
        let data: Vec<u8> = (0..50_000).map(|_| random.next().to_le_bytes()[0]).collect();
        let mut bytes = store.blob_writer().unwrap();
        bytes.write(&data).unwrap();
        let mut transaction = store.begin().unwrap();
        ids.push(transaction.insert(row(&format!("{number}.jpg"), "{}"), Some(bytes)).unwrap());
        transaction.commit().unwrap();
    }
    let delete = |id: u64, when_ns: i64| {
        let mut transaction = store.begin().unwrap();
        transaction.delete(id, when_ns).unwrap();
        transaction.commit().unwrap();
    };
    let collect = |before_ns: i64| {
        let calls = sim.calls();
        (store.collect(before_ns).unwrap(), sim.calls() - calls)
    };
    assert_eq!(collect(400), (0, 0));
    delete(ids[0], 500);
    delete(ids[1], 300);
    for id in &ids[2..20] {
        delete(*id, 500);
    }
    assert!(store.snapshot().unwrap().info().dead_bytes < 100_000);
    assert_eq!(collect(300), (0, 0));
    let (_, calls) = collect(301);
    assert!(calls > 0, "one had expired");
    assert!(store.snapshot().unwrap().get(ids[1]).is_err());
    assert_eq!(collect(500), (0, 0));
    let (freed, _) = collect(501);
    assert!(freed > 850_000, "{freed} bytes");
    assert!(store.snapshot().unwrap().info().dead_bytes < 100_000);
    assert_eq!(collect(501), (0, 0));
    // The transaction's own time counts too: a replaced picture's bytes expire with it.
    let mut transaction = store.begin().unwrap();
    let mut replacing = row("30.jpg", "{}");
    replacing.content_hash = transaction.add_bytes(b"other").unwrap();
    replacing.has_data = true;
    transaction.update(ids[30], replacing, 0, None).unwrap();
    transaction.commit().unwrap();
    assert_eq!(collect(1_000), (0, 0));
    assert!(collect(1_001).1 > 0);
    assert_eq!(store.snapshot().unwrap().versions(None).count(), 0);
    drop(store);
    assert_eq!(check(&disk, Level::Deep).unwrap(), []);
}

/// On a full disk a picture can be purged, out of the reserve, though nothing made room before; of
/// its bytes nothing is left.
#[test]
fn a_full_disk_lets_a_picture_be_purged() {
    for seed in 0..6 {
        println!("seed {seed}");
        let (sim, disk, store) = soon_full(seed);
        let mut random = support::Random(seed);
        let mut added = Vec::new();
        let mut full = |room: Option<usize>| {
            if let Some(room) = room {
                sim.limit(room);
            }
            for number in 0..80 {
                let data: Vec<u8> = (0..3_000).map(|_| random.next().to_le_bytes()[0]).collect();
                let add = || {
                    let mut transaction = store.begin()?;
                    let mut new = row(&format!("{}-{number}.jpg", room.is_some()), "{}");
                    new.content_hash = transaction.add_bytes(&data)?;
                    new.has_data = true;
                    let id = transaction.insert(new, None)?;
                    transaction.commit()?;
                    Ok::<u64, Error>(id)
                };
                match add() {
                    Ok(id) => added.push((id, data)),
                    Err(error) => return assert!(matches!(error, Error::Full { .. }), "{error}"),
                }
            }
            assert!(room.is_none(), "the disk is not full");
        };
        full(None);
        store.checkpoint().unwrap();
        assert!(sim.files().contains_key("RESERVE"));
        let taken: usize = sim.files().values().map(Vec::len).sum();
        full(Some(taken + usize::try_from(seed).unwrap() * 700));
        let (id, data) = &added[40];
        store.purge(&[*id]).unwrap();
        for (name, content) in sim.files() {
            assert!(!content.windows(64).any(|part| *part == data[..64]), "{name}");
        }
        drop(store);
        assert_eq!(check(&disk, Level::Deep).unwrap(), []);
    }
}
