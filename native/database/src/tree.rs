//! Trees: sorted maps from byte keys to values, partly in memory, partly in runs.
//!
//! A copy costs nothing and stays as it is for ever. What is in memory lies over the runs,
//! newer runs over older ones; a removal is an entry too, a tombstone, as long as anything
//! below may hold the key.

use std::fmt::Debug;
use std::iter::Peekable;
use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;

use crate::block::Schema;
use crate::bytes::Text;
use crate::error::Result;
use crate::filter::MemoryFilter;
use crate::run::{At, KeyWalk, Run, RunIter};

/// What an entry takes in memory beside its bytes, about.
const OVERHEAD: usize = 120;

/// A tree's values, as they stand in runs.
pub(crate) trait Value: Clone + Debug {
    /// The tree's number.
    const TREE: u8;
    /// What its runs' blocks are made of.
    const SCHEMA: &'static Schema;

    /// The columns, the heavy one last.
    fn columns(&self) -> Result<Vec<Text>>;

    /// Read an entry; None where it is not what `columns` made.
    fn read(at: &At) -> Option<Self>;

    /// Bytes in memory beside those that all values take.
    fn weight(&self) -> usize;
}

/// The key that comes next; None behind the last.
fn successor<const N: usize>(mut key: [u8; N]) -> Option<[u8; N]> {
    let grows = key.iter_mut().rev().find_map(|byte| {
        *byte = byte.wrapping_add(1);
        (*byte != 0).then_some(())
    });
    grows.map(|()| key)
}

/// Entries in memory; None for a tombstone.
#[derive(Clone, Debug)]
struct Memory<V: Clone> {
    entries: OrdMap<Text, Option<V>>,
    /// Shared with copies, older ones too.
    filter: Arc<MemoryFilter>,
}

impl<V: Clone> Default for Memory<V> {
    fn default() -> Self {
        Self { entries: OrdMap::new(), filter: Arc::default() }
    }
}

impl<V: Value> Memory<V> {
    fn put(&mut self, key: Text, value: Option<V>) {
        if let Some(hash) = V::SCHEMA.hash(&key) {
            self.filter.add(hash);
        }
        self.entries.insert(key, value);
    }

    fn get(&self, key: &[u8], hash: Option<u64>) -> Option<&Option<V>> {
        if self.filter.may_hold(hash) { self.entries.get(key) } else { None }
    }
}

/// The tree.
#[derive(Clone, Debug)]
pub(crate) struct Tree<V: Value> {
    memory: Memory<V>,
    /// What a checkpoint is writing.
    frozen: Option<Memory<V>>,
    /// The newest first.
    runs: Arc<[Arc<Run>]>,
    weight: usize,
}

impl<V: Value> Default for Tree<V> {
    fn default() -> Self {
        Self { memory: Memory::default(), frozen: None, runs: [].into(), weight: 0 }
    }
}

fn read<V: Value>(at: &At) -> Result<V> {
    let broken = || at.run.corrupt(0, format!("an entry of {} cannot be read", V::SCHEMA.name));
    V::read(at).ok_or_else(broken)
}

impl<V: Value> Tree<V> {
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<V>> {
        let (held, runs) = self.layers(key);
        if let Some(held) = held {
            return Ok(held.clone());
        }
        for run in runs {
            if let Some(at) = At::find(run, key)? {
                return if at.is_present() { read(&at).map(Some) } else { Ok(None) };
            }
        }
        Ok(None)
    }

    pub(crate) fn contains(&self, key: &[u8]) -> Result<bool> {
        let (held, runs) = self.layers(key);
        if let Some(held) = held {
            return Ok(held.is_some());
        }
        for run in runs {
            if let Some(at) = At::find(run, key)? {
                return Ok(at.is_present());
            }
        }
        Ok(false)
    }

