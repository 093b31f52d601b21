//! Files whose checksums are right and whose content is wrong, as a defect of memory or of this
//! library would write them: no decoder panics, hangs or takes memory without end.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, reason = "sizes in tests are small")]

#[path = "support/rows.rs"]
mod rows;
#[path = "support/seal.rs"]
mod seal;
#[path = "support/mod.rs"]
mod support;

use std::sync::Arc;

use picturerail_database::{
    Disk, Entry, Files, Level, Mode, Result, Row, Rows, Snapshot, Store, backup, check, salvage,
};
use rows::{OPTIONS, STATE_TABLE, open, row};
use seal::{RunParts, frames, seal, seal_frame};
use support::{Fault, Random, SimDisk};

/// More entries than any sound store of these tests has.
const PLENTY: usize = 500;

/// A store of every tree, with runs that have tombstones and a dictionary, and a log behind them.
fn sample() -> SimDisk {
    let disk = SimDisk::new(Fault::None, 1);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let store = open(&shared).unwrap();
    let mut random = Random(5);
    for round in 0..3_u8 {
        for name in 0..20_u8 {
            let bytes: Vec<u8> = (0..300).map(|_| random.next() as u8).collect();
            let mut transaction = store.begin().unwrap();
            let metadata = format!("{{\"caption\": \"{} {name}\"}}", "sea ".repeat(20));
            let mut new = row(&format!("a/{round}/{name}.jpg"), &metadata);
            new.content_hash = transaction.add_bytes(&bytes).unwrap();
            new.has_data = true;
            transaction.insert(new, None).unwrap();
            transaction.put(STATE_TABLE, &[round, name], &bytes[..50]).unwrap();
            transaction.commit().unwrap();
        }
        let mut transaction = store.begin().unwrap();
        transaction.delete(2 + u64::from(round), 9).unwrap();
        transaction.remove(STATE_TABLE, &[round, 3]).unwrap();
        let mut new = row("a/new.jpg", "{}");
        new.content_hash = transaction.add_bytes(&[round; 40]).unwrap();
        new.has_data = true;
        transaction.update(10, new, 0, None).unwrap();
        transaction.commit().unwrap();
        store.purge(&[15 + u64::from(round)]).unwrap();
        if round < 2 {
            store.checkpoint().unwrap();
        }
    }
    drop(store);
    disk
}

fn read_row(snapshot: &Snapshot, row: &Row) -> Result<()> {
    row.metadata()?;
    snapshot.get(row.id)?;
    snapshot.find_path(row.root, &row.path)?;
    snapshot.find_filename(&row.filename).take(9).for_each(drop);
    snapshot.find_content(row.content_hash, Rows::ALL).take(9).for_each(drop);
    let mut buffer = [0; 1 << 12];
    let mut blob = snapshot.open_blob(row.content_hash)?;
    blob.read(0, &mut buffer)?;
    blob.read(blob.length() / 2, &mut buffer)?;
    blob.view()?;
    snapshot.get_packed(row.id, &mut buffer)?;
    Ok(())
}

/// Read all that can be read, in every way.
fn read(snapshot: &Snapshot) {
    let changes = snapshot.changes(0).into_iter().flatten();
    let records = snapshot.records(STATE_TABLE, b"").into_iter().flatten();
    let all = snapshot.images(0, Rows::ALL).chain(snapshot.versions(None));
    for entry in
        all.chain(snapshot.images_below(1, b"a")).chain(changes).chain(records).take(PLENTY)
    {
        if let Ok(Entry::Image(row)) = entry {
            _ = read_row(snapshot, &row);
        }
    }
    for id in 0..70 {
        _ = snapshot.get(id);
    }
}

/// Change what can be changed; whatever fails is passed over.
fn write(store: &Store) -> Result<()> {
    for id in [1, 10, 40] {
        let mut transaction = store.begin()?;
        transaction.put(STATE_TABLE, &[9], b"value")?;
        let mut new = row(&format!("a/other{id}.jpg"), "{}");
        new.content_hash = transaction.add_bytes(b"other bytes")?;
        new.has_data = true;
        _ = transaction.update(id, new.clone(), 0, None);
        _ = transaction.delete(id + 1, 10);
        _ = transaction.insert(new, None);
        _ = transaction.commit();
        _ = store.purge(&[id + 2]);
    }
    store.checkpoint()?;
    store.collect(20)?;
    Ok(())
}

/// Do with a store all that one can; nothing but errors may come of it.
fn exercise(sim: &SimDisk) {
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    for level in [Level::Quick, Level::Full, Level::Deep] {
        _ = check(&disk, level);
    }
    let target: Arc<dyn Disk> = Arc::new(SimDisk::new(Fault::None, 2));
    _ = salvage(&disk, target, b"{}");
    for mode in [Mode::Read, Mode::Write] {
        let Ok(store) = Store::open_on(Arc::clone(&disk), mode, OPTIONS) else { continue };
        if let Ok(snapshot) = store.snapshot() {
            read(&snapshot);
            _ = backup(&snapshot, &SimDisk::new(Fault::None, 3), Files::Copied);
        }
        if mode == Mode::Write {
            _ = write(&store);
            if let Ok(snapshot) = store.snapshot() {
                read(&snapshot);
            }
        }
    }
}

