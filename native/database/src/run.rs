//! Runs: immutable files of one tree's entries in key order. FORMAT.md draws them.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use zstd::zstd_safe::DDict;

use crate::block::{Column, Light, Part, Ready, Schema};
use crate::bytes::{Put, Take, checksum, seal, verified};
use crate::cache::{Cache, PartId, PartKind};
use crate::codec::{Encoder, Shape, decode};
use crate::disk::{Access, Disk, DiskFile, read_full};
use crate::error::{Context, Error, Result};
use crate::filter::Filter;
use crate::heads::{count_below, head_of, heads_of};
use crate::manifest::RunEntry;
use crate::row::Text;

const MAGIC: [u8; 8] = *b"PRDBrun\x1a";
/// The version that is written.
const FORMAT: u32 = 3;
/// The version without filters and last keys, which is still read.
const UNFILTERED: u32 = 2;
/// Bytes of the header.
pub(crate) const HEADER: usize = 64;
/// Bytes of the footer.
pub(crate) const FOOTER: usize = 80;
/// Bytes of the footer of an unfiltered run.
const OLD_FOOTER: usize = 64;
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

fn header_of(format: u32, tree: u8, number: u64, salt: u64) -> Vec<u8> {
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
    fn decode(bytes: &[u8], salt: u64, end: u64, format: u32) -> Option<Self> {
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
fn decode_index(bytes: &[u8], keys: usize, blocks: u32, end: u64) -> Option<(Column, Vec<Place>)> {
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

/// An open run. Whoever holds one can read it, also once its name is gone.
pub(crate) struct Run {
    pub(crate) entry: RunEntry,
    /// Unique in this process.
    id: u64,
    schema: &'static Schema,
    file: Arc<dyn DiskFile>,
    path: String,
    /// The first key of each block.
    keys: Column,
    /// Their first eight bytes, where keys are numbers.
    heads: Vec<u64>,
    /// The last key of all; None where the run does not tell.
    last: Option<Vec<u8>>,
    filter: Filter,
    places: Vec<Place>,
    dictionary: Option<DDict<'static>>,
    cache: Arc<Cache>,
}

impl fmt::Debug for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Run({})", self.path)
    }
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

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl Run {
    /// Open the file that the manifest means, and verify all of it but the blocks.
    pub(crate) fn open(
        disk: &dyn Disk,
        entry: RunEntry,
        schema: &'static Schema,
        cache: &Arc<Cache>,
    ) -> Result<Self> {
        let name = name(entry.tree, entry.number);
        let path = format!("{}/{name}", disk.place());
        let file = disk.open(&name, Access::Read).doing(|| format!("open {path}"))?;
        let corrupt = |offset: u64, what: &str| Error::Corrupt {
            file: path.clone(),
            offset,
            what: what.to_owned(),
        };
        let read = |offset: u64, length: u64| -> Result<Vec<u8>> {
            let mut bytes = Vec::new();
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            bytes.try_reserve_exact(length).map_err(|_| corrupt(offset, "its length is absurd"))?;
            bytes.resize(length, 0);
            let count = read_full(file.as_ref(), &mut bytes, offset);
            if count.doing(|| format!("read {path}"))? < length {
                return Err(corrupt(offset, "the file ends too early"));
            }
            Ok(bytes)
        };
        let first = read(0, HEADER as u64)?;
        let is = |format| first == header_of(format, entry.tree, entry.number, entry.salt);
        let format = [FORMAT, UNFILTERED]
            .into_iter()
            .find(|format| is(*format))
            .ok_or_else(|| corrupt(0, "its header is broken or belongs to another run"))?;
        let footer_bytes = if format > UNFILTERED { FOOTER } else { OLD_FOOTER };
        let length = file.length().doing(|| format!("measure {path}"))?;
        if length != entry.length || length < (HEADER + footer_bytes) as u64 {
            return Err(corrupt(length, "the file has another length than it was written with"));
        }
        let end = length - footer_bytes as u64;
        let footer = Footer::decode(&read(end, footer_bytes as u64)?, entry.salt, end, format)
            .ok_or_else(|| corrupt(end, "its footer is broken"))?;
        let bytes = read(footer.dictionary, footer.index - footer.dictionary)?;
        if checksum(&bytes) != footer.dictionary_check {
            return Err(corrupt(footer.dictionary, "its dictionary has a wrong checksum"));
        }
        let dictionary = (!bytes.is_empty()).then(|| DDict::create(&bytes));
        let bytes = read(footer.index, footer.filter - footer.index)?;
        if checksum(&bytes) != footer.index_check {
            return Err(corrupt(footer.index, "its index has a wrong checksum"));
        }
        let count = footer.blocks as usize + usize::from(format > UNFILTERED);
        let (mut keys, places) = decode_index(&bytes, count, footer.blocks, footer.dictionary)
            .ok_or_else(|| corrupt(footer.index, "its index cannot be read"))?;
        let last = if format > UNFILTERED { keys.pop() } else { None };
        let heads = if schema.key == Shape::Bytes { Vec::new() } else { heads_of(&keys) };
        let bytes = read(footer.filter, end - footer.filter)?;
        if checksum(&bytes) != footer.filter_check {
            return Err(corrupt(footer.filter, "its filter has a wrong checksum"));
        }
        let filter = Filter::decode(&bytes)
            .ok_or_else(|| corrupt(footer.filter, "its filter cannot be read"))?;
        if footer.entries != entry.entries {
            return Err(corrupt(end, "it has another number of entries than the manifest says"));
        }
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let cache = Arc::clone(cache);
        Ok(Self {
            entry,
            id,
            schema,
            file,
            path,
            keys,
            heads,
            last,
            filter,
            places,
            dictionary,
            cache,
        })
    }

    /// The file's path, for messages.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The file's name.
    pub(crate) fn name(&self) -> String {
        name(self.entry.tree, self.entry.number)
    }

    pub(crate) fn schema(&self) -> &'static Schema {
        self.schema
    }

    pub(crate) fn blocks(&self) -> usize {
        self.places.len()
    }

    /// Fill `buffer` from the file as it is.
    pub(crate) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        read_full(self.file.as_ref(), buffer, offset).doing(|| format!("read {}", self.path))
    }

    pub(crate) fn corrupt(&self, offset: u64, what: impl Into<String>) -> Error {
        Error::Corrupt { file: self.path.clone(), offset, what: what.into() }
    }

    fn part_bytes(&self, offset: u64, length: u32, check: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length as usize];
        if self.read(&mut bytes, offset)? < bytes.len() {
            return Err(self.corrupt(offset, "the file ends too early"));
        }
        if checksum(&bytes) != check {
            return Err(self.corrupt(offset, "a block has a wrong checksum"));
        }
        Ok(bytes)
    }

    /// Read and decode a part of a block, past the cache.
    fn load(&self, block: usize, heavy: bool) -> Result<Part> {
        let missing = || Error::Internal(format!("{} has no block {block}", self.path));
        let place = self.places.get(block).ok_or_else(missing)?;
        let (offset, part) = if heavy {
            let offset = place.offset + u64::from(place.light);
            let bytes = self.part_bytes(offset, place.heavy, place.heavy_check)?;
            (offset, Part::heavy(&bytes, place.count as usize, self.dictionary.as_ref()))
        } else {
            let bytes = self.part_bytes(place.offset, place.light, place.light_check)?;
            let part = Part::light(&bytes, self.schema);
            let whole = |part: &Part| match part {
                Part::Light(light) => light.len() == place.count as usize,
                Part::Heavy(_) | Part::Ready(_) => false,
            };
            (place.offset, part.filter(whole))
        };
        part.ok_or_else(|| self.corrupt(offset, "a block cannot be read"))
    }

    /// A part of a block, from memory if it is there.
    pub(crate) fn part(&self, block: usize, heavy: bool, keep: bool) -> Result<Arc<Part>> {
        let kind = if heavy { PartKind::Heavy } else { PartKind::Light };
        let id = PartId::new(self.id, block, kind);
        if let Some(part) = self.cache.get(id) {
            return Ok(part);
        }
        let part = Arc::new(self.load(block, heavy)?);
        if keep {
            self.cache.put(id, &part);
        }
        Ok(part)
    }

    /// The block that would hold `key`, made ready by `make` from its decoded parts; None where
    /// no block holds it.
    pub(crate) fn ready(
        self: &Arc<Self>,
        key: &[u8],
        make: impl FnOnce(&mut RunIter, usize) -> Result<Ready>,
    ) -> Result<Option<Arc<Part>>> {
        if self.last.as_deref().is_some_and(|last| key > last) {
            return Ok(None);
        }
        let Some(block) = self.block_of(key) else { return Ok(None) };
        let id = PartId::new(self.id, block, PartKind::Ready);
        if let Some(part) = self.cache.get(id) {
            return Ok(Some(part));
        }
        let mut walk = RunIter::of_block(self, block)?;
        let count = self.places.get(block).map_or(0, |place| place.count as usize);
        let part = Arc::new(Part::Ready(make(&mut walk, count)?));
        self.cache.put(id, &part);
        Ok(Some(part))
    }

    /// Whether a key with this hash may be there; None of it is known.
    pub(crate) fn may_hold(&self, hash: Option<u64>) -> bool {
        hash.is_none_or(|hash| self.filter.may_hold(hash))
    }

    /// How many blocks begin below `key`.
    fn blocks_below(&self, key: &[u8]) -> usize {
        if self.heads.is_empty() {
            return self.keys.count_below(key);
        }
        let head = head_of(key);
        let low = count_below(&self.heads, head);
        let like = self.heads.iter().skip(low).take_while(|held| **held == head).count();
        self.keys.count_below_within(key, low, low + like)
    }

    /// Whether `key` lies between the first key and the last.
    pub(crate) fn spans(&self, key: &[u8]) -> bool {
        self.keys.get(0) <= key && self.last.as_deref().is_none_or(|last| key <= last)
    }

    /// The block that would hold `key`; None where it is less than all.
    fn block_of(&self, key: &[u8]) -> Option<usize> {
        if self.schema.key == Shape::Keys(&[8]) && key.len() == 8 {
            // The beginnings are the whole keys.
            let after = head_of(key).checked_add(1);
            let begun = after.map_or(self.heads.len(), |after| count_below(&self.heads, after));
            return begun.checked_sub(1);
        }
        let below = self.blocks_below(key);
        if below < self.keys.len() && self.keys.get(below) == key {
            return Some(below);
        }
        below.checked_sub(1)
    }
}

