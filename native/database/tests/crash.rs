//! Power cuts, kills and failing calls at every point of a run: what was acknowledged is there,
//! what was not is there wholly or not at all, and opening again changes nothing more.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, reason = "sizes in tests are small")]

#[path = "support/rows.rs"]
mod rows;
#[path = "support/mod.rs"]
mod support;

use std::io::ErrorKind;
use std::sync::Arc;

use picturerail_database::{Disk, Error, Level, NewRow, Result, Store, Transaction, check};
use rows::{Content, STATE_TABLE, content, open, row};
use support::{Fault, Random, SimDisk};

/// What a run has come to: the content after the last acknowledged step, and what it would be
/// after the step that was under way.
#[derive(Clone, Debug, Default)]
struct Expected {
    acknowledged: Content,
    attempted: Content,
    /// The step that was under way purges these.
    purging: bool,
}

/// One step of a run.
#[derive(Clone, Debug)]
enum Step {
    Add { name: u64, bytes: usize },
    Change { id: u64, metadata: usize },
    Replace { id: u64, bytes: usize },
    Delete { id: u64 },
    Undelete { id: u64 },
    Put { key: u64, value: usize },
    Purge { id: u64 },
    Collect,
    Checkpoint,
    Reopen,
}

fn bytes_of(name: u64, length: usize) -> Vec<u8> {
    let mut random = Random(name);
    (0..length).map(|_| random.next() as u8).collect()
}

/// Insert a row; its bytes come whole or in pieces, by turns.
fn insert(
    store: &Store,
    transaction: &mut Transaction,
    mut row: NewRow,
    data: &[u8],
) -> Result<u64> {
    if data.first().is_some_and(|byte| byte % 2 == 0) {
        row.content_hash = transaction.add_bytes(data)?;
        row.has_data = true;
        return transaction.insert(row, None);
    }
    let mut writer = store.blob_writer()?;
    writer.write(data)?;
    transaction.insert(row, Some(writer))
}

/// Take a step on the store and in the expectation.
fn take(
    store: &mut Option<Store>,
    disk: &Arc<dyn Disk>,
    step: &Step,
    expected: &mut Expected,
) -> Result<()> {
    expected.attempted = expected.acknowledged.clone();
    expected.purging = false;
    let target = &mut expected.attempted;
    if matches!(step, Step::Reopen) || store.is_none() {
        *store = None;
        *store = Some(open(disk)?);
    }
    let store = store.as_ref().unwrap();
    match step {
        Step::Add { name, bytes } => {
            let data = bytes_of(*name, *bytes);
            let path = format!("album/{name}.jpg");
            let mut transaction = store.begin()?;
            let id = insert(store, &mut transaction, row(&path, "{}"), &data)?;
            let last = name.to_be_bytes().to_vec();
            transaction.put(STATE_TABLE, b"last", &last)?;
            target.rows.insert(id, (path, "{}".to_owned(), data, true));
            target.records.insert(b"last".to_vec(), last);
            transaction.commit()?;
        }
        Step::Change { id, metadata } => {
            let Some(held) = target.rows.get_mut(id).filter(|held| held.3) else {
                return Ok(());
            };
            held.1 = format!("{{\"caption\": \"{}\"}}", "x".repeat(*metadata));
            let mut changed = row(&held.0, &held.1);
            changed.content_hash = *blake3::hash(&held.2).as_bytes();
            changed.has_data = true;
            let mut transaction = store.begin()?;
            transaction.update(*id, changed, 0, None)?;
            transaction.commit()?;
        }
        Step::Replace { id, bytes } => {
            let Some(held) = target.rows.get_mut(id).filter(|held| held.3) else {
                return Ok(());
            };
            let data = bytes_of(2_000 + *bytes as u64, *bytes);
            if data == held.2 {
                return Ok(());
            }
            let old = std::mem::replace(&mut held.2, data.clone());
            let replacing = row(&held.0, &held.1);
            target.versions.push((*id, held.0.clone(), old));
            target.versions.sort_by_key(|(id, ..)| *id);
            let mut writer = store.blob_writer()?;
            writer.write(&data)?;
            let mut transaction = store.begin()?;
            transaction.update(*id, replacing, 0, Some(writer))?;
            transaction.commit()?;
        }
        Step::Delete { id } => {
            let Some(held) = target.rows.get_mut(id).filter(|held| held.3) else {
                return Ok(());
            };
            held.3 = false;
            let mut transaction = store.begin()?;
            transaction.delete(*id, 500)?;
            transaction.commit()?;
        }
        Step::Undelete { id } => {
            let Some(held) = target.rows.get_mut(id).filter(|held| !held.3) else {
                return Ok(());
            };
            held.3 = true;
            let mut revived = row(&held.0, &held.1);
            revived.content_hash = *blake3::hash(&held.2).as_bytes();
            revived.has_data = true;
            let mut transaction = store.begin()?;
            transaction.update(*id, revived, 0, None)?;
            transaction.commit()?;
        }
        Step::Put { key, value } => {
            let (key, value) = (key.to_be_bytes().to_vec(), bytes_of(1_000 + *key, *value));
            let mut transaction = store.begin()?;
            transaction.put(STATE_TABLE, &key, &value)?;
            target.records.insert(key, value);
            transaction.commit()?;
        }
        Step::Purge { id } => {
            if target.rows.remove(id).is_none() {
                return Ok(());
            }
            expected.purging = true;
            target.versions.retain(|(owner, ..)| owner != id);
            store.purge(&[*id])?;
        }
        Step::Collect => {
            target.rows.retain(|_, held| held.3);
            let Content { rows, versions, .. } = target;
            versions.retain(|(id, ..)| rows.contains_key(id));
            store.collect(501)?;
        }
        Step::Checkpoint => store.checkpoint()?,
        Step::Reopen => {}
    }
    expected.acknowledged = expected.attempted.clone();
    Ok(())
}