    /// The keys that begin with what filters know of keys, `prefix`, from `from` on. Cheaper than
    /// a walk, where few keys begin so.
    pub(crate) fn keys_under<const N: usize>(
        &self,
        prefix: &[u8],
        from: [u8; N],
    ) -> Result<Under<'_, V, N>> {
        debug_assert_eq!(prefix.len(), V::SCHEMA.filtered);
        let hash = V::SCHEMA.hash(prefix);
        // Mostly one run alone may hold them, and nothing in memory.
        let (mut first, mut others) = (None, Vec::new());
        for run in self.runs.iter().filter(|run| run.may_hold(hash)) {
            let walk = KeyWalk::new(run, &from)?;
            match first {
                None => first = Some(walk),
                Some(_) => others.push(walk),
            }
        }
        let memory = [Some(&self.memory), self.frozen.as_ref()]
            .map(|layer| layer.filter(|layer| layer.filter.may_hold(hash)));
        let mut under = Under { memory, next: [None; 2], first, others };
        under.seek(0, from);
        under.seek(1, from);
        Ok(under)
    }

    /// What is in memory of a key, that being the newest; and the runs that may hold it.
    pub(crate) fn layers(
        &self,
        key: &[u8],
    ) -> (Option<&Option<V>>, impl Iterator<Item = &Arc<Run>>) {
        let hash = V::SCHEMA.hash(key);
        let frozen = || self.frozen.as_ref().and_then(|frozen| frozen.get(key, hash));
        let held = self.memory.get(key, hash).or_else(frozen);
        let spanning = || self.runs.iter().filter(|run| run.spans(key));
        // Rows that were added one after the other lie apart, so that one run alone spans most
        // keys and its filter need not be asked.
        let asked = if spanning().nth(1).is_some() { hash } else { None };
        (held, self.runs.iter().filter(move |run| run.spans(key) && run.may_hold(asked)))
    }

    pub(crate) fn put(&mut self, key: impl Into<Text>, value: V) {
        let key = key.into();
        self.weight += key.len() + value.weight() + OVERHEAD;
        self.memory.put(key, Some(value));
    }

    pub(crate) fn remove(&mut self, key: &[u8]) {
        if self.runs.is_empty() && self.frozen.is_none() {
            self.memory.entries.remove(key);
        } else {
            self.weight += key.len() + OVERHEAD;
            self.memory.put(key.into(), None);
        }
    }

    /// Entries from `from` on, in key order.
    pub(crate) fn range(&self, from: Bound<&[u8]>) -> Result<Range<'_, V>> {
        self.range_of(from, None)
    }

    /// The same, past runs that surely hold no key with a hash.
    fn range_of(&self, from: Bound<&[u8]>, hash: Option<u64>) -> Result<Range<'_, V>> {
        let bounds = (from, Bound::Unbounded);
        let frozen = self.frozen.as_ref().map(|frozen| frozen.entries.range::<_, [u8]>(bounds));
        let runs = self.runs.iter().filter(|run| run.may_hold(hash));
        let runs = runs.map(|run| RunIter::new(run, from, true));
        Ok(Range {
            memory: self.memory.entries.range::<_, [u8]>(bounds).peekable(),
            frozen: frozen.map(Iterator::peekable),
            runs: runs.collect::<Result<_>>()?,
        })
    }

    /// Entries whose key begins with `prefix`, in key order.
    pub(crate) fn below<'a>(
        &'a self,
        prefix: &[u8],
    ) -> Result<impl Iterator<Item = Result<(Text, V)>> + use<'a, V>> {
        // Filters may know just so much of a key.
        let known = prefix.len() == V::SCHEMA.filtered;
        let hash = if known { V::SCHEMA.hash(prefix) } else { None };
        let range = self.range_of(Bound::Included(prefix), hash)?;
        let prefix = prefix.to_vec();
        Ok(range.take_while(move |found| {
            found.as_ref().is_ok_and(|(key, _)| key.starts_with(&prefix)) || found.is_err()
        }))
    }

    /// All entries, in key order.
    pub(crate) fn walk(&self) -> Result<Range<'_, V>> {
        self.range(Bound::Unbounded)
    }

    /// Bytes in memory, about.
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }

    pub(crate) fn runs(&self) -> &Arc<[Arc<Run>]> {
        &self.runs
    }

    pub(crate) fn set_runs(&mut self, runs: Arc<[Arc<Run>]>) {
        self.runs = runs;
    }

    /// Set what is in memory aside for a checkpoint.
    pub(crate) fn freeze(&mut self) {
        debug_assert!(self.frozen.is_none());
        self.frozen = Some(std::mem::take(&mut self.memory));
    }

    /// What was set aside.
    pub(crate) fn frozen(&self) -> impl Iterator<Item = (&Text, &Option<V>)> {
        self.frozen.iter().flat_map(|frozen| &frozen.entries)
    }

    /// Take back what was set aside.
    pub(crate) fn thaw(&mut self) {
        if let Some(frozen) = self.frozen.take() {
            let Memory { entries, filter } = std::mem::take(&mut self.memory);
            filter.join(&frozen.filter);
            self.memory = Memory { entries: entries.union(frozen.entries), filter };
        }
    }

    /// Put a run into the place of what was set aside.
    pub(crate) fn adopt(&mut self, run: Option<Arc<Run>>) {
        self.frozen = None;
        self.runs = run.into_iter().chain(self.runs.iter().cloned()).collect();
        let sizes = self
            .memory
            .entries
            .iter()
            .map(|(key, value)| key.len() + OVERHEAD + value.as_ref().map_or(0, Value::weight));
        self.weight = sizes.sum();
    }
}

/// Keys that begin alike, in order.
pub(crate) struct Under<'a, V: Value, const N: usize> {
    /// What is in memory, and what is set aside.
    memory: [Option<&'a Memory<V>>; 2],
    /// The next key of each, and whether it is no tombstone.
    next: [Option<([u8; N], bool)>; 2],
    /// What is in runs, the newest first.
    first: Option<KeyWalk<'a>>,
    others: Vec<KeyWalk<'a>>,
}