/// Where an entry stands in a run, with the light part of its block.
#[derive(Clone, Debug)]
pub(crate) struct At {
    pub(crate) run: Arc<Run>,
    part: Arc<Part>,
    block: usize,
    index: usize,
}

static NOTHING: std::sync::LazyLock<Light> = std::sync::LazyLock::new(Light::default);

impl At {
    /// The entry with exactly this key.
    pub(crate) fn find(run: &Arc<Run>, key: &[u8]) -> Result<Option<Self>> {
        if run.last.as_deref().is_some_and(|last| key > last) {
            return Ok(None);
        }
        let Some(block) = run.block_of(key) else { return Ok(None) };
        let part = run.part(block, false, true)?;
        let at = Self { run: Arc::clone(run), part, block, index: 0 };
        let index = at.light().keys.count_below(key);
        Ok((at.light().keys.get(index) == key && index < at.light().len())
            .then_some(Self { index, ..at }))
    }

    pub(crate) fn light(&self) -> &Light {
        match &*self.part {
            Part::Light(light) => light,
            Part::Heavy(_) | Part::Ready(_) => &NOTHING,
        }
    }

    pub(crate) fn key(&self) -> &[u8] {
        self.light().keys.get(self.index)
    }

    pub(crate) fn is_present(&self) -> bool {
        self.light().is_present(self.index)
    }

