//! What a durable commit of one row with 60 kB costs without a caller's language around it, from
//! one thread and from 32.
//!
//!     cargo run --release --example commits -- FOLDER [THREADS ...]
//!
//! `make bench-database` runs it beside the same commits from Python.

#![allow(clippy::unwrap_used, reason = "a measurement ends at the first error")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use picturerail_database::{Folder, Mode, NewRow, Options, Stat, Store};
use rustix::time::{ClockId, clock_gettime};

const BLOB_BYTES: usize = 60_000;
/// Rows before the first that count: the first segment is not filled ahead.
const BEFORE: usize = 1_600;
const ROWS: u32 = 640;
const ROUNDS: usize = 5;

/// The process's processor time.
fn processor() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
}

/// Distinct bytes that do not compress (xorshift, Marsaglia 2003).
fn fill(data: &mut [u8], seed: &mut u64) {
    for piece in data.chunks_exact_mut(8) {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        piece.copy_from_slice(&seed.to_le_bytes());
    }
}

fn commit(store: &Store, data: &[u8], name: u64) {
    let mut transaction = store.begin().unwrap();
    let content_hash = transaction.add_bytes(data).unwrap();
    let filename = format!("IMG_{name:09}.jpg");
    let row = NewRow {
        root: 1,
        path: format!("album/{filename}").into_bytes().into(),
        filename: filename.into_bytes().into(),
        metadata: vec![b'm'; 400].into(),
        content_hash,
        has_data: true,
        stat: Stat::default(),
    };
    transaction.insert(row, None).unwrap();
    transaction.commit().unwrap();
}

/// Commit all of `work`, each of the threads its part.
fn commit_from(store: &Store, threads: usize, work: &[(u64, Vec<u8>)]) {
    std::thread::scope(|scope| {
        for number in 0..threads {
            scope.spawn(move || {
                for (name, data) in work.iter().skip(number).step_by(threads) {
                    commit(store, data, *name);
                }
            });
        }
    });
}

/// The least that the content hash of one of the rows took.
fn hashing(work: &[(u64, Vec<u8>)]) -> Duration {
    let took = |(_, data): &(u64, Vec<u8>)| {
        let begin = Instant::now();
        black_box(blake3::hash(black_box(data)));
        begin.elapsed()
    };
    work.iter().map(took).min().unwrap()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("name a folder for the store");
    let mut counts: Vec<usize> = arguments.map(|text| text.parse().unwrap()).collect();
    if counts.is_empty() {
        counts = vec![1, 32];
    }
    let disk = Arc::new(Folder::new(Path::new(&folder)));
    let store = Store::open_on(disk, Mode::Create, Options::default()).unwrap();
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    let mut names = 0..;
    let mut next = |work: &mut [(u64, Vec<u8>)]| {
        for (name, data) in work {
            *name = names.next().unwrap();
            fill(data, &mut seed);
        }
    };
    let mut work = vec![(0, vec![0; BLOB_BYTES]); BEFORE];
    next(&mut work);
    commit_from(&store, 8, &work);
    work.truncate(ROWS as usize);
    let mut taken = vec![Vec::new(); counts.len()];
    for _ in 0..ROUNDS {
        for (threads, taken) in counts.iter().zip(&mut taken) {
            next(&mut work);
            let (begin, used) = (Instant::now(), processor());
            commit_from(&store, *threads, &work);
            taken.push((begin.elapsed(), processor().saturating_sub(used)));
        }
    }
    println!("hashing 60 kB takes {} us", hashing(&work).as_micros());
    for (threads, taken) in counts.iter().zip(&mut taken) {
        taken.sort();
        let (elapsed, used) = *taken.get(ROUNDS / 2).unwrap();
        println!(
            "{threads} threads: {:.0} rows/s, {} us of processor a row",
            f64::from(ROWS) / elapsed.as_secs_f64(),
            (used / ROWS).as_micros(),
        );
    }
}
