//! The store against a dictionary: whatever is done, in whatever order, with reopening,
//! purging, collecting and undeleting between, both hold the same.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/rows.rs"]
mod rows;
#[path = "support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use picturerail_database::{
    Disk, Entry, Error, Files, Level, Rows, Snapshot, Store, backup, check, restore,
};
use proptest::prelude::*;
use rows::{STATE_TABLE, content, open, row};
use support::{Fault, SimDisk};

#[derive(Clone, Debug)]
enum Step {
    Insert {
        path: u8,
        content: u8,
    },
    Update {
        row: u8,
        path: u8,
        content: u8,
    },
    Delete {
        row: u8,
    },
    Undelete {
        row: u8,
    },
    Put {
        key: u8,
        value: u8,
    },
    Remove {
        key: u8,
    },
    Purge {
        row: u8,
    },
    Collect,
    /// The same, and all earlier versions go.
    Forget,
    Checkpoint,
    Backup,
    Abandon {
        content: u8,
    },
    Reopen,
    Follow,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..12_u8, 0..6_u8).prop_map(|(path, content)| Step::Insert { path, content }),
        4 => (0..10_u8, 0..12_u8, 0..6_u8)
            .prop_map(|(row, path, content)| Step::Update { row, path, content }),
        3 => (0..10_u8).prop_map(|row| Step::Delete { row }),
        2 => (0..10_u8).prop_map(|row| Step::Undelete { row }),
        2 => (0..4_u8, any::<u8>()).prop_map(|(key, value)| Step::Put { key, value }),
        1 => (0..4_u8).prop_map(|key| Step::Remove { key }),
        1 => (0..10_u8).prop_map(|row| Step::Purge { row }),
        1 => Just(Step::Collect),
        1 => Just(Step::Forget),
        2 => Just(Step::Checkpoint),
        1 => Just(Step::Backup),
        1 => (0..6_u8).prop_map(|content| Step::Abandon { content }),
        1 => Just(Step::Reopen),
        2 => Just(Step::Follow),
    ];
    prop::collection::vec(step, 1..60)
}

/// Bytes of one of a few contents, long and short.
fn bytes_of(content: u8) -> Vec<u8> {
    vec![b'a' + content; 40 + usize::from(content) * 900]
}

#[derive(Clone, Debug)]
struct Held {
    path: u8,
    content: u8,
    live: bool,
    seq: u64,
}

#[derive(Default)]
struct Model {
    rows: BTreeMap<u64, Held>,
    gone: BTreeSet<u64>,
    /// Path and content of earlier versions, by id and transaction.
    versions: BTreeMap<(u64, u64), (u8, u8)>,
    records: BTreeMap<u8, u8>,
    seq: u64,
    /// What a follower has made of the feed so far.
    followed: BTreeMap<u64, u8>,
    position: u64,
}

impl Model {
    /// The id that a step's small number means.
    fn id(&self, row: u8) -> Option<u64> {
        self.rows.keys().nth(usize::from(row)).copied()
    }

    fn owner(&self, path: u8) -> Option<u64> {
        self.rows.iter().find(|(_, held)| held.live && held.path == path).map(|(id, _)| *id)
    }
}

fn path_of(path: u8) -> String {
    format!("album/{path}.jpg")
}

fn write(store: &Store, model: &mut Model, id: Option<u64>, path: u8, content: u8) {
    let mut writer = store.blob_writer().unwrap();
    writer.write(&bytes_of(content)).unwrap();
    let mut transaction = store.begin().unwrap();
    let new = row(&path_of(path), "{\"shape\": 1}");
    let written = match id {
        Some(id) => transaction.update(id, new, 0, Some(writer)).map(|()| id),
        None => transaction.insert(new, Some(writer)),
    }
    .unwrap();
    let taken = model.owner(path).is_some_and(|owner| Some(owner) != id);
    match transaction.commit() {
        Err(Error::Conflict(_)) => assert!(taken, "path {path} was free"),
        outcome => {
            assert!(!taken, "path {path} was taken twice");
            model.seq = outcome.unwrap();
            let new = Held { path, content, live: true, seq: model.seq };
            let old = model.rows.insert(written, new);
            if let Some(old) = old.filter(|old| old.content != content) {
                model.versions.insert((written, old.seq), (old.path, old.content));
            }
        }
    }
}