    /// A light column's text.
    pub(crate) fn column(&self, column: usize) -> &[u8] {
        self.light().get(column, self.index)
    }

    /// Where the heavy column's text stands.
    pub(crate) fn heavy(&self) -> Heavy {
        Heavy { run: Arc::clone(&self.run), block: self.block, index: self.index }
    }
}

/// Where a heavy column's text stands.
#[derive(Clone, Debug)]
pub(crate) struct Heavy {
    run: Arc<Run>,
    block: usize,
    index: usize,
}

impl Heavy {
    pub(crate) fn load(&self) -> Result<Text> {
        let part = self.run.part(self.block, true, true)?;
        Ok(text(&part, self.index).into())
    }

    /// The text; the block that it stands in stays in `window` until the next.
    pub(crate) fn load_through<'a>(&self, window: &'a mut Window) -> Result<&'a [u8]> {
        if window.at != Some((self.run.id, self.block)) {
            window.part = None;
            window.at = Some((self.run.id, self.block));
        }
        let part = match window.part.take() {
            Some(part) => part,
            None => self.run.part(self.block, true, false)?,
        };
        Ok(text(window.part.insert(part), self.index))
    }
}

fn text(part: &Part, index: usize) -> &[u8] {
    match part {
        Part::Heavy(column) => column.get(index),
        Part::Light(_) | Part::Ready(_) => &[],
    }
}