fn script() -> Vec<Step> {
    vec![
        Step::Add { name: 1, bytes: 700 },
        Step::Add { name: 2, bytes: 3000 },
        Step::Put { key: 1, value: 600 },
        Step::Change { id: 1, metadata: 300 },
        Step::Replace { id: 1, bytes: 900 },
        Step::Delete { id: 2 },
        Step::Checkpoint,
        Step::Add { name: 3, bytes: 5000 },
        Step::Undelete { id: 2 },
        Step::Reopen,
        Step::Purge { id: 1 },
        Step::Checkpoint,
        Step::Add { name: 4, bytes: 10 },
        Step::Delete { id: 3 },
        Step::Replace { id: 2, bytes: 400 },
        Step::Collect,
        Step::Change { id: 2, metadata: 100 },
    ]
}

fn random_script(random: &mut Random) -> Vec<Step> {
    let mut steps = Vec::new();
    for name in 0..14 {
        let id = 1 + random.below(8);
        steps.push(match random.below(11) {
            10 => Step::Replace { id, bytes: random.below(3000) as usize },
            0..4 => Step::Add { name, bytes: random.below(6000) as usize },
            4 => Step::Change { id, metadata: random.below(900) as usize },
            5 => Step::Delete { id },
            6 => Step::Undelete { id },
            7 => Step::Put { key: id, value: random.below(900) as usize },
            8 => Step::Purge { id },
            _ => match random.below(4) {
                0 => Step::Collect,
                1 => Step::Reopen,
                _ => Step::Checkpoint,
            },
        });
    }
    steps
}

/// Run the script until something fails; return what must be there.
fn run(disk: &SimDisk, steps: &[Step]) -> (Expected, Option<Error>) {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let mut store = None;
    let mut expected = Expected::default();
    for step in steps {
        if let Err(error) = take(&mut store, &disk, step, &mut expected) {
            return (expected, Some(error));
        }
    }
    (expected, None)
}

