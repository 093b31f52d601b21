//! What a look-up costs without a caller's language around it: processor's nanoseconds by id and by filename,
//! uniformly over a store that nobody writes to.
//!
//!     cargo run --release --example lookups -- FOLDER [CACHE_MB]
//!
//! `make bench-database` runs it beside the same look-ups from Python.

#![allow(clippy::unwrap_used, reason = "a measurement ends at the first error")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use picturerail_database::{Folder, Mode, Options, Store};
use rustix::time::{ClockId, clock_gettime};

const LOOKUPS: usize = 200_000;
/// The last of so many rounds counts: the others bring what is wanted into memory.
const ROUNDS: usize = 3;

/// The thread's processor time.
fn now() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

fn since(begin: Duration) -> Duration {
    now().saturating_sub(begin)
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("name a store's folder");
    let megabytes: usize = arguments.next().map_or(1024, |text| text.parse().unwrap());
    let options = Options { cache_bytes: megabytes << 20, ..Options::default() };
    let disk = Arc::new(Folder::new(Path::new(&folder)));
    let store = Store::open_on(disk, Mode::Read, options).unwrap();
    let snapshot = store.snapshot().unwrap();
    let mut ids = Vec::new();
    let mut names = Vec::new();
    let highest = snapshot.info().live + snapshot.info().deleted;
    // A full-period step through the ids (Knuth, volume 2, section 3.2.1.2).
    let mut at = 1_u64;
    while ids.len() < LOOKUPS {
        at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let id = 1 + (at >> 33) % highest.max(1);
        if let Ok(row) = snapshot.get(id) {
            ids.push(id);
            names.push(Arc::clone(&row.filename));
        }
    }
    let mut buffer = vec![0; 1 << 16];
    for round in 1..=ROUNDS {
        let begin = now();
        for id in &ids {
            black_box(snapshot.get_packed(*id, &mut buffer).unwrap());
        }
        let by_id = since(begin);
        let begin = now();
        for name in &names {
            black_box(snapshot.find_filename_packed(name, 0, &mut buffer).unwrap());
        }
        if round == ROUNDS {
            let each = |time: Duration| time.as_nanos() / LOOKUPS as u128;
            println!("{} ns by id, {} ns by filename", each(by_id), each(since(begin)));
        }
    }
}