fn take(store: &mut Store, disk: &Arc<dyn Disk>, model: &mut Model, step: &Step) {
    match *step {
        Step::Insert { path, content } => write(store, model, None, path, content),
        Step::Update { row, path, content } => {
            if let Some(id) = model.id(row) {
                write(store, model, Some(id), path, content);
            }
        }
        Step::Undelete { row } => {
            if let Some(id) = model.id(row).filter(|id| !model.rows[id].live) {
                let Held { path, content, .. } = model.rows[&id];
                write(store, model, Some(id), path, content);
            }
        }
        Step::Delete { row } => {
            let Some(id) = model.id(row) else { return };
            let mut transaction = store.begin().unwrap();
            transaction.delete(id, 500).unwrap();
            let held = model.rows.get_mut(&id).unwrap();
            match transaction.commit() {
                Err(Error::NotFound(_)) => assert!(!held.live),
                outcome => {
                    model.seq = outcome.unwrap();
                    assert!(held.live);
                    *held = Held { live: false, seq: model.seq, ..*held };
                }
            }
        }
        Step::Put { key, value } => {
            let mut transaction = store.begin().unwrap();
            transaction.put(STATE_TABLE, &[key + 1], &[value; 100]).unwrap();
            model.seq = transaction.commit().unwrap();
            model.records.insert(key, value);
        }
        Step::Remove { key } => {
            let mut transaction = store.begin().unwrap();
            transaction.remove(STATE_TABLE, &[key + 1]).unwrap();
            let seq = transaction.commit().unwrap();
            assert_eq!(seq, model.seq + u64::from(model.records.remove(&key).is_some()));
            model.seq = seq;
        }
        Step::Purge { row } => {
            if let Some(id) = model.id(row) {
                model.seq = store.purge(&[id]).unwrap();
                model.rows.remove(&id);
                model.versions.retain(|(owner, _), _| *owner != id);
                model.gone.insert(id);
            }
        }
        Step::Collect | Step::Forget => {
            let all = matches!(step, Step::Forget);
            store.collect(if all { 1_001 } else { 501 }).unwrap();
            let dead = model.rows.iter().filter(|(_, held)| !held.live).map(|(id, _)| *id);
            model.gone.extend(dead.collect::<Vec<_>>());
            model.rows.retain(|_, held| held.live);
            model.versions.retain(|(id, _), _| !all && model.rows.contains_key(id));
        }
        Step::Checkpoint => store.checkpoint().unwrap(),
        Step::Backup => {
            let copy = SimDisk::new(Fault::None, 2);
            let snapshot = store.snapshot().unwrap();
            backup(&snapshot, &copy, Files::Linked).unwrap();
            let copy: Arc<dyn Disk> = Arc::new(copy);
            assert_eq!(check(&copy, Level::Deep).unwrap(), []);
            let restored: Arc<dyn Disk> = Arc::new(SimDisk::new(Fault::None, 3));
            restore(copy, restored.as_ref()).unwrap();
            let restored = open(&restored).unwrap().snapshot().unwrap();
            assert_ne!(restored.info().uuid, snapshot.info().uuid);
            compare(&restored, model);
        }
        Step::Abandon { content } => {
            let mut writer = store.blob_writer().unwrap();
            writer.write(&bytes_of(content)).unwrap();
            writer.write(&vec![b'z'; 1 << 20]).unwrap();
        }
        Step::Reopen => {
            store.close();
            *store = open(disk).unwrap();
        }
        Step::Follow => follow(&store.snapshot().unwrap(), model),
    }
}

/// Take what changed into the follower's copy, from the beginning if the feed says so.
fn follow(snapshot: &Snapshot, model: &mut Model) {
    let changes = match snapshot.changes(model.position) {
        Err(Error::Expired { .. }) => {
            model.followed.clear();
            snapshot.changes(0).unwrap()
        }
        other => other.unwrap(),
    };
    let mut last = 0;
    for entry in changes {
        let seq = match entry.unwrap() {
            Entry::Image(row) if row.is_live() => {
                let path = model.rows[&row.id].path;
                model.followed.insert(row.id, path);
                row.seq
            }
            Entry::Image(row) => {
                model.followed.remove(&row.id);
                row.seq
            }
            Entry::Purged { id, seq } => {
                model.followed.remove(&id);
                seq
            }
            Entry::Record { seq, .. } => seq,
            Entry::Problem(problem) => panic!("{problem:?}"),
        };
        assert!(seq >= last, "the feed goes backwards");
        last = seq;
    }
    model.position = snapshot.info().seq;
    let live = model.rows.iter().filter(|(_, held)| held.live);
    let expected: BTreeMap<u64, u8> = live.map(|(id, held)| (*id, held.path)).collect();
    assert_eq!(model.followed, expected, "what a follower has");
}

