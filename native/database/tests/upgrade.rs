//! Stores of older formats, opened for writing while the power fails or the disk does.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/rows.rs"]
mod rows;
#[path = "support/mod.rs"]
mod support;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use picturerail_database::{Access, Disk, Entry, Level, Mode, Options, Rows, Store, check};
use rows::{OPTIONS, open};
use support::{Fault, SimDisk};

/// The golden store of a format, durable on a simulated disk.
fn golden(format: u32) -> SimDisk {
    let sim = SimDisk::new(Fault::None, u64::from(format));
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/format-{format}"));
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let file = sim.open(name, Access::Create).unwrap();
        file.write_at(&std::fs::read(&path).unwrap(), 0).unwrap();
        file.sync().unwrap();
    }
    sim.sync_folder().unwrap();
    sim
}

type Row = (u64, u64, Vec<u8>, bool, Vec<u8>);

/// All rows, then all earlier versions.
fn content(store: &Store) -> Vec<Row> {
    let snapshot = store.snapshot().unwrap();
    let rows = snapshot.images(0, Rows::ALL).chain(snapshot.versions(None)).map(|entry| {
        let Entry::Image(row) = entry.unwrap() else { panic!("not a row") };
        let mut bytes = Vec::new();
        if row.has_data {
            bytes.resize(usize::try_from(row.data_length).unwrap(), 0);
            snapshot.open_blob(row.content_hash).unwrap().read(0, &mut bytes).unwrap();
        }
        (row.id, row.seq, row.path.to_vec(), row.is_live(), bytes)
    });
    rows.collect()
}

/// Wherever the upgrade of a store is cut short, be it by the power or by a call that fails once or
/// for good, the next opening finds all of it, in one format or the other, and can write.
#[test]
fn an_upgrade_may_be_cut_short_anywhere() {
    let mut cases = 0;
    for format in [1, 2, 3] {
        let base = golden(format);
        let manifest = base.files()["MANIFEST"].clone();
        let probe = base.after_kill();
        let shared: Arc<dyn Disk> = Arc::new(probe.clone());
        let expected = content(&open(&shared).unwrap());
        assert_eq!(expected.len(), 3);
        for at in 0..probe.calls() {
            for fault in [
                Fault::PowerCut(at),
                Fault::Fail(at, ErrorKind::Other),
                Fault::FailFrom(at, ErrorKind::StorageFull),
            ] {
                let disk = base.after_kill_with(fault);
                drop(open(&(Arc::new(disk.clone()) as Arc<dyn Disk>)));
                let left = (0..3).map(|_| disk.after_power_cut(Fault::None));
                for (outcome, left) in left.chain([disk.after_kill()]).enumerate() {
                    let context = format!("format {format}, {fault:?}, outcome {outcome}");
                    let files = left.files();
                    if files["MANIFEST"] != manifest {
                        let kept = &files[&format!("MANIFEST.{format}")];
                        assert_eq!(*kept, manifest, "{context}: the old one is kept first");
                    }
                    let left: Arc<dyn Disk> = Arc::new(left);
                    let store = open(&left).unwrap_or_else(|error| panic!("{context}: {error}"));
                    assert_eq!(content(&store), expected, "{context}");
                    assert_eq!(store.snapshot().unwrap().info().format, 4, "{context}");
                    let mut transaction = store.begin().unwrap();
                    transaction.put(6, b"still", b"writable").unwrap();
                    transaction.commit().unwrap();
                    drop(store);
                    assert_eq!(check(&left, Level::Deep).unwrap(), [], "{context}");
                    cases += 1;
                }
            }
        }
    }
    assert!(cases > 500, "only {cases} cases");
}

/// Where the upgrading process is killed between renaming the manifest and syncing the folder, the
/// next one builds on the new format: what it commits, an earlier version of a picture above all,
/// which a log of format 1 does not tell of, survives a power cut that would undo the renaming.
#[test]
fn what_is_built_on_an_upgrade_outlives_a_power_cut() {
    // Nothing is sealed, so that nothing else syncs the folder.
    let options = Options { segment_bytes: 1 << 20, ..OPTIONS };
    let write = |disk: &SimDisk| {
        Store::open_on(Arc::new(disk.clone()) as Arc<dyn Disk>, Mode::Write, options).unwrap()
    };
    for format in [1, 2, 3] {
        let base = golden(format);
        let probe = base.after_kill();
        drop(write(&probe));
        for at in 0..probe.calls() {
            let disk = base.after_kill_with(Fault::PowerCut(at));
            _ = Store::open_on(Arc::new(disk.clone()) as Arc<dyn Disk>, Mode::Write, options);
            let killed = disk.after_kill();
            let store = write(&killed);
            let mut writer = store.blob_writer().unwrap();
            writer.write(b"other bytes").unwrap();
            let mut transaction = store.begin().unwrap();
            let row = rows::row("a/beach.jpg", "{}");
            transaction.update(1, row, 0, Some(writer)).unwrap();
            transaction.commit().unwrap();
            let shown = content(&store);
            assert_eq!(shown.len(), 4, "with one earlier version");
            for outcome in 0..8 {
                let left = write(&killed.after_power_cut(Fault::None));
                assert_eq!(content(&left), shown, "format {format}, call {at}, outcome {outcome}");
            }
        }
    }
}

/// A store of format 3 that cannot be upgraded, as its disk is full, is written on in that format,
/// without frames that older programs do not know; with room it is upgraded.
#[test]
fn an_upgrade_that_waits_changes_no_format() {
    let sim = golden(3);
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    // Room for the lock's file, not for another manifest.
    sim.limit(sim.files().values().map(Vec::len).sum::<usize>() + 100);
    let store = open(&disk).unwrap();
    sim.limit(usize::MAX);
    // The log as it is before a checkpoint upgrades it: a transaction's bytes come first.
    let mut transaction = store.begin().unwrap();
    let hash = transaction.add_bytes(&[7; 9_000]).unwrap();
    assert_eq!(store.snapshot().unwrap().info().format, 3);
    let padding = |sim: &SimDisk| {
        let holds = |bytes: &Vec<u8>| bytes.windows(6).any(|part| part == b"PRf\x1a\x01\x03");
        sim.files().into_iter().any(|(name, bytes)| name.contains(".log") && holds(&bytes))
    };
    assert!(!padding(&sim));
    let mut row = rows::row("new.jpg", "{}");
    (row.content_hash, row.has_data) = (hash, true);
    transaction.insert(row, None).unwrap();
    transaction.commit().unwrap();
    store.checkpoint().unwrap();
    assert_eq!(store.snapshot().unwrap().info().format, 4);
    let mut transaction = store.begin().unwrap();
    transaction.add_bytes(&[8; 9_000]).unwrap();
    assert!(padding(&sim));
    drop((transaction, store));
    assert_eq!(check(&disk, Level::Deep).unwrap(), []);
}
