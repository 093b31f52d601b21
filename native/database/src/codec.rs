//! Columns of a block: the smallest of four encodings, chosen for each anew.
//!
//! Shuffling puts the first bytes of all numbers together, then all second ones, and so on, as
//! they are alike; delta stores each number's distance to the one before. Neither always pays.

use zstd::zstd_safe::{CCtx, CParameter, DCtx, DDict};

use crate::bytes::{Put, Take};

/// The level that everything is compressed with.
const LEVEL: i32 = 3;
/// No column takes more bytes.
const LIMIT: usize = 1 << 31;
/// What a shorter column saves is not worth the decoding.
const WORTH: usize = 24;

const RAW: u8 = 0;
const ZSTD: u8 = 1;
const SHUFFLE: u8 = 2;
const DELTA: u8 = 3;

/// How a column's bytes are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Texts behind one another.
    Bytes,
    /// Numbers of these widths, all those of one entry side by side, little-endian.
    Numbers(&'static [usize]),
    /// The same, big-endian, as keys are.
    Keys(&'static [usize]),
}

impl Shape {
    fn widths(self) -> Option<(&'static [usize], bool)> {
        match self {
            Self::Bytes => None,
            Self::Numbers(widths) => Some((widths, false)),
            Self::Keys(widths) => Some((widths, true)),
        }
    }
}

fn number(bytes: &[u8], big: bool) -> u64 {
    let fold = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    if big { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) }
}

fn put_number(room: &mut [u8], mut value: u64, big: bool) {
    let put = |byte: &mut u8| {
        *byte = value.to_le_bytes()[0];
        value >>= 8;
    };
    if big { room.iter_mut().rev().for_each(put) } else { room.iter_mut().for_each(put) }
}

/// Replace each number with its distance to the one before, or back again. Wider fields than
/// eight bytes are hashes and stay.
fn delta(bytes: &mut [u8], widths: &[usize], big: bool, back: bool) {
    let total: usize = widths.iter().sum();
    let mut before = vec![0_u64; widths.len()];
    for entry in bytes.chunks_exact_mut(total) {
        let mut rest = entry;
        for (width, before) in widths.iter().zip(&mut before) {
            let Some((field, later)) = rest.split_at_mut_checked(*width) else { return };
            rest = later;
            if *width <= 8 {
                let value = number(field, big);
                let out =
                    if back { before.wrapping_add(value) } else { value.wrapping_sub(*before) };
                put_number(field, out, big);
                // A narrow number wraps within its own width.
                *before = if back { number(field, big) } else { value };
            }
        }
    }
}

fn shuffle(bytes: &[u8], total: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for plane in 0..total {
        out.extend(bytes.iter().skip(plane).step_by(total));
    }
    out
}

fn unshuffle(bytes: &[u8], total: usize) -> Vec<u8> {
    let mut out = vec![0; bytes.len()];
    let count = bytes.len() / total.max(1);
    for (plane, column) in bytes.chunks_exact(count.max(1)).enumerate() {
        // Entry by entry: stepping over the bytes takes three times as long.
        for (entry, byte) in out.chunks_exact_mut(total).zip(column) {
            if let Some(room) = entry.get_mut(plane) {
                *room = *byte;
            }
        }
    }
    out
}

/// Compresses columns; with a dictionary all of them.
pub(crate) struct Encoder {
    context: CCtx<'static>,
}

impl Encoder {
    pub(crate) fn new(dictionary: &[u8]) -> Option<Self> {
        let mut context = CCtx::create();
        for parameter in [
            CParameter::CompressionLevel(LEVEL),
            CParameter::ContentSizeFlag(false),
            CParameter::DictIdFlag(false),
            CParameter::ChecksumFlag(false),
        ] {
            context.set_parameter(parameter).ok()?;
        }
        if !dictionary.is_empty() {
            context.load_dictionary(dictionary).ok()?;
        }
        Some(Self { context })
    }

    fn compress(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(zstd::zstd_safe::compress_bound(bytes.len()));
        self.context.compress2(&mut out, bytes).ok()?;
        Some(out)
    }

    /// Append a column.
    pub(crate) fn encode(&mut self, bytes: &[u8], shape: Shape, out: &mut Vec<u8>) {
        let mut best: (u8, Option<Vec<u8>>) = (RAW, None);
        let mut offer = |codec: u8, found: Option<Vec<u8>>| {
            let limit = best.1.as_ref().map_or(bytes.len() - bytes.len() / 16, Vec::len);
            if found.as_ref().is_some_and(|found| found.len() < limit) {
                best = (codec, found);
            }
        };
        if bytes.len() >= WORTH {
            offer(ZSTD, self.compress(bytes));
            if let Some((widths, big)) =
                shape.widths().filter(|(widths, _)| widths.iter().any(|width| *width <= 8))
            {
                let total = widths.iter().sum();
                offer(SHUFFLE, self.compress(&shuffle(bytes, total)));
                let mut distances = bytes.to_vec();
                delta(&mut distances, widths, big, false);
                offer(DELTA, self.compress(&shuffle(&distances, total)));
            }
        }
        let (codec, found) = best;
        let stored = found.as_deref().unwrap_or(bytes);
        out.put_u8(codec);
        out.put_varint(bytes.len() as u64);
        if codec != RAW {
            out.put_varint(stored.len() as u64);
        }
        out.put(stored);
    }
}

