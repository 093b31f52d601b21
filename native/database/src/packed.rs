//! Rows as the C interface hands them out: packed one behind the other into a buffer that the
//! caller owns, so that one call brings many and none leaves a handle behind.

use std::sync::Arc;

use crate::block::{Part, Ready};
use crate::bytes::Put;
use crate::c_types::flags_of;
use crate::cursor::{Cursor, Entry};
use crate::error::{Error, Result};
use crate::row::Row;
use crate::run::{RunIter, Window};
use crate::state::State;
use crate::tree::Tree;
use crate::values::{RowView, id_key, id_of, name_hash, pair_key};

/// Bytes before a row's texts; `prdb_packed` in the C header draws them.
const FIXED: usize = 128;

/// What was put into a buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// Rows.
    pub count: usize,
    /// Bytes of them; where there is no row, those that the next one takes.
    pub length: usize,
    /// Whether there are none left.
    pub ended: bool,
}

/// A row where it was found.
#[derive(Debug)]
pub(crate) enum FoundRow {
    Memory(Arc<Row>),
    /// Packed already, at this place among the rows of its block.
    Packed(Arc<Part>, usize),
}

/// Find a row, live or deleted.
pub(crate) fn find(rows: &Tree<Arc<Row>>, id: u64) -> Result<Option<FoundRow>> {
    let key = id_key(id);
    let (held, runs) = rows.layers(&key);
    if let Some(held) = held {
        return Ok(held.clone().map(FoundRow::Memory));
    }
    for run in runs {
        if let Some(part) = run.ready(&key, pack_block)?
            && let Part::Ready(ready) = &*part
            && let Some(index) = ready.find(id)
        {
            let is_present = !ready.text(index).is_empty();
            return Ok(is_present.then_some(FoundRow::Packed(part, index)));
        }
    }
    Ok(None)
}

/// Pack the rows of a block with `count` entries, at which `walk` stands.
fn pack_block(walk: &mut RunIter, count: usize) -> Result<Ready> {
    let mut ready = Ready::default();
    let mut window = Window::default();
    let mut bytes = Vec::new();
    for _ in 0..count {
        let Some(at) = walk.at() else { break };
        bytes.clear();
        if at.is_present() {
            let broken = || at.run.corrupt(0, "an entry of rows cannot be read");
            let view = RowView::of_entry(at).ok_or_else(broken)?;
            let heavy = at.heavy();
            append(&view, heavy.load_through(&mut window)?, &mut bytes)?;
        }
        ready.push(id_of(at.key()), &bytes);
        walk.advance_within();
    }
    Ok(ready)
}

impl FoundRow {
    fn packed(&self) -> &[u8] {
        match self {
            Self::Packed(part, index) => match &**part {
                Part::Ready(ready) => ready.text(*index),
                Part::Light(_) | Part::Heavy(_) => &[],
            },
            Self::Memory(_) => &[],
        }
    }

    pub(crate) fn filename(&self) -> &[u8] {
        match self {
            Self::Memory(row) => &row.filename,
            Self::Packed(..) => {
                let packed = self.packed();
                let length = |at| usize::try_from(number(packed, at, 4)).unwrap_or(usize::MAX);
                let begin = FIXED.saturating_add(length(116));
                packed.get(begin..begin.saturating_add(length(120))).unwrap_or_default()
            }
        }
    }

    /// Pack the row and return its length; where it does not fit nothing is put.
    pub(crate) fn fill(&self, buffer: &mut [u8]) -> Result<usize> {
        match self {
            Self::Memory(row) => pack(&RowView::of(row), &row.metadata()?, buffer),
            Self::Packed(..) => {
                let packed = self.packed();
                if let Some(room) = buffer.get_mut(..packed.len()) {
                    room.copy_from_slice(packed);
                }
                Ok(packed.len())
            }
        }
    }
}

