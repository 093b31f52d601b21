//! Cursors: listings that hold their snapshot and are fetched in small batches, so that a step
//! seldom searches and memory stays bounded.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use crate::bytes::Text;
use crate::entries::{IMAGES, Record};
use crate::error::Result;
use crate::row::{Hash, Row, Rows, Stored};
use crate::state::State;
use crate::tree::{Tree, Value};
use crate::values::{
    content_key, content_prefix, id_key, id_of, name_hash, name_key, place_key, record_key,
};

/// Entries that are fetched at once.
pub(crate) const BATCH: usize = 128;

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
    Filename {
        filename: Text,
        after: u64,
    },
    Content {
        hash: Hash,
        rows: Rows,
        after: u64,
    },
    Images {
        rows: Rows,
        after: u64,
    },
    /// Earlier versions, of one picture where the prefix is its id.
    Versions {
        prefix: Text,
        after: Option<Text>,
    },
    Below {
        root: u32,
        prefix: Text,
        after: Option<Text>,
    },
    /// What lies directly in a folder; what lies deeper is passed over, folder by folder.
    Inside {
        prefix: Text,
        next: Bound<Text>,
    },
    Records {
        table: u8,
        prefix: Text,
        after: Option<Text>,
    },
    Changes {
        since: u64,
        after: Option<Text>,
    },
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

    /// What a listing of all rows has not come to yet: those after an id, which is to be moved on.
    pub(crate) fn images(&mut self) -> Option<(&State, Rows, &mut u64)> {
        match &mut self.source {
            Some((state, Source::Images { rows, after })) => Some((&**state, *rows, after)),
            _ => None,
        }
    }

    /// There are no further entries.
    pub(crate) fn end(&mut self) {
        self.source = None;
    }

    /// The next entry; None at the end.
    pub fn step(&mut self) -> Result<Option<Entry>> {
        while self.fetched.is_empty() {
            let Some((state, source)) = &mut self.source else {
                return Ok(None);
            };
            if !source.fetch(state, &mut self.fetched)? {
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
    fn fetch(&mut self, state: &State, out: &mut VecDeque<Found>) -> Result<bool> {
        let row = |id: u64| state.rows.get(&id_key(id));
        match self {
            Self::Filename { filename, after } => {
                let begin = name_key(filename, *after);
                let prefix = name_hash(filename);
                batch(&state.filenames, Bound::Excluded(&begin[..]), &prefix, |key, _| {
                    *after = id_of(key.get(prefix.len()..).unwrap_or_default());
                    let named = row(*after)?.filter(|row| row.filename == *filename);
                    out.extend(named.map(Found::Image));
                    Ok(())
                })
            }
            Self::Content { hash, rows, after } => {
                let begin = content_key(hash, *after);
                let prefix = content_prefix(hash);
                batch(&state.contents, Bound::Excluded(&begin[..]), &prefix, |key, _| {
                    *after = id_of(key.get(prefix.len()..).unwrap_or_default());
                    let wanted = |row: &Arc<Row>| row.content_hash == *hash && rows.hold(row);
                    out.extend(row(*after)?.filter(wanted).map(Found::Image));
                    Ok(())
                })
            }
            Self::Images { rows, after } => {
                let begin = id_key(*after);
                batch(&state.rows, Bound::Excluded(&begin[..]), b"", |_, row| {
                    *after = row.id;
                    if rows.hold(&row) {
                        out.push_back(Found::Image(row));
                    }
                    Ok(())
                })
            }
            Self::Versions { prefix, after } => {
                let (from, last) = (after.take(), after);
                batch(&state.versions, begin(from.as_ref(), prefix), prefix, |key, version| {
                    out.push_back(Found::Image(version.0));
                    *last = Some(key);
                    Ok(())
                })
            }
            Self::Below { root, prefix, after } => {
                let prefix = place_key(*root, prefix);
                let (from, last) = (after.take(), after);
                batch(&state.paths, begin(from.as_ref(), &prefix), &prefix, |key, owner| {
                    out.extend(row(owner.0)?.map(Found::Image));
                    *last = Some(key);
                    Ok(())
                })
            }
            Self::Inside { prefix, next } => {
                let mut left = BATCH;
                while left > 0 {
                    let mut range = state.paths.range(next.as_ref().map(|key| &**key))?;
                    loop {
                        left = left.saturating_sub(1);
                        let Some((key, owner)) = range.next().transpose()? else {
                            return Ok(false);
                        };
                        let Some(name) = key.strip_prefix(&**prefix) else { return Ok(false) };
                        if let Some(slash) = name.iter().position(|byte| *byte == b'/') {
                            // Past the folder: where its name goes on with what follows a slash.
                            let folder = key.get(..prefix.len() + slash).unwrap_or_default();
                            *next = Bound::Included([folder, &[b'/' + 1]].concat().into());
                            break;
                        }
                        out.extend(row(owner.0)?.map(Found::Image));
                        *next = Bound::Excluded(key);
                        if left == 0 {
                            break;
                        }
                    }
                }
                Ok(true)
            }
            Self::Records { table, prefix, after } => {
                let prefix = record_key(*table, prefix);
                let (from, last) = (after.take(), after);
                batch(&state.records, begin(from.as_ref(), &prefix), &prefix, |key, record| {
                    if record.value.is_some() {
                        out.push_back(found_record(&key, record));
                    }
                    *last = Some(key);
                    Ok(())
                })
            }
            Self::Changes { since, after } => {
                let Some(first) = since.checked_add(1) else { return Ok(false) };
                let first = first.to_be_bytes();
                let (from, last) = (after.take(), after);
                batch(&state.feed, begin(from.as_ref(), &first), b"", |key, _| {
                    out.extend(latest(state, &key)?);
                    *last = Some(key);
                    Ok(())
                })
            }
        }
    }
}

fn begin<'a>(after: Option<&'a Text>, first: &'a [u8]) -> Bound<&'a [u8]> {
    after.map_or(Bound::Included(first), |after| Bound::Excluded(after))
}

/// Hand a batch of entries, those below `prefix`, to `visit`; return whether there may be more.
fn batch<V: Value>(
    tree: &Tree<V>,
    from: Bound<&[u8]>,
    prefix: &[u8],
    mut visit: impl FnMut(Text, V) -> Result<()>,
) -> Result<bool> {
    let mut range = tree.range(from)?;
    for _ in 0..BATCH {
        match range.next().transpose()? {
            Some((key, value)) if key.starts_with(prefix) => visit(key, value)?,
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// A record under its key in the tree.
fn found_record(key: &[u8], record: Record) -> Found {
    let (table, key) = key.split_first().unwrap_or((&0, &[]));
    Found::Record { table: *table, seq: record.seq, key: key.into(), value: record.value }
}

/// The state that the feed shows under one of its keys.
fn latest(state: &State, key: &[u8]) -> Result<Option<Found>> {
    let (seq, key) = key.split_at_checked(8).unwrap_or_default();
    let seq = id_of(seq);
    match key.split_first() {
        Some((&IMAGES, id)) => Ok(Some(match state.rows.get(id)? {
            Some(row) => Found::Image(row),
            None => Found::Purged { id: id_of(id), seq },
        })),
        _ => Ok(state.records.get(key)?.map(|record| found_record(key, record))),
    }
}