/// The heavy part that was read last.
#[derive(Debug, Default)]
pub(crate) struct Window {
    at: Option<(u64, usize)>,
    part: Option<Arc<Part>>,
}

/// Walks over a run's entries in key order.
#[derive(Debug)]
pub(crate) struct RunIter {
    run: Arc<Run>,
    at: Option<At>,
    /// Whether what is read stays in the cache.
    keep: bool,
}

impl RunIter {
    /// Begin at `from`.
    pub(crate) fn new(run: &Arc<Run>, from: Bound<&[u8]>, keep: bool) -> Result<Self> {
        let mut walk = Self { run: Arc::clone(run), at: None, keep };
        let (key, block) = match from {
            Bound::Unbounded => (None, 0),
            Bound::Included(key) | Bound::Excluded(key) => {
                (Some(key), run.block_of(key).unwrap_or(0))
            }
        };
        walk.enter(block)?;
        if let (Some(key), Some(at)) = (key, &mut walk.at) {
            let mut index = at.light().keys.count_below(key);
            if from == Bound::Excluded(key) && at.light().keys.get(index) == key {
                index += 1;
            }
            at.index = index;
            walk.settle()?;
        }
        Ok(walk)
    }

    /// Stand at the first entry of a block.
    pub(crate) fn of_block(run: &Arc<Run>, block: usize) -> Result<Self> {
        let mut walk = Self { run: Arc::clone(run), at: None, keep: false };
        walk.enter(block)?;
        Ok(walk)
    }

    fn enter(&mut self, block: usize) -> Result<()> {
        self.at = None;
        if block < self.run.blocks() {
            let part = self.run.part(block, false, self.keep)?;
            self.at = Some(At { run: Arc::clone(&self.run), part, block, index: 0 });
            self.settle()?;
        }
        Ok(())
    }

    /// Go on to the next block at the end of one.
    fn settle(&mut self) -> Result<()> {
        match &self.at {
            Some(at) if at.index >= at.light().len() => {
                let next = at.block + 1;
                self.enter(next)
            }
            _ => Ok(()),
        }
    }

    /// The entry that it stands at; None at the end.
    pub(crate) fn at(&self) -> Option<&At> {
        self.at.as_ref()
    }

    /// Step on, but not into the next block.
    pub(crate) fn advance_within(&mut self) {
        match &mut self.at {
            Some(at) if at.index + 1 < at.light().len() => at.index += 1,
            _ => self.at = None,
        }
    }

    pub(crate) fn advance(&mut self) -> Result<()> {
        if let Some(at) = &mut self.at {
            at.index += 1;
        }
        self.settle()
    }
}
