//! What can be saved of damaged stores.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, reason = "sizes in tests are small")]

#[path = "support/rows.rs"]
mod rows;
#[path = "support/mod.rs"]
mod support;

use std::sync::Arc;

use picturerail_database::{Disk, Level, Problem, check, salvage};
use rows::{Content, STATE_TABLE, content, open, row};
use support::{Fault, Random, SimDisk};

fn bytes_of(name: u64) -> Vec<u8> {
    let mut random = Random(name);
    (0..600).map(|_| random.next() as u8).collect()
}

/// A store with rows in runs and in the log, deleted ones, earlier versions and records.
fn made() -> (SimDisk, Content) {
    let sim = SimDisk::new(Fault::None, 1);
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let store = open(&disk).unwrap();
    for name in 0..80_u64 {
        let mut bytes = store.blob_writer().unwrap();
        bytes.write(&bytes_of(name)).unwrap();
        let mut transaction = store.begin().unwrap();
        let metadata = format!("{{\"caption\": \"number {name}\"}}");
        transaction.insert(row(&format!("album/{name}.jpg"), &metadata), Some(bytes)).unwrap();
        transaction.put(STATE_TABLE, &name.to_be_bytes(), &bytes_of(name)).unwrap();
        transaction.commit().unwrap();
    }
    for id in [3, 40, 78] {
        let mut bytes = store.blob_writer().unwrap();
        bytes.write(&bytes_of(1_000 + id)).unwrap();
        let mut transaction = store.begin().unwrap();
        transaction.update(id, row(&format!("album/new{id}.jpg"), "{}"), 0, Some(bytes)).unwrap();
        transaction.delete(id + 1, 700).unwrap();
        transaction.remove(STATE_TABLE, &id.to_be_bytes()).unwrap();
        transaction.commit().unwrap();
    }
    store.purge(&[20]).unwrap();
    let mut transaction = store.begin().unwrap();
    transaction.put(STATE_TABLE, b"last", b"one").unwrap();
    transaction.commit().unwrap();
    let expected = content(&store.snapshot().unwrap()).unwrap();
    drop(store);
    (sim, expected)
}

fn save(sim: &SimDisk) -> (Content, Vec<Problem>) {
    let before = sim.files();
    let source: Arc<dyn Disk> = Arc::new(sim.clone());
    let target: Arc<dyn Disk> = Arc::new(SimDisk::new(Fault::None, 2));
    let problems = salvage(&source, Arc::clone(&target), b"{\"lost\": 1}").unwrap();
    assert_eq!(sim.files(), before, "what is damaged is only read");
    assert_eq!(check(&target, Level::Deep).unwrap(), []);
    let store = open(&target).unwrap();
    (content(&store.snapshot().unwrap()).unwrap(), problems)
}

/// A sound store is saved whole: rows under their ids, bytes, deletions, versions, records.
#[test]
fn all_is_saved_where_nothing_is_lost() {
    let (sim, expected) = made();
    assert_eq!(save(&sim), (expected.clone(), vec![]));
    // Also where nothing says which files are the store.
    sim.damage("MANIFEST", |bytes| bytes[30] ^= 1);
    let (found, problems) = save(&sim);
    assert_eq!(found, expected);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].place.contains("MANIFEST"));
}

/// Wherever a store is damaged, what is saved is right, most is saved, and what is not is named.
#[test]
fn what_is_sound_is_saved() {
    let (whole, expected) = made();
    let mut random = Random(5);
    let (mut lost, mut narrow) = (0, 0);
    for (name, bytes) in whole.files() {
        for _ in 0..10 {
            let at = random.below(bytes.len() as u64) as usize;
            let sim = whole.after_kill();
            sim.damage(&name, |bytes| {
                let end = bytes.len().min(at + 24);
                bytes[at..end].iter_mut().for_each(|byte| *byte ^= 0x5a);
            });
            let (found, problems) = save(&sim);
            let context = format!("{name} at {at}: {problems:?}");
            lost += usize::from(found != expected);
            assert!(found == expected || !problems.is_empty(), "{context}");
            for (id, (path, metadata, bytes, live)) in &found.rows {
                let Some(right) = expected.rows.get(id) else {
                    panic!("picture {id} is back: {context}");
                };
                // An earlier revision may show where the block with the last is lost.
                let earlier = *path == format!("album/{}.jpg", id - 1);
                assert!(*path == right.0 || earlier, "{context}");
                let told = *live == right.3 || earlier;
                let metadata = if metadata == "{\"lost\": 1}" { &right.1 } else { metadata };
                assert!(told && (*metadata == right.1 || earlier), "{context}");
                let first = bytes_of(id - 1);
                assert!(bytes.is_empty() || *bytes == right.2 || *bytes == first, "{context}");
            }
            // Without its index a run is lost; a block of rows costs no more than its own.
            let parts = ["header", "index", "filter", "footer", "dictionary", "length"];
            let names = |part: &&str| problems.iter().any(|found| found.what.contains(*part));
            let run = parts.iter().any(names);
            let kept = found.rows.len();
            assert!(run || kept + 40 >= expected.rows.len(), "{kept} rows, {context}");
            narrow += usize::from(!run);
        }
    }
    assert!(lost > 20, "only {lost} damages cost anything");
    assert!(narrow > 50, "only {narrow} damages were within blocks and logs");
}