/// The little-endian number of `width` bytes at `at`.
fn number(packed: &[u8], at: usize, width: usize) -> u64 {
    let bytes = packed.get(at..at + width).unwrap_or_default();
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// Append a packed row to `out`.
fn append(row: &RowView<'_>, metadata: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let begin = out.len();
    let length = pack(row, metadata, &mut [])?;
    out.resize(begin + length, 0);
    pack(row, metadata, out.get_mut(begin..).unwrap_or_default())?;
    Ok(())
}

/// Pack a row and return its length; where it does not fit nothing is put.
fn pack(row: &RowView<'_>, metadata: &[u8], buffer: &mut [u8]) -> Result<usize> {
    let texts = [row.path, row.filename, metadata];
    let total = FIXED + texts.iter().map(|text| text.len()).sum::<usize>();
    let total = total.next_multiple_of(8);
    let too_long = |_| Error::Internal(format!("picture {} exceeds 4 GiB", row.id));
    let length = |text: &[u8]| u32::try_from(text.len()).map_err(too_long);
    let Some(room) = buffer.get_mut(..total) else { return Ok(total) };
    let live = row.deleted_ns == 0;
    let mut rest = Room(room);
    rest.put_u32(u32::try_from(total).map_err(too_long)?);
    rest.put_u32(flags_of(row.has_data, live));
    rest.put_u64(row.id);
    rest.put_u64(row.seq);
    rest.put_i64(row.deleted_ns);
    rest.put_u64(row.data_length);
    rest.put(row.content_hash);
    rest.put_u64(row.stat.size);
    rest.put_i64(row.stat.mtime_ns);
    rest.put_i64(row.stat.ctime_ns);
    rest.put_u64(row.stat.inode);
    rest.put_u64(row.stat.volume);
    rest.put_u32(row.root);
    rest.put_u32(length(row.path)?);
    rest.put_u32(length(row.filename)?);
    rest.put_u32(length(metadata)?);
    debug_assert_eq!(total - rest.0.len(), FIXED);
    for text in texts {
        rest.put(text);
    }
    rest.0.fill(0);
    Ok(total)
}

/// What is left of a buffer.
struct Room<'a>(&'a mut [u8]);

impl Put for Room<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let room = std::mem::take(&mut self.0);
        if let Some((now, later)) = room.split_at_mut_checked(bytes.len()) {
            now.copy_from_slice(bytes);
            self.0 = later;
        }
    }
}

/// Put the rows of a filename with ids above `after`, as many as fit.
pub(crate) fn fill_filename(
    state: &State,
    filename: &[u8],
    after: u64,
    buffer: &mut [u8],
) -> Result<Filled> {
    let mut filled = Filled::default();
    let prefix = name_hash(filename);
    if let Some(next) = after.checked_add(1) {
        let mut keys = state.filenames.keys_under(&prefix, pair_key(prefix, next))?;
        while let Some(key) = keys.next(&prefix)? {
            let id = id_of(key.get(prefix.len()..).unwrap_or_default());
            let found = find(&state.rows, id)?;
            let Some(row) = found.filter(|row| row.filename() == filename) else { continue };
            let room = buffer.get_mut(filled.length..).unwrap_or_default();
            let (free, length) = (room.len(), row.fill(room)?);
            if length > free {
                if filled.count == 0 {
                    filled.length = length;
                }
                return Ok(filled);
            }
            filled.length += length;
            filled.count += 1;
        }
    }
    filled.ended = true;
    Ok(filled)
}

/// A listing of rows that is read in batches.
#[derive(Debug)]
pub(crate) struct PackedRows {
    /// The row that did not fit, packed.
    pending: Vec<u8>,
    /// What went wrong behind rows that were handed out.
    failed: Option<Error>,
    /// What was read last, as rows that follow each other stand so there.
    window: Window,
}

impl PackedRows {
    pub(crate) fn new() -> Self {
        Self { pending: Vec::new(), failed: None, window: Window::default() }
    }

    /// Put as many rows as fit. A row that alone exceeds the buffer is kept, and its length is
    /// told.
    pub(crate) fn fill(&mut self, cursor: &mut Cursor, buffer: &mut [u8]) -> Result<Filled> {
        let mut filled = Filled::default();
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        loop {
            if self.pending.is_empty()
                && let Err(error) = self.fetch(cursor)
            {
                // What was read before it is handed out first.
                if filled.count == 0 {
                    return Err(error);
                }
                self.failed = Some(error);
                return Ok(filled);
            }
            if self.pending.is_empty() {
                filled.ended = true;
                return Ok(filled);
            }
            let end = filled.length + self.pending.len();
            let Some(room) = buffer.get_mut(filled.length..end) else {
                if filled.count == 0 {
                    filled.length = self.pending.len();
                }
                return Ok(filled);
            };
            room.copy_from_slice(&self.pending);
            self.pending.clear();
            filled = Filled { count: filled.count + 1, length: end, ended: false };
        }
    }

    fn fetch(&mut self, cursor: &mut Cursor) -> Result<()> {
        match cursor.step()? {
            None => Ok(()),
            Some(Entry::Image(row)) => {
                let metadata = row.metadata.load_through(&mut self.window)?;
                let view = RowView::of(&row);
                append(&view, metadata, &mut self.pending)
            }
            Some(_) => Err(Error::Invalid("the cursor does not list rows".to_owned())),
        }
    }
}
