//! What opening and closing a store wait for, and where they begin to read.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/rows.rs"]
mod rows;
#[path = "support/seal.rs"]
mod seal;
#[path = "support/mod.rs"]
mod support;

use std::sync::Arc;

use picturerail_database::{Access, Disk, Error, Level, Mode, Options, Store, check};
use rows::{STATE_TABLE, content};
use support::{Fault, SimDisk};

fn open(disk: &SimDisk) -> Store {
    Store::open_on(Arc::new(disk.clone()), Mode::Create, Options::default()).unwrap()
}

fn commit(store: &Store, value: &[u8]) {
    let mut transaction = store.begin().unwrap();
    transaction.put(STATE_TABLE, b"key", value).unwrap();
    transaction.commit().unwrap();
}

/// Who opens a store that was closed well, reads and closes it changes nothing but the pid in
/// the lock, twice: no sync is waited for.
#[test]
fn who_only_reads_waits_for_no_disk() {
    let disk = SimDisk::new(Fault::None, 1);
    commit(&open(&disk), b"1");
    let before = (disk.calls(), disk.files());
    let store = open(&disk);
    let shown = content(&store.snapshot().unwrap()).unwrap();
    assert_eq!(shown.records[&b"key"[..]], b"1");
    drop(store);
    assert_eq!(disk.calls() - before.0, 2);
    assert_eq!(disk.files(), before.1, "the pid is taken away again");
}

/// The mark that a killed writer left in memory alone is durable once the next one has closed,
/// also where that wrote nothing.
#[test]
fn a_killed_writers_mark_is_made_durable() {
    for seed in 0..20 {
        let disk = SimDisk::new(Fault::None, seed);
        let store = open(&disk);
        commit(&store, b"1");
        let killed = disk.after_kill();
        drop(open(&killed));
        let mark = &killed.files()["DURABLE"];
        assert_eq!(*mark, disk.files()["DURABLE"]);
        let cut = killed.after_power_cut(Fault::None);
        assert_eq!(cut.files()["DURABLE"], *mark, "seed {seed}");
    }
}

/// Of the last segment only what the runs do not hold is read: damage before that is left to who
/// reads it and to checks, damage behind it and a file that ends before it are told.
#[test]
fn the_last_segment_is_read_from_the_checkpoint_on() {
    let disk = SimDisk::new(Fault::None, 1);
    let store = open(&disk);
    commit(&store, b"1");
    store.checkpoint().unwrap();
    let is_log = |bytes: &[u8]| bytes.starts_with(b"PRDBseg");
    let (log, bytes) = disk.files().into_iter().find(|(_, bytes)| is_log(bytes)).unwrap();
    commit(&store, b"2");
    drop(store);
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let other = disk.after_kill();
        other.damage(&log, change);
        other
    };
    let early = damaged(&|bytes| bytes[70] ^= 1);
    let store = open(&early);
    assert_eq!(content(&store.snapshot().unwrap()).unwrap().records[&b"key"[..]], b"2");
    commit(&store, b"3");
    drop(store);
    let shared: Arc<dyn Disk> = Arc::new(early);
    assert!(check(&shared, Level::Quick).unwrap().is_empty());
    assert!(!check(&shared, Level::Full).unwrap().is_empty());

    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let opens = |disk: SimDisk| Store::open_on(Arc::new(disk), Mode::Write, Options::default());
    for change in [&|bytes: &mut Vec<u8>| bytes[end + 30] ^= 1, &|bytes: &mut Vec<u8>| {
        bytes.truncate(end - 8);
    }] as [&dyn Fn(&mut Vec<u8>); 2]
    {
        let error = opens(damaged(change)).unwrap_err().to_string();
        assert!(error.contains(&log), "{error}");
    }
}

/// On a network file system a store is neither opened nor made: the refusal names it and says why,
/// and nothing was written. Who forces it gets it, in every mode.
#[test]
fn a_network_file_system_is_refused_unless_forced() {
    let disk = SimDisk::new(Fault::None, 1);
    disk.lie_on("NFS");
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let open = |mode, force| {
        let options = Options { force, ..Options::default() };
        Store::open_on(Arc::clone(&shared), mode, options)
    };
    let refuse = |mode| match open(mode, false) {
        Err(Error::Invalid(why)) => {
            for part in ["sim lies on a network file system (NFS)", "locks and syncs", "force it"] {
                assert!(why.contains(part), "{why}");
            }
        }
        other => panic!("{mode:?}: {other:?}"),
    };
    refuse(Mode::Create);
    assert_eq!((disk.calls(), disk.files().len()), (0, 0));
    commit(&open(Mode::Create, true).unwrap(), b"1");
    for mode in [Mode::Read, Mode::Write, Mode::Create] {
        let before = (disk.calls(), disk.files());
        refuse(mode);
        assert_eq!((disk.calls(), disk.files()), before);
        let store = open(mode, true).unwrap();
        assert_eq!(content(&store.snapshot().unwrap()).unwrap().records[&b"key"[..]], b"1");
    }
}

