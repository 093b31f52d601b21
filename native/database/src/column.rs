//! Columns: the texts of one kind of some entries, one behind the other. FORMAT.md draws how they
//! are stored.

use zstd::zstd_safe::DDict;

use crate::bytes::{Put, Take};
use crate::codec::{Encoder, Shape, decode};
use crate::heads::{even_place, head_of, is_below};
use crate::prefetch::bring_near;
use crate::slab::{SlabBytes, Slabs};

/// Keys that a search among evenly lying ones is likely to look at, to each side of its first.
const NEAR: usize = 8;

/// A decoded column.
#[derive(Debug, Default)]
pub(crate) struct Column {
    /// The texts; empty where they are held in a huge page.
    bytes: Vec<u8>,
    huge: Option<SlabBytes>,
    /// Where each text ends; empty where all have `width` bytes.
    ends: Vec<u32>,
    width: usize,
}

impl Column {
    /// An empty column of texts of so many bytes each.
    pub(crate) fn even(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    /// Whether all texts have equally many bytes.
    pub(crate) fn is_even(&self) -> bool {
        self.width > 0
    }

    /// Append a text, or fewer bytes than all have: a tombstone's numbers are zeros.
    pub(crate) fn append(&mut self, text: &[u8]) {
        if self.width == 0 {
            self.push(text);
        } else {
            let end = self.bytes.len() + self.width;
            self.bytes.extend_from_slice(text);
            self.bytes.resize(end, 0);
        }
    }

    pub(crate) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.huge.as_ref().map_or(&self.bytes, SlabBytes::bytes)
    }

    /// Hold the texts in a huge page, if there is one; nothing is appended from then on.
    pub(crate) fn settle(&mut self, slabs: &Slabs) {
        self.huge = slabs.put(&self.bytes);
        if self.huge.is_some() {
            self.bytes = Vec::new();
        }
    }

    /// Texts in all.
    pub(crate) fn len(&self) -> usize {
        self.bytes().len().checked_div(self.width).unwrap_or(self.ends.len())
    }