/// Open what a crash left and compare; `context` says how to see it again.
fn verify(disk: &SimDisk, expected: &Expected, context: &str) {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let store = open(&shared).unwrap_or_else(|error| panic!("{context}: {error}"));
    let found = content(&store.snapshot().unwrap()).unwrap();
    let is = |content: &Content| found == *content;
    assert!(
        is(&expected.acknowledged) || is(&expected.attempted),
        "{context}: rows {:?}, acknowledged {:?}, attempted {:?}",
        found.rows.keys(),
        expected.acknowledged.rows.keys(),
        expected.attempted.rows.keys()
    );
    if expected.purging && is(&expected.attempted) {
        // The purge has happened, so nothing of it may be left once the store is open.
        for (id, held) in &expected.acknowledged.rows {
            if !expected.attempted.rows.contains_key(id) {
                assert_absent(disk, held.0.as_bytes(), context);
                assert_absent(disk, &held.2, context);
            }
        }
        for version in &expected.acknowledged.versions {
            if !expected.attempted.rows.contains_key(&version.0) {
                assert_absent(disk, &version.2, context);
            }
        }
    }
    drop(store);
    let again = open(&shared).unwrap_or_else(|error| panic!("{context}, again: {error}"));
    assert_eq!(content(&again.snapshot().unwrap()).unwrap(), found, "{context}: opened again");
    drop(again);
    assert_eq!(check(&shared, Level::Deep).unwrap(), [], "{context}");
}

fn assert_absent(disk: &SimDisk, bytes: &[u8], context: &str) {
    // No longer than a chunk, as these stand apart.
    for piece in bytes.chunks(1024).filter(|piece| piece.len() > 8) {
        for (name, content) in disk.files() {
            let holds = content.windows(piece.len()).any(|part| part == piece);
            assert!(!holds, "{context}: {name} still holds purged bytes");
        }
    }
}

/// What an acknowledged purge removed stays away when the power is cut at once: nobody has to open
/// the store for that.
#[test]
fn purged_bytes_do_not_come_back() {
    for seed in 0..20 {
        let disk = SimDisk::new(Fault::None, seed);
        let steps = [
            Step::Add { name: 1, bytes: 900 },
            Step::Add { name: 2, bytes: 900 },
            Step::Checkpoint,
            Step::Purge { id: 1 },
        ];
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let (mut store, mut expected) = (None, Expected::default());
        for step in &steps {
            take(&mut store, &shared, step, &mut expected).unwrap();
        }
        let left = disk.after_power_cut(Fault::None);
        let context = format!("seed {seed}, power cut after the purge");
        assert_absent(&left, &bytes_of(1, 900), &context);
        assert_absent(&left, b"album/1.jpg", &context);
    }
}

/// Cut the power at every call of a run, with three outcomes each; return the number of cases.
fn cut_everywhere(steps: &[Step], seed: u64) -> u64 {
    let whole = SimDisk::new(Fault::None, seed);
    let (_, error) = run(&whole, steps);
    assert!(error.is_none(), "seed {seed}: {error:?}");
    for at in 0..whole.calls() {
        let disk = SimDisk::new(Fault::PowerCut(at), seed + at);
        let (expected, _) = run(&disk, steps);
        for outcome in 0..3 {
            let context = format!("seed {seed}, power cut at call {at}, outcome {outcome}");
            verify(&disk.after_power_cut(Fault::None), &expected, &context);
        }
    }
    whole.calls() * 3
}

/// After a power cut at any call of a run that uses everything, the store opens with all that
/// was acknowledged.
#[test]
fn power_cut_at_every_call() {
    cut_everywhere(&script(), 1);
}

/// The same with runs nobody thought of.
#[test]
fn power_cut_in_random_runs() {
    let mut cases = 0;
    for seed in 100..140 {
        println!("seed {seed}");
        cases += cut_everywhere(&random_script(&mut Random(seed)), seed);
    }
    assert!(cases >= 10_000, "only {cases} cases");
}

/// A second power cut, while the store recovers from the first, loses nothing either.
#[test]
fn power_cut_during_recovery() {
    let steps = script();
    let whole = SimDisk::new(Fault::None, 7);
    run(&whole, &steps);
    for at in (0..whole.calls()).step_by(3) {
        let disk = SimDisk::new(Fault::PowerCut(at), 7 + at);
        let (expected, _) = run(&disk, &steps);
        for second in 0..12 {
            let recovering = disk.after_power_cut(Fault::PowerCut(second));
            let shared: Arc<dyn Disk> = Arc::new(recovering.clone());
            drop(open(&shared));
            let context = format!("cut at call {at}, then at {second} of the recovery");
            verify(&recovering.after_power_cut(Fault::None), &expected, &context);
        }
    }
}

