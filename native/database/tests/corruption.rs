//! Damage on disk: every flipped bit and every cut file is either named or harmless, and never
//! yields other content than was stored.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, reason = "sizes in tests are small")]

#[path = "support/rows.rs"]
mod rows;
#[path = "support/mod.rs"]
mod support;

use std::sync::Arc;

use picturerail_database::{Access, Disk, Error, Level, Mode, Result, Store, check};
use rows::{Content, OPTIONS, STATE_TABLE, content, open, row};
use support::{Fault, Random, SimDisk};
use twox_hash::XxHash3_64;

/// A store of some sealed segments and an open one, closed by its writer.
fn sample() -> (SimDisk, Content) {
    let disk = SimDisk::new(Fault::None, 1);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let store = open(&shared).unwrap();
    let mut random = Random(5);
    for name in 0..6 {
        let mut writer = store.blob_writer().unwrap();
        let bytes: Vec<u8> = (0..900).map(|_| random.next() as u8).collect();
        writer.write(&bytes).unwrap();
        let mut transaction = store.begin().unwrap();
        let metadata = format!("{{\"caption\": \"{}\"}}", "sea ".repeat(40));
        transaction.insert(row(&format!("a/{name}.jpg"), &metadata), Some(writer)).unwrap();
        transaction.put(STATE_TABLE, &[name], &bytes[..200]).unwrap();
        transaction.commit().unwrap();
    }
    let mut transaction = store.begin().unwrap();
    transaction.delete(2, 9).unwrap();
    transaction.commit().unwrap();
    let expected = content(&store.snapshot().unwrap()).unwrap();
    drop(store);
    (disk, expected)
}

/// The log's files, in order.
fn logs(disk: &SimDisk) -> Vec<String> {
    disk.files().into_keys().filter(|name| name.strip_suffix(".log").is_some()).collect()
}

