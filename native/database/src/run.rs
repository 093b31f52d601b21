//! Runs: immutable files of one tree's entries in key order. FORMAT.md draws them.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use zstd::zstd_safe::DDict;

use crate::block::{Light, Part, Schema};
use crate::bytes::{Text, checksum};
use crate::cache::{Cache, Slots};
use crate::codec::Shape;
use crate::column::Column;
use crate::disk::{Access, Disk, DiskFile, read_full};
use crate::error::{Context, Error, Result};
use crate::filter::Filter;
use crate::heads::{count_below, head_of};
use crate::manifest::RunEntry;
use crate::ready::ReadyBuilder;
use crate::run_file::{
    FOOTER, FORMAT, Footer, HEADER, OLD_FOOTER, Place, UNFILTERED, decode_index, header_of, name,
};

/// An open run. Whoever holds one can read it, also once its name is gone.
pub(crate) struct Run {
    pub(crate) entry: RunEntry,
    schema: &'static Schema,
    file: Arc<dyn DiskFile>,
    path: String,
    /// The first key of each block.
    keys: Column,
    /// Their first eight bytes, where keys are numbers.
    heads: Vec<u64>,
    /// The last key of all; None where the run does not tell.
    last: Option<Vec<u8>>,
    /// The first and the last key, where they are numbers of eight bytes.
    span: Option<(u64, u64)>,
    filter: Filter,
    places: Vec<Place>,
    dictionary: Option<DDict<'static>>,
    cache: Arc<Cache>,
    /// Decoded parts of blocks.
    light: Arc<Slots>,
    heavy: Arc<Slots>,
    /// Both, made ready to be handed out.
    ready: Arc<Slots>,
}

