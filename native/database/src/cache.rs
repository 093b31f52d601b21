//! Decoded parts of blocks in memory, as many as fit a given number of bytes.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::block::Part;
use crate::log::locked;

/// Parts are spread over so many locks.
const SHARDS: usize = 16;

/// Which part of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartKind {
    Light,
    Heavy,
    /// Both, made ready to be handed out.
    Ready,
}

/// A part of a block: which run (by a number unique in this process), block, and part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PartId(u64);

impl PartId {
    pub(crate) fn new(run: u64, block: usize, kind: PartKind) -> Self {
        // A run has less than 2^32 blocks, a process makes less than 2^30 runs.
        Self(run << 34 | (block as u64) << 2 | kind as u64)
    }

    /// The id with its bits mixed, by a multiplication with the golden ratio's (Knuth).
    fn mixed(self) -> u64 {
        let product = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        product ^ product >> 32
    }
}

/// Hashes what is mixed already.
#[derive(Debug, Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        debug_assert!(false, "only numbers are hashed, not {} bytes", bytes.len());
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = PartId(number).mixed();
    }
}

/// The cache; shared by all runs of a store.
#[derive(Debug)]
pub(crate) struct Cache {
    shards: Vec<Mutex<Shard>>,
    /// Bytes that one shard may hold.
    room: usize,
}

#[derive(Debug, Default)]
struct Shard {
    parts: HashMap<PartId, Held, BuildHasherDefault<Mixed>>,
    /// In the order in which they are looked at for eviction (CLOCK, Corbató 1968).
    queue: VecDeque<PartId>,
    bytes: usize,
}

#[derive(Debug)]
struct Held {
    part: Arc<Part>,
    used: AtomicBool,
}

impl Cache {
    /// A cache for `bytes` bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), room: bytes / SHARDS }
    }

    fn shard(&self, id: PartId) -> Option<&Mutex<Shard>> {
        // Other bits than the table of a shard goes by.
        self.shards.get(usize::try_from(id.mixed() >> 24).unwrap_or(0) % SHARDS)
    }

    pub(crate) fn get(&self, id: PartId) -> Option<Arc<Part>> {
        let shard = locked(self.shard(id)?);
        let held = shard.parts.get(&id)?;
        held.used.store(true, Ordering::Relaxed);
        Some(Arc::clone(&held.part))
    }

    pub(crate) fn put(&self, id: PartId, part: &Arc<Part>) {
        let size = part.size();
        let Some(shard) = self.shard(id).filter(|_| size <= self.room) else { return };
        let mut shard = locked(shard);
        while shard.bytes + size > self.room {
            let Some(oldest) = shard.queue.pop_front() else { break };
            let spared = shard
                .parts
                .get(&oldest)
                .is_some_and(|held| held.used.swap(false, Ordering::Relaxed));
            if spared {
                shard.queue.push_back(oldest);
            } else if let Some(held) = shard.parts.remove(&oldest) {
                shard.bytes -= held.part.size();
            }
        }
        let held = Held { part: Arc::clone(part), used: AtomicBool::new(false) };
        if shard.parts.insert(id, held).is_none() {
            shard.bytes += size;
            shard.queue.push_back(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is used stays, what is not goes, and the bytes held never exceed what was allowed.
    #[test]
    fn the_unused_goes() {
        let part = Arc::new(Part::Heavy({
            let mut column = crate::block::Column::default();
            column.push(&[7; 1000]);
            column
        }));
        let cache = Cache::new(SHARDS * 10 * part.size());
        let id = |block| PartId::new(0, block, PartKind::Light);
        for block in 0..4_000 {
            cache.put(id(block), &part);
            assert!(cache.get(id(0)).is_some(), "block 0 is used all the time, {block}");
        }
        assert!(cache.get(id(8)).is_none());
        for shard in cache.shards.iter().map(locked) {
            assert!(shard.bytes <= cache.room);
            assert!(shard.parts.len() == 10 && shard.queue.len() == 10);
        }
    }
}
