//! Pictures' bytes in place: mapped, and readable whatever becomes of the store.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/rows.rs"]
mod rows;
#[path = "support/mod.rs"]
mod support;

use std::path::Path;
use std::sync::Arc;

use picturerail_database::{
    BlobView, Disk, Error, Folder, Hash, Level, Mode, Options, Snapshot, Store, check,
};
use rows::{OPTIONS, row};
use support::{Fault, Random, SimDisk};

/// Chunks of a page, in segments of a few of them.
const PAGED: Options =
    Options { chunk_bytes: 4096, segment_bytes: 60 << 10, memory_bytes: 64 << 10, ..OPTIONS };

fn bytes(random: &mut Random, length: u64) -> Vec<u8> {
    (0..length).map(|_| random.next().to_le_bytes()[0]).collect()
}

/// Store several pictures in one transaction, their pieces between each other's.
fn add(store: &Store, random: &mut Random, contents: &[Vec<u8>]) -> Vec<(u64, Hash)> {
    let mut writers: Vec<_> = contents.iter().map(|_| store.blob_writer().unwrap()).collect();
    let mut at = vec![0; contents.len()];
    while at.iter().zip(contents).any(|(at, content)| *at < content.len()) {
        for (index, writer) in writers.iter_mut().enumerate() {
            let rest = &contents[index][at[index]..];
            let count = rest.len().min(usize::try_from(random.below(6_000)).unwrap());
            writer.write(&rest[..count]).unwrap();
            at[index] += count;
        }
    }
    let mut transaction = store.begin().unwrap();
    let mut added = Vec::new();
    for writer in writers {
        let (hash, _) = writer.digest();
        let path = format!("{}.jpg", random.next());
        added.push((transaction.insert(row(&path, "{}"), Some(writer)).unwrap(), hash));
    }
    transaction.commit().unwrap();
    added
}

fn view(snapshot: &Snapshot, hash: Hash) -> BlobView {
    snapshot.open_blob(hash).unwrap().view().unwrap()
}

/// Pictures of every length, in pieces that stand between each other's and in several segments,
/// are mapped whole; collecting moves them and they still are; and what was mapped before, also of
/// pictures that are gone since, reads on though its files have no names any more.
#[test]
fn views_are_mapped_and_outlive_everything() {
    for seed in 0..8 {
        println!("seed {seed}");
        let mut random = Random(seed);
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(Folder::new(folder.path()));
        let store = Store::open_on(Arc::clone(&disk), Mode::Create, PAGED).unwrap();
        let mut kept = Vec::new();
        let mut views = Vec::new();
        for round in 0..12_u64 {
            let lengths = [1, 4095, 4096, 4097, 8192, 30_000, random.below(100_000) + 1];
            let some = &lengths[..=usize::try_from(round).unwrap() % lengths.len()];
            let contents: Vec<_> = some.iter().map(|length| bytes(&mut random, *length)).collect();
            let added = add(&store, &mut random, &contents);
            let snapshot = store.snapshot().unwrap();
            for ((id, hash), content) in added.into_iter().zip(contents) {
                let view = view(&snapshot, hash);
                assert!(view.is_mapped(), "{} bytes", content.len());
                views.push((view, content.clone()));
                if random.below(2) == 0 {
                    store.purge(&[id]).unwrap();
                } else {
                    kept.push((hash, content));
                }
            }
            store.collect(0).unwrap();
        }
        let snapshot = store.snapshot().unwrap();
        for (hash, content) in &kept {
            let view = view(&snapshot, *hash);
            assert!(view.is_mapped(), "{} bytes, moved", content.len());
            views.push((view, content.clone()));
        }
        assert_eq!(check(&disk, Level::Deep).unwrap(), []);
        drop((snapshot, store, disk, folder));
        for (view, content) in views {
            assert_eq!(view.bytes(), content);
        }
    }
}

/// Where the disk cannot map, or pieces do not end where pages do, as in stores of older formats,
/// a view is a copy; a picture of one piece is mapped wherever that stands.
#[test]
fn what_cannot_be_mapped_is_copied() {
    let mut random = Random(1);
    let contents = [bytes(&mut random, 300), bytes(&mut random, 3_000)];
    let folder = tempfile::tempdir().unwrap();
    let disks: [Arc<dyn Disk>; 2] =
        [Arc::new(SimDisk::new(Fault::None, 1)), Arc::new(Folder::new(folder.path()))];
    for (disk, mapped) in disks.into_iter().zip([[false, false], [true, false]]) {
        let store = Store::open_on(disk, Mode::Create, OPTIONS).unwrap();
        let added = add(&store, &mut random, &contents);
        let snapshot = store.snapshot().unwrap();
        for (index, (_, hash)) in added.into_iter().enumerate() {
            let view = view(&snapshot, hash);
            assert_eq!(view.bytes(), contents[index]);
            assert_eq!(view.is_mapped(), mapped[index]);
        }
    }
}

fn flip(folder: &Path, content: &[u8]) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let mut file = std::fs::read(&path).unwrap();
        let found = file.windows(64).position(|window| *window == content[..64]);
        if let Some(at) = found {
            file[at + 70] ^= 1;
            std::fs::write(&path, file).unwrap();
            return;
        }
    }
    panic!("the bytes are in no file");
}

/// A view of damaged bytes is refused, by the first that asks and by all that follow.
#[test]
fn views_are_verified() {
    let mut random = Random(2);
    let content = bytes(&mut random, 9_000);
    for piece in [0, 4096] {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(Folder::new(folder.path()));
        let store = Store::open_on(disk, Mode::Create, PAGED).unwrap();
        let added = add(&store, &mut random, std::slice::from_ref(&content));
        flip(folder.path(), &content[piece..]);
        let snapshot = store.snapshot().unwrap();
        for _ in 0..2 {
            let error = snapshot.open_blob(added[0].1).unwrap().view().unwrap_err();
            assert!(matches!(error, Error::Corrupt { .. }), "{error}");
            let mut copy = vec![0; content.len()];
            let error = snapshot.read_blob(added[0].1, &mut copy).unwrap_err();
            assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        }
    }
}
