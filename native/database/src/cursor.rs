//! Cursors: listings that hold their snapshot and are fetched in small batches, so that a step
//! seldom searches and memory stays bounded.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use crate::error::Result;
use crate::row::{Hash, Row, Rows, Stored, Text};
use crate::state::{FeedKey, IMAGES, State, name_hash};

/// Entries that are fetched at once.
const BATCH: usize = 128;

/// What a cursor yields.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A row.
    Image(Arc<Row>),
    /// A record of another table; None once removed.
    Record {
        /// Its table.
        table: u8,
        /// The transaction of its last change.
        seq: u64,
        /// Its key.
        key: Text,
        /// Its value.
        value: Option<Text>,
    },
    /// What is left of a purged row.
    Purged {
        /// The row's id.
        id: u64,
        /// The purge's transaction.
        seq: u64,
    },
    /// A fault that a check found.
    Problem(Problem),
}

/// A fault: where, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// File and offset, row or key.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

/// What is listed, and how far the fetching has come.
#[derive(Debug)]
pub(crate) enum Source {
    Filename { filename: Text, next: u64 },
    Content { hash: Hash, rows: Rows, next: u64 },
    Images { rows: Rows, next: Option<u64> },
    Below { root: u32, prefix: Text, after: Option<Text> },
    /// What lies directly in a folder; what lies deeper is passed over, folder by folder.
    Inside { root: u32, prefix: Text, next: Bound<Text> },
    Records { table: u8, prefix: Text, after: Option<Text> },
    Changes { since: u64, after: Option<(u64, FeedKey)> },
}

/// An entry before its value is read from the log.
#[derive(Debug)]
enum Found {
    Image(Arc<Row>),
    Record { table: u8, seq: u64, key: Text, value: Option<Stored> },
    Purged { id: u64, seq: u64 },
    Problem(Problem),
}

/// A listing. It outlives the store.
#[derive(Debug)]
pub struct Cursor {
    /// None once everything was fetched.
    source: Option<(Arc<State>, Source)>,
    fetched: VecDeque<Found>,
}

impl Cursor {
    pub(crate) fn new(state: &Arc<State>, source: Source) -> Self {
        let source = Some((Arc::clone(state), source));
        Self { source, fetched: VecDeque::new() }
    }

    /// A cursor over a check's findings.
    #[must_use]
    pub fn over(problems: Vec<Problem>) -> Self {
        Self { source: None, fetched: problems.into_iter().map(Found::Problem).collect() }
    }

    /// The next entry; None at the end.
    pub fn step(&mut self) -> Result<Option<Entry>> {
        while self.fetched.is_empty() {
            let Some((state, source)) = &mut self.source else {
                return Ok(None);
            };
            if !source.fetch(state, &mut self.fetched) {
                self.source = None;
            }
        }
        let Some(found) = self.fetched.pop_front() else {
            return Ok(None);
        };
        Ok(Some(match found {
            Found::Image(row) => Entry::Image(row),
            Found::Record { table, seq, key, value } => {
                let value = value.as_ref().map(Stored::load).transpose()?;
                Entry::Record { table, seq, key, value }
            }
            Found::Purged { id, seq } => Entry::Purged { id, seq },
            Found::Problem(problem) => Entry::Problem(problem),
        }))
    }
}

impl Iterator for Cursor {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}

