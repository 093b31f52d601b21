//! Filters: which keys a run surely does not hold, so that it need not be searched for them.
//!
//! A split block Bloom filter, as Parquet's: a key sets one bit in each of the eight words of one
//! block of 32 bytes, so a look-up touches one line of the processor's cache. (Putze, Sanders and
//! Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007, section 3.)

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::bytes::{Put, checksum};

/// Words of a block.
const WORDS: usize = 8;
/// Bytes of a block.
const BLOCK: usize = WORDS * 4;
/// Keys that share a block, on the average: 10.7 bits each, and one absent key in a hundred is
/// taken for present.
const KEYS: usize = 24;
/// Odd numbers, one for each word, that spread a hash over its 32 bits (Parquet's).
const SALTS: [u32; WORDS] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

type Block = [u32; WORDS];

/// The filter of a run; an empty one holds everything.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    blocks: Vec<Block>,
}

/// What of a key a filter knows.
pub(crate) fn hash(key: &[u8]) -> u64 {
    checksum(key)
}

/// The bits of a hash in each word.
fn bits(hash: u64) -> Block {
    let low = (hash & 0xffff_ffff) as u32;
    SALTS.map(|salt| 1 << (low.wrapping_mul(salt) >> 27))
}

/// The block of a hash among `blocks`: its upper half, scaled.
fn place(hash: u64, blocks: usize) -> usize {
    usize::try_from(((hash >> 32) * blocks as u64) >> 32).unwrap_or(usize::MAX)
}

/// The filter of what is in memory, which keys are added to while others look: who holds an older
/// state sees keys that it has not, which costs it a search and no more.
#[derive(Debug, Default)]
pub(crate) struct MemoryFilter {
    /// Made with the first key.
    blocks: OnceLock<Vec<[AtomicU32; WORDS]>>,
}

/// Blocks for what memory holds at most before a checkpoint, about.
const MEMORY_BLOCKS: usize = 1024;

impl MemoryFilter {
    fn blocks(&self) -> &[[AtomicU32; WORDS]] {
        self.blocks.get_or_init(|| (0..MEMORY_BLOCKS).map(|_| Default::default()).collect())
    }

    pub(crate) fn add(&self, hash: u64) {
        if let Some(block) = self.blocks().get(place(hash, MEMORY_BLOCKS)) {
            for (word, bit) in block.iter().zip(bits(hash)) {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    /// Whether a key with this hash may be there; None of it is known.
    pub(crate) fn may_hold(&self, hash: Option<u64>) -> bool {
        let Some(hash) = hash else { return true };
        let Some(blocks) = self.blocks.get() else { return false };
        let Some(block) = blocks.get(place(hash, blocks.len())) else { return true };
        block.iter().zip(bits(hash)).all(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
    }

    /// Add what another holds.
    pub(crate) fn join(&self, other: &Self) {
        let Some(blocks) = other.blocks.get() else { return };
        for (mine, theirs) in self.blocks().iter().flatten().zip(blocks.iter().flatten()) {
            mine.fetch_or(theirs.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }
}

impl Filter {
    /// A filter that holds these hashes.
    pub(crate) fn of(hashes: &[u64]) -> Self {
        let mut filter = Self { blocks: vec![Block::default(); hashes.len().div_ceil(KEYS)] };
        for hash in hashes {
            let at = place(*hash, filter.blocks.len());
            if let Some(block) = filter.blocks.get_mut(at) {
                block.iter_mut().zip(bits(*hash)).for_each(|(word, bit)| *word |= bit);
            }
        }
        filter
    }

    /// Whether a key with this hash may be there.
    pub(crate) fn may_hold(&self, hash: u64) -> bool {
        let Some(block) = self.blocks.get(place(hash, self.blocks.len())) else { return true };
        block.iter().zip(bits(hash)).all(|(word, bit)| word & bit != 0)
    }

    /// The stored form.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.blocks.len() * BLOCK);
        self.blocks.iter().flatten().for_each(|word| bytes.put_u32(*word));
        bytes
    }

    /// Read the stored form.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(bytes.len() / BLOCK).ok()?;
        let pieces = bytes.chunks_exact(BLOCK);
        pieces.remainder().is_empty().then_some(())?;
        for piece in pieces {
            let mut block = Block::default();
            for (word, bytes) in block.iter_mut().zip(piece.chunks_exact(4)) {
                *word = u32::from_le_bytes(*bytes.first_chunk()?);
            }
            blocks.push(block);
        }
        Some(Self { blocks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was put in is found, of the rest no more than two in a hundred; it reads back as it
    /// was written, and cut short not at all.
    #[test]
    fn the_absent_are_told_apart() {
        let hashes = |from: u64| (from..from + 10_000).map(|key| hash(&key.to_be_bytes()));
        let filter = Filter::of(&hashes(0).collect::<Vec<_>>());
        assert!(hashes(0).all(|hash| filter.may_hold(hash)));
        let wrong = hashes(10_000).filter(|hash| filter.may_hold(*hash)).count();
        assert!((1..200).contains(&wrong), "{wrong} of 10,000");
        let bytes = filter.encode();
        assert_eq!(Filter::decode(&bytes), Some(filter));
        assert_eq!(Filter::decode(&bytes[1..]), None);
        assert!(Filter::default().may_hold(7));
    }

    /// The filter of memory holds what was added and what another held, and else little.
    #[test]
    fn keys_are_added_to_memory() {
        let hashes = |from: u64| (from..from + 10_000).map(|key| hash(&key.to_be_bytes()));
        let (one, other) = (MemoryFilter::default(), MemoryFilter::default());
        hashes(0).for_each(|hash| one.add(hash));
        hashes(10_000).for_each(|hash| other.add(hash));
        assert!(hashes(0).all(|hash| one.may_hold(Some(hash))));
        assert!(hashes(10_000).filter(|hash| one.may_hold(Some(*hash))).count() < 200);
        one.join(&other);
        assert!(hashes(0).chain(hashes(10_000)).all(|hash| one.may_hold(Some(hash))));
    }
}