/// Change some bytes; where `grows`, also put some in, double or cut some out.
fn mangle(random: &mut Random, bytes: &mut Vec<u8>, grows: bool) {
    for _ in 0..=random.below(3) {
        let length = bytes.len() as u64;
        if length == 0 {
            return;
        }
        // What comes first tells of what follows.
        let at =
            if random.below(2) == 0 { random.below(length) } else { random.below(length.min(48)) };
        let at = at as usize;
        let end = (at + 1 + random.below(12) as usize).min(bytes.len());
        match random.below(if grows { 7 } else { 4 }) {
            0 => bytes[at] = bytes[at].wrapping_add(1),
            1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at..end].fill([0, 0x7f, 0x80, 0xff][random.below(4) as usize]),
            3 => bytes[at..end].fill_with(|| random.next() as u8),
            4 => drop(bytes.drain(at..end)),
            5 => bytes.extend_from_within(at..end),
            _ => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
}

/// Seeds of as many cases as `SEALED_CASES` says.
fn seeds(from: u64) -> impl Iterator<Item = (u64, Random)> {
    let cases = std::env::var("SEALED_CASES").map_or(150, |cases| cases.parse().unwrap());
    println!("seeds {from} to {}", from + cases);
    (from..from + cases).map(|seed| (seed, Random(seed)))
}

fn names(disk: &SimDisk, ending: &str) -> Vec<String> {
    disk.files().into_keys().filter(|name| name.ends_with(ending)).collect()
}

/// Taken apart and put together unchanged, but for its columns' compression, every run says what it
/// said: what follows changes what it means to.
#[test]
fn what_is_sealed_anew_is_sound() {
    let disk = sample();
    let files = disk.files();
    let mut manifest = files["MANIFEST"].clone();
    for name in names(&disk, ".run") {
        let parts = RunParts::of(&files[&name]);
        let file = parts.assemble();
        parts.enter(&mut manifest, file.len());
        disk.damage(&name, |bytes| *bytes = file);
    }
    disk.damage("MANIFEST", |bytes| *bytes = manifest);
    for name in names(&disk, ".log") {
        disk.damage(&name, |bytes| {
            for (at, _) in frames(&bytes.clone()) {
                seal_frame(bytes, at);
            }
        });
    }
    assert_eq!(check(&(Arc::new(disk) as Arc<dyn Disk>), Level::Deep).unwrap(), []);
}

/// Every part of a run, sealed with anything in it, is refused or read as something.
#[test]
fn runs_may_hold_anything() {
    let disk = sample();
    let files = disk.files();
    let names = names(&disk, ".run");
    for (seed, mut random) in seeds(10_000) {
        let name = &names[random.below(names.len() as u64) as usize];
        let mut parts = RunParts::of(&files[name]);
        let block = random.below(parts.blocks.len() as u64) as usize;
        let block = &mut parts.blocks[block];
        match random.below(8) {
            0 => mangle(&mut random, &mut parts.dictionary, true),
            1 => mangle(&mut random, &mut parts.keys, true),
            2 => mangle(&mut random, &mut parts.filter, true),
            3 => block.entries = block.entries.wrapping_add(random.below(3) as u32).wrapping_sub(1),
            4 => mangle(&mut random, &mut block.heavy, true),
            _ => mangle(&mut random, &mut block.light, true),
        }
        let file = parts.assemble();
        let wrong = disk.after_kill();
        wrong.damage("MANIFEST", |bytes| parts.enter(bytes, file.len()));
        wrong.damage(name, |bytes| *bytes = file);
        survive(&wrong, &format!("seed {seed}, {name}"));
    }
}

/// Every frame of the log, its header and its payload, sealed with anything in it, is refused or
/// read as something.
#[test]
fn frames_may_hold_anything() {
    let disk = sample();
    let files = disk.files();
    let names = names(&disk, ".log");
    for (seed, mut random) in seeds(20_000) {
        let name = &names[random.below(names.len() as u64) as usize];
        let wrong = disk.after_kill();
        let frames = frames(&files[name]);
        if frames.is_empty() {
            continue;
        }
        wrong.damage(name, |bytes| {
            let (at, length) = frames[random.below(frames.len() as u64) as usize];
            let range =
                if random.below(4) == 0 { at + 5..at + 48 } else { at + 64..at + 64 + length };
            let mut part = bytes[range.clone()].to_vec();
            mangle(&mut random, &mut part, false);
            bytes[range].copy_from_slice(&part);
            if at + 64 + seal::u32_at(bytes, at + 40) as usize <= bytes.len() {
                seal_frame(bytes, at);
            } else {
                seal(&mut bytes[at..at + 64]);
            }
        });
        survive(&wrong, &format!("seed {seed}, {name}"));
    }
}

/// A manifest, sealed with anything in it, is refused or read as something.
#[test]
fn manifests_may_hold_anything() {
    let disk = sample();
    for (seed, mut random) in seeds(30_000) {
        let wrong = disk.after_kill();
        let grows = random.below(4) == 0;
        wrong.damage("MANIFEST", |bytes| {
            // Its name and version stay; half the time only what it counts is changed.
            let from = if random.below(2) == 0 { 12 } else { 168 };
            let end = bytes.len() - 8;
            let mut part = bytes[from..end].to_vec();
            mangle(&mut random, &mut part, grows);
            bytes.splice(from..end, part);
            seal(bytes);
        });
        survive(&wrong, &format!("seed {seed}"));
    }
}

/// [`exercise`]; a panic says where it came from.
fn survive(disk: &SimDisk, context: &str) {
    let outcome = std::panic::catch_unwind(|| exercise(disk));
    assert!(outcome.is_ok(), "{context}: it panicked");
}