fn compare(snapshot: &Snapshot, model: &Model) {
    let found = content(snapshot).unwrap();
    let rows = model.rows.iter().map(|(id, held)| {
        let metadata = "{\"shape\": 1}".to_owned();
        (*id, (path_of(held.path), metadata, bytes_of(held.content), held.live))
    });
    assert_eq!(found.rows, rows.collect());
    let records = model.records.iter().map(|(key, value)| (vec![key + 1], vec![*value; 100]));
    assert_eq!(found.records, records.collect());

    let versions = model
        .versions
        .iter()
        .map(|((id, _), (path, content))| (*id, path_of(*path), bytes_of(*content)));
    assert_eq!(found.versions, versions.collect::<Vec<_>>());

    let info = snapshot.info();
    let contents = model.rows.values().map(|held| held.content);
    let contents = contents.chain(model.versions.values().map(|(_, content)| *content));
    let contents: BTreeSet<u8> = contents.collect();
    let live = model.rows.values().filter(|held| held.live).count();
    assert_eq!((info.seq, info.live), (model.seq, live as u64));
    assert_eq!(info.deleted, (model.rows.len() - live) as u64);
    assert_eq!(info.blobs, contents.len() as u64);

    for (id, held) in &model.rows {
        assert_eq!(snapshot.get(*id).unwrap().seq, held.seq);
    }
    for id in &model.gone {
        assert!(matches!(snapshot.get(*id), Err(Error::NotFound(_))), "{id} is back");
    }
    for path in 0..12 {
        let found = snapshot.find_path(1, path_of(path).as_bytes()).ok().map(|row| row.id);
        let same = |other: u8| path_of(other) == path_of(path);
        let owner = (0..12).filter(|other| same(*other)).find_map(|other| model.owner(other));
        assert_eq!(found, owner, "path {path}");
        let name = path_of(path).replace("album/", "");
        let named = snapshot.find_filename(name.as_bytes()).count();
        assert_eq!(named, usize::from(owner.is_some()), "filename {name}");
    }
    for content in 0..6 {
        let hash = *blake3::hash(&bytes_of(content)).as_bytes();
        let found = snapshot.find_content(hash, Rows::ALL).count();
        let expected = model.rows.values().filter(|held| held.content == content).count();
        assert_eq!(found, expected, "content {content}");
    }
    let below = snapshot.images_below(1, b"album/").count();
    assert_eq!(below, live);
    assert_eq!(snapshot.images_inside(1, b"album/").count(), live);
    assert_eq!(snapshot.images_inside(1, b"").count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    /// After any steps the store holds what a dictionary would, its feed keeps a follower in
    /// step, an old snapshot still shows its own time, and a deep check is clean.
    #[test]
    fn store_equals_dictionary(steps in steps()) {
        let sim = SimDisk::new(Fault::None, 1);
        let disk: Arc<dyn Disk> = Arc::new(sim);
        let mut store = open(&disk).unwrap();
        let mut model = Model::default();
        let half = steps.len() / 2;
        let mut pinned = None;
        for (index, step) in steps.iter().enumerate() {
            take(&mut store, &disk, &mut model, step);
            if index == half {
                let snapshot = store.snapshot().unwrap();
                let then = content(&snapshot).unwrap();
                pinned = Some((snapshot, then));
            }
        }
        compare(&store.snapshot().unwrap(), &model);
        let (snapshot, then) = pinned.unwrap();
        prop_assert_eq!(content(&snapshot).unwrap(), then);
        store.close();
        prop_assert_eq!(check(&disk, Level::Deep).unwrap(), vec![]);
        let store = open(&disk).unwrap();
        compare(&store.snapshot().unwrap(), &model);
    }
}

/// Bytes that are being streamed in while checkpoints, collections and purges go on are whole once
/// their transaction commits, also for who opens the store again.
#[test]
fn streams_outlive_checkpoints() {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(Fault::None, 1));
    let store = open(&disk).unwrap();
    let mut model = Model::default();
    write(&store, &mut model, None, 1, 1);
    let mut streamed = store.blob_writer().unwrap();
    let bytes: Vec<u8> = (0..3_u32 << 20).map(|n| (n % 251).to_le_bytes()[0]).collect();
    streamed.write(&bytes[..1 << 20]).unwrap();
    store.checkpoint().unwrap();
    write(&store, &mut model, None, 2, 2);
    store.purge(&[1]).unwrap();
    streamed.write(&bytes[1 << 20..2 << 20]).unwrap();
    store.collect(501).unwrap();
    store.checkpoint().unwrap();
    streamed.write(&bytes[2 << 20..]).unwrap();
    let mut transaction = store.begin().unwrap();
    let id = transaction.insert(row("album/long.jpg", "{}"), Some(streamed)).unwrap();
    transaction.commit().unwrap();
    store.close();

    assert_eq!(check(&disk, Level::Deep).unwrap(), vec![]);
    for _ in 0..2 {
        let store = open(&disk).unwrap();
        let found = content(&store.snapshot().unwrap()).unwrap();
        assert_eq!(found.rows[&id].2, bytes);
        store.checkpoint().unwrap();
    }
}