    /// The text at `index`; empty beyond the end.
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        let (begin, end) = if self.width == 0 {
            let end = |index: usize| self.ends.get(index).copied().unwrap_or(u32::MAX) as usize;
            (index.checked_sub(1).map_or(0, end), end(index))
        } else {
            (index * self.width, (index + 1) * self.width)
        };
        self.bytes().get(begin..end).unwrap_or_default()
    }

    /// The beginning of each text as a number (`head_of`).
    pub(crate) fn heads(&self) -> Vec<u64> {
        (0..self.len()).map(|index| head_of(self.get(index))).collect()
    }

    /// Take the last text off.
    pub(crate) fn pop(&mut self) -> Option<Vec<u8>> {
        let last = self.len().checked_sub(1)?;
        let text = self.get(last).to_vec();
        self.bytes.truncate(self.bytes.len() - text.len());
        self.ends.truncate(last);
        Some(text)
    }

    /// How many texts are less than `key`; they are in ascending order, and begin about between
    /// the numbers `around`, where these are known.
    pub(crate) fn count_below(&self, key: &[u8], around: Option<(u64, u64)>) -> usize {
        let (low, high) = self.bracket(key, around).unwrap_or((0, self.len()));
        self.count_below_within(key, low, high)
    }

    /// Between which places the first text lies that is not less than `key`, where all begin with
    /// numbers: these lie evenly, so the search begins where they would put it and widens by
    /// doubling.
    fn bracket(&self, key: &[u8], around: Option<(u64, u64)>) -> Option<(usize, usize)> {
        let count = self.len();
        if self.width < 8 || count == 0 {
            return None;
        }
        let own = || (head_of(self.get(0)), head_of(self.get(count - 1)));
        let (first, last) = around.unwrap_or_else(own);
        let span = last.checked_sub(first).filter(|span| *span > 0)?;
        let guess = even_place(head_of(key).clamp(first, last) - first, span, count);
        let bytes = self.bytes();
        // Of so few keys the search mostly remains within these.
        let (from, to) = (guess.saturating_sub(NEAR), (guess + NEAR).min(count));
        bring_near(bytes.get(from * self.width..to * self.width).unwrap_or_default());
        let text = |place: usize| bytes.get(place * self.width..(place + 1) * self.width);
        let below = |place: usize| text(place).is_some_and(|text| is_below(text, key));
        let (mut low, mut high, mut step) = (guess, guess, 1);
        while low > 0 && !below(low) {
            (high, low, step) = (low, low.saturating_sub(step), step * 2);
        }
        while below(high) {
            (low, high, step) = (high, high + step, step * 2);
        }
        Some((low, high.min(count)))
    }

    /// The same where it is known to be from `low` to `high`.
    pub(crate) fn count_below_within(&self, key: &[u8], low: usize, high: usize) -> usize {
        let (mut low, mut high) = (low, high);
        while low < high {
            let middle = low.midpoint(high);
            if is_below(self.get(middle), key) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    pub(crate) fn size(&self) -> usize {
        let huge = self.huge.as_ref().map_or(0, SlabBytes::size);
        self.bytes.len() + huge + self.ends.len() * 4 + size_of::<Self>()
    }

    /// Append the stored form.
    pub(crate) fn encode(&self, shape: Shape, encoder: &mut Encoder, out: &mut Vec<u8>) {
        if shape != Shape::Bytes {
            return encoder.encode(self.bytes(), shape, out);
        }
        let mut raw = Vec::with_capacity(self.bytes().len() + self.ends.len() * 2);
        for index in 0..self.len() {
            raw.put_varint(self.get(index).len() as u64);
        }
        raw.put(self.bytes());
        encoder.encode(&raw, shape, out);
    }

    /// Read the stored form of `count` texts.
    pub(crate) fn decode(
        take: &mut Take<'_>,
        shape: Shape,
        count: usize,
        dictionary: Option<&DDict<'static>>,
    ) -> Option<Self> {
        let raw = decode(take, shape, dictionary)?;
        if let Shape::Numbers(widths) | Shape::Keys(widths) = shape {
            let width = widths.iter().sum();
            return (count.checked_mul(width) == Some(raw.len())).then_some(Self {
                bytes: raw,
                huge: None,
                ends: Vec::new(),
                width,
            });
        }
        let mut take = Take::new(&raw);
        let mut ends = Vec::new();
        ends.try_reserve_exact(count.min(raw.len())).ok()?;
        let mut end = 0_u32;
        for _ in 0..count {
            end = end.checked_add(u32::try_from(take.varint()?).ok()?)?;
            ends.push(end);
        }
        let begin = take.position();
        take.take(end as usize)?;
        take.is_at_end().then_some(())?;
        let mut raw = raw;
        raw.drain(..begin);
        Some(Self { bytes: raw, huge: None, ends, width: 0 })
    }

    /// Append the stored form of texts in ascending order: what each shares with the one
    /// before is left out.
    pub(crate) fn encode_sorted(&self, encoder: &mut Encoder, out: &mut Vec<u8>) {
        let mut raw = Vec::with_capacity(self.bytes.len());
        let mut suffixes = Vec::with_capacity(self.bytes.len());
        let mut before: &[u8] = &[];
        for index in 0..self.len() {
            let text = self.get(index);
            let shared = before.iter().zip(text).take_while(|(one, other)| one == other).count();
            raw.put_varint(shared as u64);
            raw.put_varint((text.len() - shared) as u64);
            suffixes.put(text.get(shared..).unwrap_or_default());
            before = text;
        }
        raw.put(&suffixes);
        encoder.encode(&raw, Shape::Bytes, out);
    }

    pub(crate) fn decode_sorted(take: &mut Take<'_>, count: usize) -> Option<Self> {
        let raw = decode(take, Shape::Bytes, None)?;
        let mut take = Take::new(&raw);
        let mut lengths = Vec::new();
        lengths.try_reserve_exact(count.min(raw.len())).ok()?;
        for _ in 0..count {
            let mut length = || u32::try_from(take.varint()?).ok().map(|length| length as usize);
            lengths.push((length()?, length()?));
        }
        let mut column = Self::default();
        column.ends.try_reserve_exact(count).ok()?;
        let mut begin = 0;
        for (shared, suffix) in lengths {
            let before = begin..begin + shared;
            begin = column.bytes.len();
            if before.end > begin {
                return None;
            }
            let suffix = take.take(suffix)?;
            column.bytes.try_reserve(shared + suffix.len()).ok()?;
            column.bytes.extend_from_within(before);
            column.bytes.extend_from_slice(suffix);
            column.ends.push(u32::try_from(column.bytes.len()).ok()?);
        }
        take.is_at_end().then_some(column)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The search of keys that begin with numbers finds what trying each would, however the
        /// numbers lie and also where they are the same.
        #[test]
        fn every_key_is_found(
            mut keys in prop::collection::vec(
                (prop_oneof![0..20_u64, any::<u64>()], 0..9_u64), 0..200
            ),
            wanted in (prop_oneof![0..22_u64, any::<u64>()], 0..9_u64),
            around in prop::option::of((0..22_u64, any::<u64>())),
        ) {
            keys.sort_unstable();
            let bytes = |key: &(u64, u64)| [key.0.to_be_bytes(), key.1.to_be_bytes()].concat();
            let column = Column {
                huge: None,
                bytes: keys.iter().flat_map(bytes).collect(),
                ends: Vec::new(),
                width: 16,
            };
            for wanted in keys.iter().chain([&wanted]) {
                let below = keys.iter().filter(|key| *key < wanted).count();
                prop_assert_eq!(column.count_below(&bytes(wanted), around), below);
            }
        }
    }
}