/// Open what a killed process left, then cut the power: what the opening showed stays, and so does
/// what is committed on top of it.
fn verify_shown_is_durable(killed: &SimDisk, context: &str) {
    for commits in [false, true] {
        let shared: Arc<dyn Disk> = Arc::new(killed.clone());
        let store = open(&shared).unwrap_or_else(|error| panic!("{context}, killed: {error}"));
        if commits {
            let mut transaction = store.begin().unwrap();
            transaction.put(6, b"after the kill", b"1").unwrap();
            transaction.commit().unwrap_or_else(|error| panic!("{context}, commit: {error}"));
        }
        let shown = content(&store.snapshot().unwrap()).unwrap();
        for outcome in 0..3 {
            let what = if commits { "committed" } else { "opened" };
            let context = format!("{context}, killed, {what}, power cut, outcome {outcome}");
            let shared: Arc<dyn Disk> = Arc::new(killed.after_power_cut(Fault::None));
            let store = open(&shared).unwrap_or_else(|error| panic!("{context}: {error}"));
            assert_eq!(content(&store.snapshot().unwrap()).unwrap(), shown, "{context}");
        }
    }
}

/// What a store shows after its writer was killed, with its last writes in memory alone or lost
/// by a failed sync, survives a power cut: nobody acts on what may still vanish.
#[test]
fn recovered_state_is_durable() {
    let steps = script();
    let whole = SimDisk::new(Fault::None, 11);
    run(&whole, &steps);
    for at in 0..whole.calls() {
        for fault in [Fault::PowerCut(at), Fault::Fail(at, ErrorKind::Other)] {
            let disk = SimDisk::new(fault, 11 + at);
            run(&disk, &steps);
            verify_shown_is_durable(&disk.after_kill(), &format!("{fault:?}"));
        }
    }
}

/// When any single call fails the caller is told, later writes are refused unless the disk was
/// only full, and all that was acknowledged is there after a kill or a power cut.
#[test]
fn failing_call_anywhere() {
    let steps = script();
    let whole = SimDisk::new(Fault::None, 3);
    run(&whole, &steps);
    let mut told = 0;
    for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
        for at in 0..whole.calls() {
            let disk = SimDisk::new(Fault::Fail(at, kind), 3 + at);
            let (expected, error) = run(&disk, &steps);
            let context = format!("call {at} fails with {kind}");
            if let Some(error) = error {
                told += 1;
                assert!(
                    matches!(
                        error,
                        Error::Io { .. }
                            | Error::Full { .. }
                            | Error::Poisoned(_)
                            | Error::OutcomeUnknown(_)
                    ),
                    "{context}: {error}"
                );
            }
            verify(&disk.after_kill(), &expected, &context);
            verify(&disk.after_power_cut(Fault::None), &expected, &context);
        }
    }
    assert!(told > 50, "only {told} failures were told");
}

/// When a disk fails for good at any call of a run, or is full from then on, what was
/// acknowledged is there once it works again.
#[test]
fn failing_for_ever_from_anywhere() {
    let steps = script();
    let whole = SimDisk::new(Fault::None, 5);
    run(&whole, &steps);
    for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
        for at in 0..whole.calls() {
            let disk = SimDisk::new(Fault::FailFrom(at, kind), 5 + at);
            let (expected, error) = run(&disk, &steps);
            let context = format!("all calls from {at} on fail with {kind}");
            // Only what closing does may fail untold.
            assert!(error.is_some() || at + 8 > whole.calls(), "{context}: nobody was told");
            verify(&disk.after_kill(), &expected, &context);
            verify(&disk.after_power_cut(Fault::None), &expected, &context);
        }
    }
}