impl<V: Value, const N: usize> Under<'_, V, N> {
    fn seek(&mut self, layer: usize, from: [u8; N]) {
        let (Some(Some(memory)), Some(next)) = (self.memory.get(layer), self.next.get_mut(layer))
        else {
            return;
        };
        let found = memory.entries.get_next(&from[..]);
        *next = found.and_then(|(key, value)| Some(((**key).try_into().ok()?, value.is_some())));
    }

    /// The next key that is there and begins with `prefix`.
    pub(crate) fn next(&mut self, prefix: &[u8]) -> Result<Option<[u8; N]>> {
        loop {
            // The newest that holds the least key says whether it is there.
            let mut least: Option<([u8; N], bool)> = None;
            let runs = self.first.iter().chain(&self.others).filter_map(|walk| {
                walk.at().and_then(|(key, is_present)| Some((key.try_into().ok()?, is_present)))
            });
            for (key, is_present) in self.next.iter().copied().flatten().chain(runs) {
                if least.is_none_or(|(held, _)| key < held) {
                    least = Some((key, is_present));
                }
            }
            let Some((key, is_present)) = least.filter(|(key, _)| key.starts_with(prefix)) else {
                return Ok(None);
            };
            for layer in 0..self.next.len() {
                if self.next.get(layer).copied().flatten().is_some_and(|(held, _)| held == key) {
                    match successor(key) {
                        Some(from) => self.seek(layer, from),
                        None => self.next = [None; 2],
                    }
                }
            }
            for walk in self.first.iter_mut().chain(&mut self.others) {
                if walk.at().is_some_and(|(held, _)| held == key) {
                    walk.advance()?;
                }
            }
            if is_present {
                return Ok(Some(key));
            }
        }
    }
}

/// A walk over a tree.
pub(crate) struct Range<'a, V: Value> {
    memory:
        Peekable<imbl::ordmap::RangedIter<'a, Text, Option<V>, imbl::shared_ptr::DefaultSharedPtr>>,
    frozen: Option<
        Peekable<imbl::ordmap::RangedIter<'a, Text, Option<V>, imbl::shared_ptr::DefaultSharedPtr>>,
    >,
    runs: Vec<RunIter>,
}

/// An entry where it stands.
pub(crate) enum Here<'a, V> {
    Memory(&'a Text, &'a V),
    Run(&'a At),
}

impl<V: Value> Range<'_, V> {
    fn step(&mut self) -> Result<Option<(Text, V)>> {
        self.step_with(|here| match here {
            Here::Memory(key, value) => Ok((Arc::clone(key), value.clone())),
            Here::Run(at) => Ok((at.key().into(), read(at)?)),
        })
    }

    /// Hand the next entry to `take` where it stands; None at the end.
    pub(crate) fn step_with<T>(
        &mut self,
        mut take: impl FnMut(Here<'_, V>) -> Result<T>,
    ) -> Result<Option<T>> {
        loop {
            let memory = self.memory.peek().map(|(key, _)| *key);
            let frozen = self.frozen.as_mut().and_then(|frozen| frozen.peek()).map(|(key, _)| *key);
            let mut least: Option<&[u8]> = None;
            let keys = [memory, frozen].into_iter().flatten().map(|key| &**key);
            let keys = keys.chain(self.runs.iter().filter_map(|run| run.at().map(At::key)));
            for key in keys {
                if least.is_none_or(|held| key < held) {
                    least = Some(key);
                }
            }
            let Some(least) = least else { return Ok(None) };
            let here = |key: Option<&Text>| key.is_some_and(|key| **key == *least);
            let (in_memory, in_frozen) = (here(memory), here(frozen));
            let mut found = None;
            // Mostly one alone has the key.
            let (mut first, mut others) = (None, Vec::new());
            for (index, run) in self.runs.iter().enumerate() {
                let Some(at) = run.at().filter(|at| at.key() == least) else { continue };
                if first.is_some() {
                    others.push(index);
                    continue;
                }
                first = Some(index);
                if !in_memory && !in_frozen && at.is_present() {
                    found = Some(take(Here::Run(at))?);
                }
            }
            let frozen = self.frozen.as_mut().filter(|_| in_frozen).and_then(Iterator::next);
            let memory = if in_memory { self.memory.next() } else { None };
            if let Some((key, Some(value))) = memory.or(frozen) {
                found = Some(take(Here::Memory(key, value))?);
            }
            for index in first.into_iter().chain(others) {
                if let Some(run) = self.runs.get_mut(index) {
                    run.advance()?;
                }
            }
            if found.is_some() {
                return Ok(found);
            }
        }
    }
}

impl<V: Value> Iterator for Range<'_, V> {
    type Item = Result<(Text, V)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