thread_local! {
    static CONTEXT: std::cell::RefCell<DCtx<'static>> = std::cell::RefCell::new(DCtx::create());
}

fn decompress(
    stored: &[u8],
    length: usize,
    dictionary: Option<&DDict<'static>>,
) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    out.try_reserve_exact(length).ok()?;
    let written = CONTEXT.with_borrow_mut(|context| match dictionary {
        Some(dictionary) => context.decompress_using_ddict(&mut out, stored, dictionary),
        None => context.decompress(&mut out, stored),
    });
    (written.ok()? == length && out.len() == length).then_some(out)
}

/// Read a column that was encoded with this shape and dictionary.
pub(crate) fn decode(
    take: &mut Take<'_>,
    shape: Shape,
    dictionary: Option<&DDict<'static>>,
) -> Option<Vec<u8>> {
    let codec = take.u8()?;
    let length = usize::try_from(take.varint()?).ok().filter(|length| *length <= LIMIT)?;
    if codec == RAW {
        return Some(take.take(length)?.to_vec());
    }
    let stored = usize::try_from(take.varint()?).ok()?;
    let bytes = decompress(take.take(stored)?, length, dictionary)?;
    if codec == ZSTD {
        return Some(bytes);
    }
    let (widths, big) = shape.widths()?;
    let total: usize = widths.iter().sum();
    if length % total != 0 {
        return None;
    }
    let mut bytes = unshuffle(&bytes, total);
    match codec {
        SHUFFLE => {}
        DELTA => delta(&mut bytes, widths, big, true),
        _ => return None,
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHAPES: [Shape; 4] =
        [Shape::Bytes, Shape::Numbers(&[8, 4, 1]), Shape::Keys(&[8, 8]), Shape::Numbers(&[32, 8])];

    fn round(bytes: &[u8], shape: Shape, dictionary: &[u8]) -> (u8, usize) {
        let mut out = Vec::new();
        Encoder::new(dictionary).unwrap().encode(bytes, shape, &mut out);
        let prepared = (!dictionary.is_empty()).then(|| DDict::create(dictionary));
        let mut take = Take::new(&out);
        assert_eq!(decode(&mut take, shape, prepared.as_ref()).unwrap(), bytes);
        assert!(take.is_at_end());
        (out[0], out.len())
    }

    proptest! {
        /// Any column reads back in whatever encoding it was given.
        #[test]
        fn columns_read_back(
            which in 0..SHAPES.len(),
            seed in prop::collection::vec(any::<u8>(), 0..600),
            step in 0_u64..9,
        ) {
            let shape = SHAPES[which];
            let total = shape.widths().map_or(1, |(widths, _)| widths.iter().sum());
            let mut bytes = seed.clone();
            bytes.truncate(seed.len() / total * total);
            round(&bytes, shape, b"");
            // Numbers that grow, which the other encodings are for.
            for (index, entry) in bytes.chunks_exact_mut(total).enumerate() {
                let last = total.min(8);
                entry[total - last..].fill(0);
                entry[total - 1] = (index as u64 * step).to_le_bytes()[0];
            }
            round(&bytes, shape, b"");
            round(&bytes, shape, &b"a dictionary of some bytes that come again".repeat(4));
        }

        /// Rubbish is refused or read as something, and never more than it may take.
        #[test]
        fn rubbish_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..200), which in 0..SHAPES.len()) {
            drop(decode(&mut Take::new(&bytes), SHAPES[which], None));
        }
    }

    /// Each encoding is chosen where it is the smallest.
    #[test]
    fn the_smallest_is_chosen() {
        let text = b"all the same ".repeat(30);
        assert_eq!(round(&text, Shape::Bytes, b"").0, ZSTD);
        let random: Vec<u8> = blake3::hash(b"x").as_bytes().to_vec();
        assert_eq!(round(&random, Shape::Bytes, b"").0, RAW);
        let growing: Vec<u8> = (0..200_u64).flat_map(|n| (n * n * 977).to_le_bytes()).collect();
        assert_eq!(round(&growing, Shape::Numbers(&[8]), b"").0, DELTA);
        let mut hash = 1_u64;
        let low: Vec<u8> = (0..200_u64)
            .flat_map(|_| {
                hash = hash.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (hash >> 52).to_le_bytes()
            })
            .collect();
        assert_eq!(round(&low, Shape::Numbers(&[8]), b"").0, SHUFFLE);
    }
}
