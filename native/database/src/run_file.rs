//! What stands in a run's file before and behind its blocks: header, index, footer. FORMAT.md draws
//! them.

use std::collections::HashSet;

use crate::bytes::{Put, Take, checksum, seal, verified};
use crate::codec::{Encoder, Shape, decode};
use crate::column::Column;
use crate::disk::{Access, Disk, read_full};
use crate::manifest::RunEntry;

const MAGIC: [u8; 8] = *b"PRDBrun\x1a";
/// The version that is written.
pub(crate) const FORMAT: u32 = 3;
/// The version without filters and last keys, which is still read.
pub(crate) const UNFILTERED: u32 = 2;
/// Bytes of the header.
pub(crate) const HEADER: usize = 64;
/// Bytes of the footer.
pub(crate) const FOOTER: usize = 80;
/// Bytes of the footer of an unfiltered run.
pub(crate) const OLD_FOOTER: usize = 64;
/// Numbers of one block in the index: bytes of the light and the heavy part, entries,
/// checksums of both parts.
const PLACE: Shape = Shape::Numbers(&[4, 4, 4, 8, 8]);
const PLACE_BYTES: usize = 28;

/// Where a block stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) light: u32,
    pub(crate) heavy: u32,
    pub(crate) count: u32,
    pub(crate) light_check: u64,
    pub(crate) heavy_check: u64,
}

/// Which run of which tree.
pub(crate) fn name(tree: u8, number: u64) -> String {
    format!("{tree:02}-{number:08}.run")
}

/// Names of the files of some runs.
pub(crate) fn names(entries: &[RunEntry]) -> HashSet<String> {
    entries.iter().map(|entry| name(entry.tree, entry.number)).collect()
}

/// Whether a file's name is that of some run.
pub(crate) fn is_name(name: &str) -> bool {
    name.strip_suffix(".run")
        .and_then(|stem| stem.split_once('-'))
        .is_some_and(|(tree, number)| tree.parse::<u8>().is_ok() && number.parse::<u64>().is_ok())
}

/// The first bytes of a run.
pub(crate) fn header(tree: u8, number: u64, salt: u64) -> Vec<u8> {
    header_of(FORMAT, tree, number, salt)
}

pub(crate) fn header_of(format: u32, tree: u8, number: u64, salt: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER);
    bytes.put(&MAGIC);
    bytes.put_u32(format);
    bytes.put_u32(tree.into());
    bytes.put_u64(number);
    bytes.put_u64(salt);
    bytes.put(&[0; 24]);
    seal(&mut bytes);
    debug_assert_eq!(bytes.len(), HEADER);
    bytes
}

/// What stands behind the blocks: the dictionary, the index, the filter, and this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    /// Where the dictionary begins; the index follows it, the filter that, then the footer.
    pub(crate) dictionary: u64,
    pub(crate) index: u64,
    pub(crate) filter: u64,
    pub(crate) blocks: u32,
    pub(crate) dictionary_check: u64,
    pub(crate) index_check: u64,
    pub(crate) filter_check: u64,
    pub(crate) entries: u64,
}

impl Footer {
    pub(crate) fn encode(&self, salt: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FOOTER);
        bytes.put_u64(salt);
        bytes.put_u64(self.dictionary);
        bytes.put_u64(self.index);
        bytes.put_u64(self.filter);
        bytes.put_u64(self.dictionary_check);
        bytes.put_u64(self.index_check);
        bytes.put_u64(self.filter_check);
        bytes.put_u64(self.entries);
        bytes.put_u32(self.blocks);
        bytes.put_u32(0);
        seal(&mut bytes);
        debug_assert_eq!(bytes.len(), FOOTER);
        bytes
    }

    /// Read the footer at `end`, where the filter ends.
    pub(crate) fn decode(bytes: &[u8], salt: u64, end: u64, format: u32) -> Option<Self> {
        let filtered = format > UNFILTERED;
        let mut take = Take::new(verified(bytes)?);
        (take.u64()? == salt).then_some(())?;
        let footer = Self {
            dictionary: take.u64()?,
            index: take.u64()?,
            filter: if filtered { take.u64()? } else { end },
            dictionary_check: take.u64()?,
            index_check: take.u64()?,
            filter_check: if filtered { take.u64()? } else { checksum(&[]) },
            entries: take.u64()?,
            blocks: take.u32()?,
        };
        let order = [HEADER as u64, footer.dictionary, footer.index, footer.filter, end];
        order.is_sorted().then_some(footer)
    }
}

/// The stored form of the index; `keys` are the first of each block, then the run's last.
pub(crate) fn encode_index(keys: &Column, places: &[Place], encoder: &mut Encoder) -> Vec<u8> {
    let mut out = Vec::new();
    keys.encode_sorted(encoder, &mut out);
    let mut numbers = Vec::with_capacity(places.len() * PLACE_BYTES);
    for place in places {
        numbers.put_u32(place.light);
        numbers.put_u32(place.heavy);
        numbers.put_u32(place.count);
        numbers.put_u64(place.light_check);
        numbers.put_u64(place.heavy_check);
    }
    encoder.encode(&numbers, PLACE, &mut out);
    out
}

/// Read the index of a run with `blocks` blocks and `keys` keys, whose blocks end at `end`.
pub(crate) fn decode_index(
    bytes: &[u8],
    keys: usize,
    blocks: u32,
    end: u64,
) -> Option<(Column, Vec<Place>)> {
    let mut take = Take::new(bytes);
    let keys = Column::decode_sorted(&mut take, keys)?;
    let numbers = decode(&mut take, PLACE, None)?;
    (take.is_at_end() && numbers.len() == blocks as usize * PLACE_BYTES).then_some(())?;
    let mut take = Take::new(&numbers);
    let mut places = Vec::new();
    places.try_reserve_exact(blocks as usize).ok()?;
    let mut offset = HEADER as u64;
    for _ in 0..blocks {
        let (light, heavy, count) = (take.u32()?, take.u32()?, take.u32()?);
        let (light_check, heavy_check) = (take.u64()?, take.u64()?);
        places.push(Place { offset, light, heavy, count, light_check, heavy_check });
        offset = offset.checked_add(u64::from(light))?.checked_add(u64::from(heavy))?;
    }
    (offset == end).then_some((keys, places))
}

/// What a file says of itself, if it is a run of this library's format.
pub(crate) fn identify(disk: &dyn Disk, name: &str) -> Option<RunEntry> {
    if !is_name(name) {
        return None;
    }
    let file = disk.open(name, Access::Read).ok()?;
    let length = file.length().ok()?;
    let mut first = [0; HEADER];
    read_full(file.as_ref(), &mut first, 0).ok()?;
    let mut take = Take::new(verified(&first)?);
    (take.array() == Some(MAGIC)).then_some(())?;
    let format = take.u32()?;
    let tree = u8::try_from(take.u32()?).ok()?;
    let (number, salt) = (take.u64()?, take.u64()?);
    let mut footer = vec![0; if format > UNFILTERED { FOOTER } else { OLD_FOOTER }];
    let end = length.checked_sub(footer.len() as u64)?;
    read_full(file.as_ref(), &mut footer, end).ok()?;
    let entries = Footer::decode(&footer, salt, end, format)?.entries;
    Some(RunEntry { tree, number, salt, length, entries })
}
