//! Entries of a block in the form in which they are handed out, under keys that are numbers. Made so
//! that a look-up touches as little memory as may be: a table, and the texts right behind it.

use crate::bytes::Put;
use crate::prefetch::bring_near;
use crate::slab::{SlabBytes, Slabs};

/// Bytes of the table for an entry: its key u64, where its text begins and ends u32; nowhere for a
/// tombstone.
const ENTRY: usize = 16;

/// Bytes that a text may stand before or behind the place where it is sought first.
const ASTRAY: usize = 128;

/// The entries.
#[derive(Debug)]
pub(crate) struct Ready {
    /// The first key.
    first: u64,
    count: usize,
    /// The table, then the texts.
    data: Memory,
}

/// Where the bytes are held.
#[derive(Debug)]
enum Memory {
    Heap(Box<[u8]>),
    Huge(SlabBytes),
}

impl Memory {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Huge(bytes) => bytes.bytes(),
        }
    }
}

/// Entries of which more may come.
#[derive(Debug, Default)]
pub(crate) struct ReadyBuilder {
    first: Option<u64>,
    table: Vec<u8>,
    texts: Vec<u8>,
}

fn place(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl ReadyBuilder {
    /// For so many entries.
    pub(crate) fn new(count: usize) -> Self {
        Self { table: Vec::with_capacity(count * ENTRY), ..Self::default() }
    }

    /// Append an entry; its key is greater than those before.
    pub(crate) fn push(&mut self, key: u64, text: &[u8]) {
        self.first.get_or_insert(key);
        self.table.put_u64(key);
        self.table.put_u32(place(self.texts.len()));
        self.texts.extend_from_slice(text);
        self.table.put_u32(place(self.texts.len()));
    }

    /// The entries, in huge pages of `slabs` where there are any.
    pub(crate) fn finish(mut self, slabs: Option<&Slabs>) -> Ready {
        let count = self.table.len() / ENTRY;
        self.table.append(&mut self.texts);
        let huge = slabs.and_then(|slabs| slabs.put(&self.table));
        let data = huge.map_or_else(|| Memory::Heap(self.table.into()), Memory::Huge);
        Ready { first: self.first.unwrap_or(0), count, data }
    }
}

impl Ready {
    /// The key, and where the text begins and ends.
    fn entry(&self, index: usize) -> Option<(u64, usize, usize)> {
        if index >= self.count {
            return None;
        }
        let entry: &[u8; ENTRY] = self.data.bytes().get(index * ENTRY..)?.first_chunk()?;
        let (key, places) = entry.split_first_chunk()?;
        let (begin, end) = places.split_first_chunk()?;
        let end = end.first_chunk()?;
        let place = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes) as usize;
        Some((u64::from_le_bytes(*key), place(begin), place(end)))
    }

    /// The place of a key.
    pub(crate) fn find(&self, key: u64) -> Option<usize> {
        // Mostly none is missing between the first and this one.
        let guess = usize::try_from(key.checked_sub(self.first)?).ok()?;
        let key_at = |index: usize| self.entry(index).map(|(held, ..)| held);
        self.bring_text_near(guess);
        if key_at(guess) == Some(key) {
            return Some(guess);
        }
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if key_at(middle)? < key { low = middle + 1 } else { high = middle }
        }
        (key_at(low) == Some(key)).then_some(low)
    }

    /// Have the text at `index` brought near while the table still has to tell where it is: where
    /// it would be if all were as long.
    fn bring_text_near(&self, index: usize) {
        if index < self.count {
            let bytes = self.data.bytes();
            let begin = self.count * ENTRY;
            let each = bytes.len().saturating_sub(begin) / self.count;
            let from = begin + (each * index).saturating_sub(ASTRAY);
            let to = begin + each * (index + 1) + ASTRAY;
            bring_near(bytes.get(from..to.min(bytes.len())).unwrap_or_default());
        }
    }

    pub(crate) fn text(&self, index: usize) -> &[u8] {
        let place = self.entry(index).and_then(|(_, begin, end)| {
            self.data.bytes().get(self.count * ENTRY..)?.get(begin..end)
        });
        place.unwrap_or_default()
    }

    /// Bytes of memory that it takes.
    pub(crate) fn size(&self) -> usize {
        match &self.data {
            Memory::Heap(bytes) => bytes.len(),
            Memory::Huge(bytes) => bytes.size(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries are found by their keys, with and without gaps, wherever their bytes are held.
    #[test]
    fn entries_are_found() {
        let slabs = Slabs::default();
        for huge in [None, Some(&slabs)] {
            for step in [1, 7] {
                let mut builder = ReadyBuilder::new(100);
                for number in 0..100_u64 {
                    builder.push(5 + number * step, format!("text {number}").as_bytes());
                }
                let ready = builder.finish(huge);
                assert_eq!(matches!(ready.data, Memory::Huge(_)), huge.is_some());
                for number in 0..100_u64 {
                    let index = ready.find(5 + number * step).unwrap();
                    assert_eq!(ready.text(index), format!("text {number}").as_bytes());
                }
                for absent in [0, 4, 5 + 100 * step, u64::MAX] {
                    assert_eq!(ready.find(absent), None);
                }
                assert_eq!(ready.find(6).is_some(), step == 1);
                assert!(ready.text(100).is_empty());
                assert!(ready.size() >= 100 * ENTRY);
            }
        }
        let none = ReadyBuilder::new(0).finish(Some(&slabs));
        assert_eq!(none.find(0), None);
    }
}