fn damaged(disk: &SimDisk, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Arc<dyn Disk> {
    let copy = disk.after_kill();
    copy.damage(name, change);
    Arc::new(copy)
}

fn read(disk: &Arc<dyn Disk>, mode: Mode) -> Result<Content> {
    let store = Store::open_on(Arc::clone(disk), mode, OPTIONS)?;
    content(&store.snapshot()?)
}

fn assert_told_or_harmless(disk: &Arc<dyn Disk>, expected: &Content, context: &str) -> bool {
    let problems = check(disk, Level::Deep);
    let mut told = problems.as_ref().is_ok_and(|problems| !problems.is_empty());
    told |= problems.is_err_and(|error| matches!(error, Error::Unsupported { .. }));
    for mode in [Mode::Read, Mode::Write] {
        match read(disk, mode) {
            Ok(found) => assert_eq!(found, *expected, "{context}: other content, {mode:?}"),
            Err(Error::Corrupt { .. } | Error::Unsupported { .. }) => {
                assert!(told, "{context}: {mode:?} refuses what the check passes");
            }
            Err(other) => panic!("{context}: {other}"),
        }
    }
    told
}

/// A flipped bit anywhere in any file is found by the deep check or changes nothing, and most
/// are found.
#[test]
fn flipped_bits_are_named() {
    let (disk, expected) = sample();
    let (mut told, mut all) = (0, 0);
    // The reserve holds nothing but room.
    for (name, bytes) in disk.files().into_iter().filter(|(name, _)| name != "RESERVE") {
        for offset in 0..bytes.len() {
            let bit = 1 << (offset % 8);
            let disk = damaged(&disk, &name, |bytes| bytes[offset] ^= bit);
            let context = format!("{name}, byte {offset}");
            told += usize::from(assert_told_or_harmless(&disk, &expected, &context));
            all += 1;
        }
    }
    // Harmless are lock, mark and padding alone.
    assert!(told * 100 > all * 95, "{told} of {all} flips were found");
}

/// Counts and space that a manifest states wrongly, though its checksum is right, are found by a
/// deep check, each of them.
#[test]
fn wrong_accounts_are_found() {
    let (disk, _) = sample();
    let store = open(&(Arc::new(disk.clone()) as Arc<dyn Disk>)).unwrap();
    store.checkpoint().unwrap();
    drop(store);
    let manifest = &disk.files()["MANIFEST"];
    let segments = u32::from_le_bytes(manifest[12..16].try_into().unwrap()) as usize;
    // Live, deleted, purged, removed, blobs, their bytes; versions; each segment's bytes in use.
    let counts = (96..144).step_by(8).chain([160]);
    let used: Vec<usize> = (0..segments).map(|index| 168 + 40 * index + 32).collect();
    let is_used = |at: &&usize| manifest[**at..**at + 8] != [0; 8];
    assert!(used.iter().filter(is_used).count() > 1, "pictures in several segments");
    for at in counts.chain(used) {
        let wrong = damaged(&disk, "MANIFEST", |bytes| {
            bytes[at] ^= 1;
            let end = bytes.len() - 8;
            let check = XxHash3_64::oneshot(&bytes[..end]);
            bytes[end..].copy_from_slice(&check.to_le_bytes());
        });
        assert_ne!(check(&wrong, Level::Deep).unwrap(), [], "the number at {at}");
    }
}

/// Anything done to any file, several bytes at once, pieces doubled, moved and cut out, is told
/// or harmless: no decoder panics, hangs, takes memory without end or believes it.
#[test]
fn mangled_files_are_told_or_harmless() {
    let (disk, expected) = sample();
    let files: Vec<(String, Vec<u8>)> = disk.files().into_iter().collect();
    for seed in 0..3_000 {
        let mut random = Random(seed);
        let (name, bytes) = &files[random.below(files.len() as u64) as usize];
        let length = bytes.len() as u64 + 1;
        let disk = damaged(&disk, name, |bytes| {
            for _ in 0..=random.below(4) {
                let at = random.below(length).min(bytes.len() as u64) as usize;
                let end = (at + 1 + random.below(40) as usize).min(bytes.len());
                match random.below(5) {
                    0 => bytes[at..end].fill(random.next() as u8),
                    1 => bytes[at..end].fill_with(|| random.next() as u8),
                    2 => drop(bytes.drain(at..end)),
                    3 => bytes.extend_from_within(at..end),
                    _ => {
                        let piece = bytes[at..end].to_vec();
                        let to = random.below(bytes.len() as u64 + 1) as usize;
                        bytes.splice(to..to, piece);
                    }
                }
            }
        });
        assert_told_or_harmless(&disk, &expected, &format!("seed {seed}, {name}"));
    }
}

/// A log cut anywhere below what its writer had made durable is damage, not a torn tail.
#[test]
fn cut_logs_are_named() {
    let (disk, expected) = sample();
    for (name, bytes) in disk.files() {
        if !logs(&disk).contains(&name) {
            continue;
        }
        for length in 0..bytes.len() {
            let disk = damaged(&disk, &name, |bytes| bytes.truncate(length));
            let context = format!("{name} cut to {length}");
            assert!(assert_told_or_harmless(&disk, &expected, &context), "{context}");
        }
    }
}

/// A bad frame before frames that were made later is damage even without the mark: the later
/// ones vouch that it had been durable. The error names the segment and the offset.
#[test]
fn later_frames_vouch_for_earlier_ones() {
    let (disk, _) = sample();
    let last = logs(&disk).pop().unwrap();
    let disk = damaged(&disk, &last, |bytes| bytes[64 + 20] ^= 1);
    disk.remove("DURABLE").unwrap();
    let error = read(&disk, Mode::Write).unwrap_err();
    let Error::Corrupt { file, offset, .. } = &error else { panic!("{error}") };
    assert!(file.ends_with(&last), "{error}");
    assert_eq!(*offset, 64, "{error}");
}

/// A missing segment, and a log without its manifest, are named; neither makes a new store.
#[test]
fn missing_files_are_named() {
    let (disk, expected) = sample();
    for name in disk.files().into_keys() {
        let copy: Arc<dyn Disk> = Arc::new(disk.after_kill());
        copy.remove(&name).unwrap();
        let outcome = Store::open_on(Arc::clone(&copy), Mode::Create, OPTIONS);
        match name.as_str() {
            "LOCK" | "DURABLE" | "RESERVE" => {
                assert_eq!(content(&outcome.unwrap().snapshot().unwrap()).unwrap(), expected);
            }
            _ => assert!(outcome.is_err(), "{name} is missing and nobody says so"),
        }
    }
}

/// Rubbish after the log's end, as a torn write leaves it, is passed over and never appended to;
/// a purge takes it away, since it may be what is purged.
#[test]
fn torn_tails_are_passed_over() {
    let (disk, expected) = sample();
    let last = logs(&disk).pop().unwrap();
    let disk = damaged(&disk, &last, |bytes| {
        bytes.extend_from_slice(b"PRf\x1a torn picture");
    });
    assert_eq!(read(&disk, Mode::Read).unwrap(), expected);
    let before = disk.list().unwrap().len();
    let store = Store::open_on(Arc::clone(&disk), Mode::Write, OPTIONS).unwrap();
    let mut transaction = store.begin().unwrap();
    transaction.put(STATE_TABLE, b"after", b"torn").unwrap();
    transaction.commit().unwrap();
    assert_eq!(disk.list().unwrap().len(), before + 1, "a new segment was begun");
    store.purge(&[1]).unwrap();
    for name in disk.list().unwrap() {
        let file = disk.open(&name, Access::Read).unwrap();
        let mut bytes = vec![0; file.length().unwrap() as usize];
        file.read_at(&mut bytes, 0).unwrap();
        assert!(!bytes.windows(12).any(|part| part == b"torn picture"), "{name}");
    }
    assert_eq!(check(&disk, Level::Deep).unwrap(), []);
}
