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
use crate::error::Result;
use crate::row::Text;
use crate::run::{At, Run, RunIter};

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

type Memory<V> = OrdMap<Text, Option<V>>;

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
        Self { memory: OrdMap::new(), frozen: None, runs: [].into(), weight: 0 }
    }
}

fn read<V: Value>(at: &At) -> Result<V> {
    let broken = || at.run.corrupt(0, format!("an entry of {} cannot be read", V::SCHEMA.name));
    V::read(at).ok_or_else(broken)
}

impl<V: Value> Tree<V> {
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<V>> {
        let frozen = || self.frozen.as_ref().and_then(|frozen| frozen.get(key));
        if let Some(held) = self.memory.get(key).or_else(frozen) {
            return Ok(held.clone());
        }
        for run in self.runs.iter() {
            if let Some(at) = At::find(run, key)? {
                return if at.is_present() { read(&at).map(Some) } else { Ok(None) };
            }
        }
        Ok(None)
    }

    pub(crate) fn contains(&self, key: &[u8]) -> Result<bool> {
        let frozen = || self.frozen.as_ref().and_then(|frozen| frozen.get(key));
        if let Some(held) = self.memory.get(key).or_else(frozen) {
            return Ok(held.is_some());
        }
        for run in self.runs.iter() {
            if let Some(at) = At::find(run, key)? {
                return Ok(at.is_present());
            }
        }
        Ok(false)
    }

    pub(crate) fn put(&mut self, key: Text, value: V) {
        self.weight += key.len() + value.weight() + OVERHEAD;
        self.memory.insert(key, Some(value));
    }

    pub(crate) fn remove(&mut self, key: &[u8]) {
        if self.runs.is_empty() && self.frozen.is_none() {
            self.memory.remove(key);
        } else {
            self.weight += key.len() + OVERHEAD;
            self.memory.insert(key.into(), None);
        }
    }

    /// Entries from `from` on, in key order.
    pub(crate) fn range(&self, from: Bound<&[u8]>) -> Result<Range<'_, V>> {
        let bounds = (from, Bound::Unbounded);
        let frozen = self.frozen.as_ref().map(|frozen| frozen.range::<_, [u8]>(bounds));
        let runs = self.runs.iter().map(|run| RunIter::new(run, from, true));
        Ok(Range {
            memory: self.memory.range::<_, [u8]>(bounds).peekable(),
            frozen: frozen.map(Iterator::peekable),
            runs: runs.collect::<Result<_>>()?,
        })
    }

    /// Entries whose key begins with `prefix`, in key order.
    pub(crate) fn below(&self, prefix: &[u8]) -> Result<impl Iterator<Item = Result<(Text, V)>>> {
        Ok(self.range(Bound::Included(prefix))?.take_while(move |found| {
            found.as_ref().is_ok_and(|(key, _)| key.starts_with(prefix)) || found.is_err()
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
        self.frozen.iter().flatten()
    }

    /// Take back what was set aside.
    pub(crate) fn thaw(&mut self) {
        if let Some(frozen) = self.frozen.take() {
            self.memory = std::mem::take(&mut self.memory).union(frozen);
        }
    }

    /// Put a run into the place of what was set aside.
    pub(crate) fn adopt(&mut self, run: Option<Arc<Run>>) {
        self.frozen = None;
        self.runs = run.into_iter().chain(self.runs.iter().cloned()).collect();
        let sizes = self
            .memory
            .iter()
            .map(|(key, value)| key.len() + OVERHEAD + value.as_ref().map_or(0, Value::weight));
        self.weight = sizes.sum();
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

impl<V: Value> Range<'_, V> {
    fn step(&mut self) -> Result<Option<(Text, V)>> {
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
            let mut found: Option<(Text, Option<V>)> = None;
            let here = |key: Option<&Text>| key.filter(|key| ***key == *least).cloned();
            let (memory, frozen) = (here(memory), here(frozen));
            let mut behind = Vec::new();
            for (index, run) in self.runs.iter().enumerate() {
                let Some(at) = run.at().filter(|at| at.key() == least) else { continue };
                behind.push(index);
                if memory.is_none() && frozen.is_none() && found.is_none() {
                    let value = if at.is_present() { Some(read(at)?) } else { None };
                    found = Some((least.into(), value));
                }
            }
            if frozen.is_some() {
                let entry = self.frozen.as_mut().and_then(Iterator::next);
                found = entry.map(|(key, value)| (Arc::clone(key), value.clone()));
            }
            if memory.is_some() {
                let entry = self.memory.next();
                found = entry.map(|(key, value)| (Arc::clone(key), value.clone()));
            }
            for index in behind {
                if let Some(run) = self.runs.get_mut(index) {
                    run.advance()?;
                }
            }
            if let Some((key, Some(value))) = found {
                return Ok(Some((key, value)));
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
