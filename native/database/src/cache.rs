//! Decoded parts of blocks in memory, as many as fit a given number of bytes.
//!
//! Each run has a place for every block's part, so that finding one is a step through memory
//! and no search; the cache itself only knows which places are taken, and empties them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use crate::block::Part;
use crate::locks::locked;
use crate::slab::Slabs;

/// Parts are spread over so many locks, a power of two.
const SHARDS: usize = 16;

/// Who reads little does without huge pages, which are cleared whole before the first use.
const SMALL: usize = 4 << 20;

/// The places of the parts of one kind of all blocks of a run.
#[derive(Debug)]
pub(crate) struct Slots {
    /// Made with the first part.
    places: OnceLock<Box<[Slot]>>,
    blocks: usize,
    /// Unique in this process.
    number: usize,
}

#[derive(Debug, Default)]
struct Slot {
    part: Mutex<Option<Arc<Part>>>,
    /// Whether it was asked for since it was last looked at for eviction.
    used: AtomicBool,
}

static NEXT_NUMBER: AtomicUsize = AtomicUsize::new(0);

impl Slots {
    /// Places for `blocks` blocks.
    pub(crate) fn new(blocks: usize) -> Arc<Self> {
        let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { places: OnceLock::new(), blocks, number })
    }

    /// A number that no others in this process have.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// The part of a block, if it is in memory.
    pub(crate) fn get(&self, block: usize) -> Option<Arc<Part>> {
        let slot = self.places.get()?.get(block)?;
        let part = Arc::clone(locked(&slot.part).as_ref()?);
        slot.used.store(true, Ordering::Relaxed);
        Some(part)
    }

    fn slot(&self, block: usize) -> Option<&Slot> {
        self.places.get_or_init(|| (0..self.blocks).map(|_| Slot::default()).collect()).get(block)
    }
}

/// The cache; shared by all runs of a store.
#[derive(Debug)]
pub(crate) struct Cache {
    shards: Vec<Mutex<Shard>>,
    /// Bytes that one shard may hold.
    room: usize,
    slabs: Slabs,
    /// Bytes that were put so far, as far as `SMALL`.
    put: AtomicUsize,
}

#[derive(Debug, Default)]
struct Shard {
    /// The places that are taken, in the order in which they are looked at for eviction (CLOCK,
    /// Corbató 1968).
    queue: VecDeque<(Arc<Slots>, usize)>,
    bytes: usize,
}

impl Cache {
    /// A cache for `bytes` bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            room: bytes / SHARDS,
            slabs: Slabs::default(),
            put: AtomicUsize::new(0),
        }
    }

    /// Huge pages for what is looked up at random, once there is more of that than a little.
    pub(crate) fn slabs(&self) -> Option<&Slabs> {
        (self.put.load(Ordering::Relaxed) >= SMALL).then_some(&self.slabs)
    }

    /// Keep a part while there is room for it.
    pub(crate) fn put(&self, slots: &Arc<Slots>, block: usize, part: &Arc<Part>) {
        let size = part.size();
        // Runs do not all begin with the same shard.
        let shard = self.shards.get((slots.number + block) % SHARDS);
        let (Some(shard), Some(slot)) = (shard, slots.slot(block)) else { return };
        if size > self.room {
            return;
        }
        // A place is filled and emptied only under the lock of its shard.
        let mut shard = locked(shard);
        while shard.bytes + size > self.room {
            let Some((slots, block)) = shard.queue.pop_front() else { break };
            let Some(oldest) = slots.slot(block) else { continue };
            if oldest.used.swap(false, Ordering::Relaxed) {
                shard.queue.push_back((slots, block));
            } else if let Some(part) = locked(&oldest.part).take() {
                shard.bytes -= part.size();
            }
        }
        if self.put.load(Ordering::Relaxed) < SMALL {
            self.put.fetch_add(size, Ordering::Relaxed);
        }
        slot.used.store(false, Ordering::Relaxed);
        if locked(&slot.part).replace(Arc::clone(part)).is_none() {
            shard.bytes += size;
            shard.queue.push_back((Arc::clone(slots), block));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part() -> Arc<Part> {
        let mut column = crate::column::Column::default();
        column.push(&[7; 1000]);
        Arc::new(Part::Heavy(column))
    }

    /// What is used stays, what is not goes, and the bytes held never exceed what was allowed.
    #[test]
    fn the_unused_goes() {
        let part = part();
        let cache = Cache::new(SHARDS * 10 * part.size());
        let slots = Slots::new(4_000);
        for block in 0..4_000 {
            cache.put(&slots, block, &part);
            assert!(slots.get(0).is_some(), "block 0 is used all the time, {block}");
        }
        assert!(slots.get(8).is_none());
        let held = (0..4_000).filter(|block| slots.get(*block).is_some()).count();
        assert_eq!(held, SHARDS * 10);
        for shard in cache.shards.iter().map(locked) {
            assert!(shard.bytes <= cache.room && shard.queue.len() == 10);
        }
    }

    /// What is put twice is counted once, what is not there is not found, and the parts of a run
    /// that is gone make room for others.
    #[test]
    fn places_are_counted_once() {
        let part = part();
        let cache = Cache::new(SHARDS * part.size());
        let gone = Slots::new(SHARDS);
        assert!(gone.get(0).is_none() && gone.get(SHARDS).is_none());
        for _ in 0..3 {
            (0..SHARDS).for_each(|block| cache.put(&gone, block, &part));
        }
        drop(gone);
        let slots = Slots::new(SHARDS);
        (0..SHARDS).for_each(|block| cache.put(&slots, block, &part));
        cache.put(&slots, SHARDS, &part);
        assert!((0..SHARDS).all(|block| slots.get(block).is_some()));
        for shard in cache.shards.iter().map(locked) {
            assert!(shard.bytes == part.size() && shard.queue.len() == 1);
        }
        assert_eq!(Arc::strong_count(&part), 1 + SHARDS);
    }

    /// Threads that read, put and evict the same places at once leave the books right.
    #[test]
    fn books_are_kept_among_threads() {
        let part = part();
        let cache = Cache::new(SHARDS * 3 * part.size());
        let slots = Slots::new(200);
        std::thread::scope(|scope| {
            for thread in 0..4_usize {
                let (cache, slots, part) = (&cache, &slots, &part);
                scope.spawn(move || {
                    for step in 0..20_000 {
                        let block = (step * 7 + thread * 31) % 200;
                        if slots.get(block).is_none() {
                            cache.put(slots, block, part);
                        }
                    }
                });
            }
        });
        let held = (0..200).filter(|block| slots.get(*block).is_some()).count();
        let shards = cache.shards.iter().map(locked);
        let queued: usize = shards
            .map(|shard| {
                assert_eq!(shard.bytes, shard.queue.len() * part.size());
                assert!(shard.bytes <= cache.room);
                shard.queue.len()
            })
            .sum();
        assert_eq!(held, queued);
    }
}