impl fmt::Debug for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Run({})", self.path)
    }
}

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
        // What stands between the blocks and the footer, at once.
        let held = read(footer.dictionary, end - footer.dictionary)?;
        let part = |from: u64, to: u64| {
            let place = |offset: u64| usize::try_from(offset - footer.dictionary).ok();
            let range = place(from).zip(place(to)).map(|(from, to)| from..to);
            range.and_then(|range| held.get(range)).unwrap_or_default()
        };
        let bytes = part(footer.dictionary, footer.index);
        if checksum(bytes) != footer.dictionary_check {
            return Err(corrupt(footer.dictionary, "its dictionary has a wrong checksum"));
        }
        let dictionary = (!bytes.is_empty()).then(|| DDict::create(bytes));
        let bytes = part(footer.index, footer.filter);
        if checksum(bytes) != footer.index_check {
            return Err(corrupt(footer.index, "its index has a wrong checksum"));
        }
        let count = footer.blocks as usize + usize::from(format > UNFILTERED);
        let (mut keys, places) = decode_index(bytes, count, footer.blocks, footer.dictionary)
            .ok_or_else(|| corrupt(footer.index, "its index cannot be read"))?;
        let last = if format > UNFILTERED { keys.pop() } else { None };
        let heads = if schema.key == Shape::Bytes { Vec::new() } else { keys.heads() };
        let bytes = part(footer.filter, end);
        if checksum(bytes) != footer.filter_check {
            return Err(corrupt(footer.filter, "its filter has a wrong checksum"));
        }
        let filter = Filter::decode(bytes)
            .ok_or_else(|| corrupt(footer.filter, "its filter cannot be read"))?;
        if footer.entries != entry.entries {
            return Err(corrupt(end, "it has another number of entries than the manifest says"));
        }
        let last_head = last.as_deref().filter(|_| schema.key == Shape::Keys(&[8])).map(head_of);
        let span = heads.first().copied().zip(last_head);
        let cache = Arc::clone(cache);
        let [light, heavy, ready] = [(); 3].map(|()| Slots::new(places.len()));
        Ok(Self {
            entry,
            schema,
            file,
            path,
            keys,
            heads,
            last,
            span,
            filter,
            places,
            dictionary,
            cache,
            light,
            heavy,
            ready,
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
        let slots = if heavy { &self.heavy } else { &self.light };
        if let Some(part) = slots.get(block) {
            return Ok(part);
        }
        let mut part = self.load(block, heavy)?;
        if let Some(slabs) = self.cache.slabs().filter(|_| keep) {
            part.settle(slabs);
        }
        let part = Arc::new(part);
        if keep {
            self.cache.put(slots, block, &part);
        }
        Ok(part)
    }

    /// The block that would hold `key`, made ready by `make` from its decoded parts; None where
    /// no block holds it.
    pub(crate) fn ready(
        self: &Arc<Self>,
        key: &[u8],
        make: impl FnOnce(&mut RunIter, usize) -> Result<ReadyBuilder>,
    ) -> Result<Option<Arc<Part>>> {
        if self.last.as_deref().is_some_and(|last| key > last) {
            return Ok(None);
        }
        let Some(block) = self.block_of(key) else { return Ok(None) };
        if let Some(part) = self.ready.get(block) {
            return Ok(Some(part));
        }
        let mut walk = RunIter::of_block(self, block)?;
        let count = self.places.get(block).map_or(0, |place| place.count as usize);
        let ready = make(&mut walk, count)?.finish(self.cache.slabs());
        let part = Arc::new(Part::Ready(ready));
        self.cache.put(&self.ready, block, &part);
        Ok(Some(part))
    }

    /// Whether a key with this hash may be there; None of it is known.
    pub(crate) fn may_hold(&self, hash: Option<u64>) -> bool {
        hash.is_none_or(|hash| self.filter.may_hold(hash))
    }

    /// How many blocks begin below `key`.
    fn blocks_below(&self, key: &[u8]) -> usize {
        if self.heads.is_empty() {
            return self.keys.count_below(key, None);
        }
        let head = head_of(key);
        let low = count_below(&self.heads, head);
        let like = self.heads.iter().skip(low).take_while(|held| **held == head).count();
        self.keys.count_below_within(key, low, low + like)
    }

    /// Whether `key` lies between the first key and the last.
    pub(crate) fn spans(&self, key: &[u8]) -> bool {
        match self.span {
            Some((first, last)) if key.len() == 8 => (first..=last).contains(&head_of(key)),
            _ => self.keys.get(0) <= key && self.last.as_deref().is_none_or(|last| key <= last),
        }
    }

    /// The beginnings of the first key of a block and of that behind it, where keys are numbers.
    fn heads_around(&self, block: usize) -> Option<(u64, u64)> {
        Some((*self.heads.get(block)?, *self.heads.get(block + 1)?))
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
        // Mostly the beginnings, which are near, tell that it is no block's first.
        let like = self.heads.get(below).is_none_or(|head| *head == head_of(key));
        if like && below < self.keys.len() && self.keys.get(below) == key {
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

/// The light part that a part is.
fn light(part: &Part) -> &Light {
    match part {
        Part::Light(light) => light,
        Part::Heavy(_) | Part::Ready(_) => &NOTHING,
    }
}

impl At {
    /// The entry with exactly this key.
    pub(crate) fn find(run: &Arc<Run>, key: &[u8]) -> Result<Option<Self>> {
        if run.last.as_deref().is_some_and(|last| key > last) {
            return Ok(None);
        }
        let Some(block) = run.block_of(key) else { return Ok(None) };
        let part = run.part(block, false, true)?;
        let at = Self { run: Arc::clone(run), part, block, index: 0 };
        let index = at.count_below(key);
        Ok((at.light().keys.get(index) == key && index < at.light().len())
            .then_some(Self { index, ..at }))
    }

    /// How many of the block's keys are less than `key`.
    fn count_below(&self, key: &[u8]) -> usize {
        self.light().keys.count_below(key, self.run.heads_around(self.block))
    }

    pub(crate) fn light(&self) -> &Light {
        light(&self.part)
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
        let at = Some((self.run.heavy.number(), self.block));
        if window.at != at {
            *window = Window { at, part: None };
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
    at: Option<(usize, usize)>,
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
            let mut index = at.count_below(key);
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

/// Walks over a run's keys alone, in order. Cheaper to begin than a walk over entries.
#[derive(Debug)]
pub(crate) struct KeyWalk<'a> {
    run: &'a Run,
    part: Arc<Part>,
    block: usize,
    index: usize,
}

impl<'a> KeyWalk<'a> {
    /// Begin at the first key that is not less than `from`.
    pub(crate) fn new(run: &'a Run, from: &[u8]) -> Result<Self> {
        let block = run.block_of(from).unwrap_or(0);
        let part = run.part(block, false, true)?;
        let index = light(&part).keys.count_below(from, run.heads_around(block));
        let mut walk = Self { run, part, block, index };
        walk.settle()?;
        Ok(walk)
    }

    /// The key that it stands at, and whether it is no tombstone; None at the end.
    pub(crate) fn at(&self) -> Option<(&[u8], bool)> {
        let light = light(&self.part);
        (self.index < light.len())
            .then(|| (light.keys.get(self.index), light.is_present(self.index)))
    }

    pub(crate) fn advance(&mut self) -> Result<()> {
        self.index += 1;
        self.settle()
    }

    /// Go on to the next block at the end of one.
    fn settle(&mut self) -> Result<()> {
        while self.index >= light(&self.part).len() && self.block + 1 < self.run.blocks() {
            self.block += 1;
            self.part = self.run.part(self.block, false, true)?;
            self.index = 0;
        }
        Ok(())
    }
}