impl Source {
    /// Fetch some more; return whether there may be further ones.
    fn fetch(&mut self, state: &State, out: &mut VecDeque<Found>) -> bool {
        let row = |id: &u64| state.rows.get(id).cloned();
        match self {
            Self::Filename { filename, next } => {
                let hash = name_hash(filename);
                let ids = state.filenames.range((hash, *next)..=(hash, u64::MAX));
                let (last, more) = take(ids.map(|(_, id)| *id), |id| {
                    let named = row(&id).filter(|row| row.filename == *filename);
                    out.extend(named.map(Found::Image));
                    id
                });
                *next = last.map_or(*next, |id| id + 1);
                more
            }
            Self::Content { hash, rows, next } => {
                let range = (*hash, *next)..=(*hash, u64::MAX);
                let ids = state.contents.range(range).map(|(_, id)| *id);
                let (last, more) = take(ids, |id| {
                    out.extend(row(&id).filter(|row| rows.hold(row)).map(Found::Image));
                    id
                });
                *next = last.map_or(*next, |id| id + 1);
                more
            }
            Self::Images { rows, next } => {
                let Some(from) = *next else { return false };
                let (last, more) = take(state.rows.range(from..), |(id, row)| {
                    if rows.hold(row) {
                        out.push_back(Found::Image(Arc::clone(row)));
                    }
                    *id
                });
                *next = last.and_then(|id| id.checked_add(1));
                more
            }
            Self::Below { root, prefix, after } => {
                let begin = match after {
                    Some(path) => Bound::Excluded((*root, Arc::clone(path))),
                    None => Bound::Included((*root, Arc::clone(prefix))),
                };
                let below = state
                    .paths
                    .range((begin, Bound::Unbounded))
                    .take_while(|((at, path), _)| at == root && path.starts_with(prefix));
                let (last, more) = take(below, |((_, path), id)| {
                    out.extend(row(id).map(Found::Image));
                    Arc::clone(path)
                });
                *after = last;
                more
            }
            Self::Inside { root, prefix, next } => {
                for _ in 0..BATCH {
                    let begin = next.as_ref().map(|path| (*root, Arc::clone(path)));
                    let found = state.paths.range((begin, Bound::Unbounded)).next();
                    let Some(((_, path), id)) =
                        found.filter(|((at, path), _)| at == root && path.starts_with(prefix))
                    else {
                        return false;
                    };
                    let name = &path[prefix.len()..];
                    if let Some(slash) = name.iter().position(|byte| *byte == b'/') {
                        let mut past = path[..=prefix.len() + slash].to_vec();
                        past[prefix.len() + slash] = b'/' + 1;
                        *next = Bound::Included(past.into());
                    } else {
                        out.extend(row(id).map(Found::Image));
                        *next = Bound::Excluded(Arc::clone(path));
                    }
                }
                true
            }
            Self::Records { table, prefix, after } => {
                let begin = match after {
                    Some(key) => Bound::Excluded((*table, Arc::clone(key))),
                    None => Bound::Included((*table, Arc::clone(prefix))),
                };
                let below = state
                    .records
                    .range((begin, Bound::Unbounded))
                    .take_while(|((at, key), _)| at == table && key.starts_with(prefix));
                let (last, more) = take(below, |((table, key), record)| {
                    if record.value.is_some() {
                        out.push_back(Found::Record {
                            table: *table,
                            seq: record.seq,
                            key: Arc::clone(key),
                            value: record.value.clone(),
                        });
                    }
                    Arc::clone(key)
                });
                *after = last;
                more
            }
            Self::Changes { since, after } => {
                let begin = match (after.take(), since.checked_add(1)) {
                    (Some(key), _) => Bound::Excluded(key),
                    (None, Some(first)) => Bound::Included((first, FeedKey::Image(0))),
                    (None, None) => return false,
                };
                let (last, more) = take(state.feed.range((begin, Bound::Unbounded)), |key| {
                    out.extend(latest(state, key));
                    key.clone()
                });
                *after = last;
                more
            }
        }
    }
}

/// Hand a batch of `items` to `visit`; return what it said of the last one, and whether there
/// may be more.
fn take<T, K>(items: impl Iterator<Item = T>, visit: impl FnMut(T) -> K) -> (Option<K>, bool) {
    let mut count = 0;
    let last = items.take(BATCH).inspect(|_| count += 1).map(visit).last();
    (last, count == BATCH)
}

/// The state that the feed shows of a key.
fn latest(state: &State, (seq, key): &(u64, FeedKey)) -> Option<Found> {
    match key {
        FeedKey::Image(id) => match state.rows.get(id) {
            Some(row) => Some(Found::Image(Arc::clone(row))),
            None => Some(Found::Purged { id: *id, seq: *seq }),
        },
        FeedKey::Record(table, key) => {
            debug_assert_ne!(*table, IMAGES);
            let record = state.records.get(&(*table, Arc::clone(key)))?;
            let (key, value) = (Arc::clone(key), record.value.clone());
            Some(Found::Record { table: *table, seq: *seq, key, value })
        }
    }
}