/// What comes of opening a copy of a disk for reading, for writing, and with leave to make a store:
/// the value that was committed last, or the kind of error.
fn outcomes(disk: &SimDisk) -> [String; 3] {
    [Mode::Read, Mode::Write, Mode::Create].map(|mode| {
        let copy: Arc<dyn Disk> = Arc::new(disk.after_kill());
        match Store::open_on(copy, mode, Options::default()) {
            Ok(store) => {
                let records = content(&store.snapshot().unwrap()).unwrap().records;
                let value = records.get(&b"key"[..]).cloned().unwrap_or_else(|| b"new".to_vec());
                String::from_utf8(value).unwrap()
            }
            Err(Error::NotFound(_)) => "not found".to_owned(),
            Err(Error::Corrupt { .. }) => "corrupt".to_owned(),
            Err(Error::Unsupported { .. }) => "unsupported".to_owned(),
            Err(Error::Io { action, .. }) => action.split('/').next_back().unwrap().to_owned(),
            Err(other) => panic!("{other}"),
        }
    })
}

/// A disk that `change` was done to.
fn changed(disk: &SimDisk, change: impl FnOnce(&SimDisk)) -> SimDisk {
    let copy = disk.after_kill();
    change(&copy);
    copy
}

/// Every state of the folder has the one outcome for each way of opening that FORMAT.md's table
/// says. Older formats, purges cut short, locks and network file systems have tests of their own.
#[test]
fn every_state_has_its_outcome() {
    let disk = SimDisk::new(Fault::None, 1);
    let store = open(&disk);
    for value in [&b"1"[..], b"2"] {
        commit(&store, value);
        store.checkpoint().unwrap();
        commit(&store, value);
    }
    commit(&store, b"last");
    drop(store);
    let files = disk.files();
    let kind = |ending| files.keys().find(|name| name.strip_suffix(ending).is_some());
    let [log, run] = [".log", ".run"].map(|ending| kind(ending).unwrap().clone());
    let frames = seal::frames(&files[&log]);
    let [first, last] = [frames[0].0, frames[frames.len() - 1].0];
    let damage = |name: &str, at: usize| changed(&disk, |disk| disk.damage(name, |b| b[at] ^= 1));
    let without = |name: &str| changed(&disk, |disk| disk.remove(name).unwrap());
    let only = |kept: &str| {
        changed(&disk, |disk| {
            for name in files.keys().filter(|name| *name != kept) {
                disk.remove(name).unwrap();
            }
        })
    };
    let prepared = changed(&only("MANIFEST"), |disk| {
        disk.rename("MANIFEST", "MANIFEST.new").unwrap();
    });
    let newer = changed(&disk, |disk| {
        disk.damage("MANIFEST", |bytes| {
            bytes[8] = 99;
            seal::seal(bytes);
        });
    });
    // The mark, too, says only what is before: the last frame was never known to be durable.
    let torn = changed(&disk, |disk| {
        disk.remove("DURABLE").unwrap();
        disk.damage(&log, |bytes| bytes[last + 70] ^= 1);
    });
    let blanks = changed(&disk, |disk| disk.damage(&log, |bytes| bytes.extend([0; 4096])));
    let strays = changed(&disk, |disk| {
        for name in ["00000099-0000.log", "01-00000099.run", "MANIFEST.new", "SPARE"] {
            disk.open(name, Access::Create).unwrap();
        }
    });
    let all = |outcome: &str| [outcome; 3].map(str::to_owned);
    let states = [
        (
            "nothing",
            SimDisk::new(Fault::None, 1),
            ["not found", "not found", "new"].map(String::from),
        ),
        (
            "a manifest that was prepared",
            prepared,
            ["not found", "not found", "new"].map(String::from),
        ),
        ("a segment alone", only(&log), all("corrupt")),
        ("a run alone", only(&run), all("corrupt")),
        ("a newer format", newer, all("unsupported")),
        ("a manifest with a wrong checksum", damage("MANIFEST", 40), all("corrupt")),
        ("a segment is missing", without(&log), all(&log)),
        ("a run is missing", without(&run), all(&run)),
        ("a foreign segment", damage(&log, 20), all("corrupt")),
        ("a foreign run", damage(&run, 20), all("corrupt")),
        ("a bad frame before the checkpoint", damage(&log, first + 70), all("last")),
        ("a frame that had been durable", damage(&log, last + 70), all("corrupt")),
        ("as it was left", disk.after_kill(), all("last")),
        ("zeros behind the end", blanks, all("last")),
        ("a torn tail", torn, all("2")),
        ("files that nothing names", changed(&strays, |_| ()), all("last")),
    ];
    for (state, disk, expected) in states {
        assert_eq!(outcomes(&disk), expected, "{state}");
    }
    drop(Store::open_on(Arc::new(strays.clone()), Mode::Read, Options::default()).unwrap());
    assert_eq!(strays.files().len(), files.len() + 4, "a reader leaves them");
    drop(Store::open_on(Arc::new(strays.clone()), Mode::Write, Options::default()).unwrap());
    assert_eq!(strays.files().len(), files.len(), "a writer removes them");
}
