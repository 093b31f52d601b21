//! What pictures were before: kept, listed, read, and in time truly gone.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/rows.rs"]
mod rows;
#[path = "support/mod.rs"]
mod support;

use std::sync::Arc;

use picturerail_database::{Disk, Entry, Level, Snapshot, Store, check};
use rows::{STATE_TABLE, content, open, row};
use support::{Fault, SimDisk};

/// Bytes that are found in a file if they are there.
fn picture(name: &str) -> Vec<u8> {
    format!("the bytes of {name} ").repeat(40).into_bytes()
}

fn write(store: &Store, id: Option<u64>, name: &str) -> u64 {
    let mut bytes = store.blob_writer().unwrap();
    bytes.write(&picture(name)).unwrap();
    let mut transaction = store.begin().unwrap();
    let metadata = format!("{{\"caption\": \"this is {name}\"}}");
    let id = match id {
        None => transaction.insert(row("a/beach.jpg", &metadata), Some(bytes)).unwrap(),
        Some(id) => {
            transaction.update(id, row("a/beach.jpg", &metadata), 0, Some(bytes)).unwrap();
            id
        }
    };
    transaction.commit().unwrap();
    id
}

fn names(snapshot: &Snapshot) -> Vec<(u64, Vec<u8>)> {
    content(snapshot).unwrap().versions.into_iter().map(|(id, _, bytes)| (id, bytes)).collect()
}

fn holds(disk: &SimDisk, text: &str) -> bool {
    disk.files().values().any(|file| file.windows(text.len()).any(|part| part == text.as_bytes()))
}

/// Earlier bytes and what was said of them stay through checkpoints, merges, collections and
/// reopening, each once, also where a picture comes back to what it was; a change of what is said
/// alone keeps none. Older snapshots see fewer.
#[test]
fn earlier_bytes_are_kept() {
    let sim = SimDisk::new(Fault::None, 1);
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let mut store = open(&disk).unwrap();
    let id = write(&store, None, "one");
    let before = store.snapshot().unwrap();
    write(&store, Some(id), "two");
    store.checkpoint().unwrap();
    write(&store, Some(id), "one");
    let mut transaction = store.begin().unwrap();
    let mut said = row("a/beach.jpg", "{}");
    said.has_data = true;
    said.content_hash = *blake3::hash(&picture("one")).as_bytes();
    transaction.update(id, said, 0, None).unwrap();
    transaction.commit().unwrap();
    write(&store, Some(id), "three");
    let expected = vec![(id, picture("one")), (id, picture("two")), (id, picture("one"))];
    for round in 0..4 {
        let snapshot = store.snapshot().unwrap();
        assert_eq!(names(&snapshot), expected, "round {round}");
        let rows: Vec<_> = snapshot
            .versions(Some(id))
            .map(|entry| match entry.unwrap() {
                Entry::Image(row) => (row.seq, row.deleted_ns, row.metadata().unwrap()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), [1, 2, 4]);
        assert!(rows.iter().all(|row| row.1 == 1_000), "the time of replacing");
        assert_eq!(&*rows[1].2, b"{\"caption\": \"this is two\"}");
        assert_eq!(snapshot.versions(Some(id + 1)).count(), 0);
        match round {
            0 => store.checkpoint().unwrap(),
            1 => _ = store.collect(1_000).unwrap(),
            _ => {
                drop(store);
                assert_eq!(check(&disk, Level::Deep).unwrap(), []);
                store = open(&disk).unwrap();
            }
        }
    }
    assert_eq!(names(&before), []);
}

/// Once they are older than what is kept they are gone from every file, and the picture with its
/// vectors stays.
#[test]
fn in_time_they_are_gone() {
    let sim = SimDisk::new(Fault::None, 2);
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let store = open(&disk).unwrap();
    let id = write(&store, None, "one");
    let vector = id.to_be_bytes();
    let mut transaction = store.begin().unwrap();
    transaction.put(3, &vector, b"a vector").unwrap();
    transaction.put(STATE_TABLE, b"k", b"v").unwrap();
    transaction.commit().unwrap();
    store.checkpoint().unwrap();
    write(&store, Some(id), "two");
    assert!(holds(&sim, "the bytes of one") && names(&store.snapshot().unwrap()).len() == 1);
    assert!(store.collect(1_001).unwrap() > 0);
    for text in ["the bytes of one", "this is one"] {
        assert!(!holds(&sim, text), "{text}");
    }
    let snapshot = store.snapshot().unwrap();
    assert_eq!(names(&snapshot), []);
    assert_eq!(content(&snapshot).unwrap().rows[&id].2, picture("two"));
    assert_eq!(snapshot.records(3, &vector).unwrap().count(), 1);
    drop(store);
    assert_eq!(check(&disk, Level::Deep).unwrap(), []);
}

/// A purge leaves nothing of a picture's earlier versions either; bytes that another picture
/// shares stay.
#[test]
fn a_purge_takes_them_along() {
    let sim = SimDisk::new(Fault::None, 3);
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let store = open(&disk).unwrap();
    let id = write(&store, None, "one");
    write(&store, Some(id), "two");
    write(&store, Some(id), "three");
    let mut transaction = store.begin().unwrap();
    let mut sharing = row("b/copy.jpg", "{}");
    sharing.has_data = true;
    sharing.content_hash = *blake3::hash(&picture("two")).as_bytes();
    transaction.insert(sharing, None).unwrap();
    transaction.commit().unwrap();
    store.purge(&[id]).unwrap();
    for text in ["the bytes of one", "this is one", "this is two", "the bytes of three"] {
        assert!(!holds(&sim, text), "{text}");
    }
    let left = content(&store.snapshot().unwrap()).unwrap();
    assert_eq!(left.rows.into_values().map(|row| row.2).collect::<Vec<_>>(), [picture("two")]);
    drop(store);
    assert_eq!(check(&disk, Level::Deep).unwrap(), []);
}
