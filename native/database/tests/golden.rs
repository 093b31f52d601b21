//! A store of every released format version, made once and kept, opens and reads back.
//!
//! The store of a format is never made anew; a change that cannot read it is a new format.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;
use std::sync::Arc;

use picturerail_database::{Entry, Folder, Level, Mode, Rows, Snapshot, Store, check};

/// What this library writes.
const NEWEST: u32 = 4;

fn verify(snapshot: &Snapshot, format: u32) {
    let info = snapshot.info();
    assert_eq!((info.seq, info.live, info.deleted, info.format), (8, 2, 1, format));
    assert_eq!((info.blobs, info.blob_bytes), (3, 512));

    let beach = snapshot.find_path(1, b"a/beach.jpg").unwrap();
    assert_eq!((beach.id, beach.seq, &*beach.filename), (1, 1, &b"beach.jpg"[..]));
    assert_eq!(&*beach.metadata().unwrap(), b"{\"caption\": \"The beach\"}");
    assert_eq!((beach.stat.size, beach.stat.mtime_ns, beach.stat.volume), (500, 1, 4));
    let mut bytes = vec![0; 500];
    snapshot.open_blob(beach.content_hash).unwrap().read(0, &mut bytes).unwrap();
    assert_eq!(bytes, b"beach".repeat(100));

    let odd = snapshot.get(2).unwrap();
    assert_eq!((&*odd.path, odd.seq, odd.data_length), (&b"b/\xff.jpg"[..], 8, 8));
    let gone = snapshot.get(3).unwrap();
    assert_eq!((gone.deleted_ns, gone.is_live()), (1_700_000_000_000_000_000, false));
    assert!(snapshot.get(4).is_err(), "it was purged");
    assert_eq!(snapshot.images(0, Rows::ALL).count(), 3);

    let changes: Vec<(u64, &str)> = snapshot
        .changes(0)
        .unwrap()
        .map(|entry| match entry.unwrap() {
            Entry::Image(row) => (row.seq, "image"),
            Entry::Record { seq, value: Some(_), .. } => (seq, "record"),
            Entry::Record { seq, .. } => (seq, "removal"),
            Entry::Purged { seq, .. } => (seq, "purged"),
            Entry::Problem(problem) => panic!("{problem:?}"),
        })
        .collect();
    let expected =
        [(1, "image"), (5, "image"), (5, "record"), (6, "removal"), (7, "purged"), (8, "image")];
    assert_eq!(changes, expected);
}

/// Open a copy of the store of an older format, first for reading, then for writing, and write
/// on; return the copy.
fn upgrade(format: u32) -> tempfile::TempDir {
    let golden =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/format-{format}"));
    let copy = tempfile::tempdir().unwrap();
    for entry in golden.read_dir().unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let disk: Arc<dyn picturerail_database::Disk> = Arc::new(Folder::new(copy.path()));
    verify(&Store::open(copy.path(), Mode::Read).unwrap().snapshot().unwrap(), format);
    assert_eq!(check(&disk, Level::Deep).unwrap(), []);
    let manifest = std::fs::read(copy.path().join("MANIFEST")).unwrap();
    let store = Store::open(copy.path(), Mode::Write).unwrap();
    verify(&store.snapshot().unwrap(), NEWEST);
    if format < NEWEST {
        let kept = copy.path().join(format!("MANIFEST.{format}"));
        assert_eq!(std::fs::read(kept).unwrap(), manifest);
    }
    verify(&Store::open(copy.path(), Mode::Read).unwrap().snapshot().unwrap(), NEWEST);
    let mut transaction = store.begin().unwrap();
    transaction.put(6, b"still", b"writable").unwrap();
    assert_eq!(transaction.commit().unwrap(), 9);
    drop(store);
    assert_eq!(check(&disk, Level::Deep).unwrap(), []);
    copy
}

/// A store of format 1, all log, reads back for readers; a writer upgrades it after a copy of
/// what that touches. It is sound before and after, and can be written on.
#[test]
fn format_1() {
    upgrade(1);
}

/// The same for a store of format 2, whose content is in runs.
#[test]
fn format_2() {
    upgrade(2);
}

/// The same for a store of format 3, whose runs have filters, though its files are as they would be
/// now: it has no frames of padding.
#[test]
fn format_3() {
    upgrade(3);
}

/// A store of the present format, with a picture in chunks that are aligned, opens as it is.
#[test]
fn format_4() {
    upgrade(4);
}