/// A call that fails while a store recovers from a kill or a power cut loses nothing: the next
/// opening finds what the first would have.
#[test]
fn failing_call_during_recovery() {
    let steps = script();
    let whole = SimDisk::new(Fault::None, 9);
    run(&whole, &steps);
    for at in (0..whole.calls()).step_by(4) {
        let disk = SimDisk::new(Fault::PowerCut(at), 9 + at);
        let (expected, _) = run(&disk, &steps);
        for second in 0..10 {
            for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
                for fault in [Fault::Fail(second, kind), Fault::FailFrom(second, kind)] {
                    let killed = disk.after_kill_with(fault);
                    let cut = disk.after_power_cut(fault);
                    for recovering in [killed, cut] {
                        let shared: Arc<dyn Disk> = Arc::new(recovering.clone());
                        drop(open(&shared));
                        let context = format!("cut at call {at}, recovery with {fault:?}");
                        verify(&recovering.after_kill(), &expected, &context);
                        verify(&recovering.after_power_cut(Fault::None), &expected, &context);
                    }
                }
            }
        }
    }
}

/// When any read of a run fails, once or for good, the caller is told, and all that was acknowledged
/// is there once the disk can be read again.
#[test]
fn failing_read_anywhere() {
    let steps = script();
    let whole = SimDisk::new(Fault::None, 13);
    run(&whole, &steps);
    let mut told = 0;
    for at in 0..whole.reads() {
        for failing in [at..at + 1, at..u64::MAX] {
            let context = format!("reads {failing:?} fail");
            let disk = SimDisk::new(Fault::None, 13 + at);
            disk.fail_reads(failing);
            let (expected, error) = run(&disk, &steps);
            told += usize::from(error.is_some());
            let named = |error: &Error| {
                matches!(error, Error::Io { .. } | Error::Poisoned(_) | Error::OutcomeUnknown(_))
            };
            assert!(error.as_ref().is_none_or(named), "{context}: {error:?}");
            verify(&disk.after_kill(), &expected, &context);
            verify(&disk.after_power_cut(Fault::None), &expected, &context);
        }
    }
    assert!(told > 50, "only {told} failures were told");
}

/// When any read fails while a store is opened and read, the caller gets that error or what is
/// right, and nothing on the disk is changed for it: the next opening finds everything.
#[test]
fn failing_read_during_recovery() {
    let steps = script();
    let whole = SimDisk::new(Fault::None, 17);
    run(&whole, &steps);
    let mut told = 0;
    for cut in (0..whole.calls()).step_by(8) {
        let disk = SimDisk::new(Fault::PowerCut(cut), 17 + cut);
        let (expected, _) = run(&disk, &steps);
        let left = disk.after_power_cut(Fault::None);
        let probe = left.after_kill();
        let read = |disk: &SimDisk| {
            let store = open(&(Arc::new(disk.clone()) as Arc<dyn Disk>))?;
            content(&store.snapshot()?)
        };
        let right = read(&probe).unwrap();
        for at in 0..probe.reads() {
            let context = format!("cut at call {cut}, read {at} of the recovery fails");
            let again = left.after_kill();
            again.fail_reads(at..at + 1);
            match read(&again) {
                Ok(found) => assert_eq!(found, right, "{context}"),
                Err(Error::Io { .. } | Error::Poisoned(_)) => told += 1,
                Err(error) => panic!("{context}: {error}"),
            }
            verify(&again.after_kill(), &expected, &context);
        }
    }
    assert!(told > 500, "only {told} failures were told");
}

/// After a failed sync nothing more is written, and readers go on with what was durable.
#[test]
fn failed_sync_poisons_the_writer() {
    let probe = SimDisk::new(Fault::None, 1);
    run(&probe, &script()[..1]);
    // A run's last calls: the commit's sync, its mark, and at closing the mark and its sync.
    let sync_at = probe.calls() - 4;
    let disk = SimDisk::new(Fault::Fail(sync_at, ErrorKind::Other), 1);
    let shared: Arc<dyn Disk> = Arc::new(disk);
    let store = open(&shared).unwrap();
    let mut expected = Expected::default();
    let mut held = Some(store);
    let error = take(&mut held, &shared, &script()[0], &mut expected).unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown(_)), "{error}");
    let store = held.unwrap();
    assert!(matches!(store.begin().unwrap_err(), Error::Poisoned(_)));
    assert_eq!(store.snapshot().unwrap().info().seq, 0);
}
