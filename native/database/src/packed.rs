//! Rows as the C interface hands them out: packed into a buffer that the caller owns, so that one
//! call brings many and none leaves a handle behind. They are `MessagePack`, which other languages
//! read at once, always with the widest form of each number, so that places are known.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use crate::block::Part;
use crate::cursor::{BATCH, Cursor, Entry};
use crate::error::{Error, Result};
use crate::ready::ReadyBuilder;
use crate::row::{Row, Rows};
use crate::run::{RunIter, Window};
use crate::state::State;
use crate::tree::{Here, Tree};
use crate::values::{RowView, id_key, id_of, name_hash, pair_key};

/// Bytes of a row beside its texts; the C header draws them as `PRDB_PACKED_BYTES`.
const FIXED: usize = 138;
/// Bytes before the rows of a list.
const LIST: usize = 5;
/// Where the length of a row's filename stands; the filename follows it.
const FILENAME: usize = 11;

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
fn pack_block(walk: &mut RunIter, count: usize) -> Result<ReadyBuilder> {
    let mut ready = ReadyBuilder::new(count);
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
                let length = packed.get(FILENAME..).and_then(<[u8]>::first_chunk);
                let length = length.map_or(0, |length| u32::from_be_bytes(*length) as usize);
                let begin = FILENAME + 4;
                packed.get(begin..begin.saturating_add(length)).unwrap_or_default()
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
    let Some(room) = buffer.get_mut(..total) else { return Ok(total) };
    let mut rest = Room(room);
    rest.put(&[0x9b]);
    rest.unsigned(row.id);
    rest.text(row.filename, row)?;
    rest.text(metadata, row)?;
    rest.put(&[0xce]);
    rest.put(&row.root.to_be_bytes());
    rest.text(row.path, row)?;
    rest.put(&[0xc4, 32]);
    rest.put(row.content_hash);
    rest.put(&[0x95]);
    rest.unsigned(row.stat.size);
    rest.signed(row.stat.mtime_ns);
    rest.signed(row.stat.ctime_ns);
    rest.unsigned(row.stat.inode);
    rest.unsigned(row.stat.volume);
    rest.unsigned(row.seq);
    rest.put(&[if row.has_data { 0xc3 } else { 0xc2 }]);
    rest.unsigned(row.data_length);
    rest.signed(row.deleted_ns);
    debug_assert!(rest.0.is_empty(), "a row takes what was reckoned");
    Ok(total)
}

/// What is left of a buffer.
struct Room<'a>(&'a mut [u8]);

impl Room<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let room = std::mem::take(&mut self.0);
        if let Some((now, later)) = room.split_at_mut_checked(bytes.len()) {
            now.copy_from_slice(bytes);
            self.0 = later;
        }
    }

    fn unsigned(&mut self, value: u64) {
        self.put(&[0xcf]);
        self.put(&value.to_be_bytes());
    }

    fn signed(&mut self, value: i64) {
        self.put(&[0xd3]);
        self.put(&value.to_be_bytes());
    }

    fn text(&mut self, text: &[u8], row: &RowView<'_>) -> Result<()> {
        let too_long = |_| Error::Internal(format!("picture {} exceeds 4 GiB", row.id));
        self.put(&[0xc6]);
        self.put(&u32::try_from(text.len()).map_err(too_long)?.to_be_bytes());
        self.put(text);
        Ok(())
    }
}

/// Put the beginning of a list before its rows.
fn begin_list(buffer: &mut [u8], filled: Filled) -> Filled {
    if let Some(room) = buffer.get_mut(..LIST) {
        let mut rest = Room(room);
        rest.put(&[0xdd]);
        rest.put(&u32::try_from(filled.count).unwrap_or(u32::MAX).to_be_bytes());
    }
    filled
}

/// Put a list of the rows of a filename with ids above `after`, as many as fit.
pub(crate) fn fill_filename(
    state: &State,
    filename: &[u8],
    after: u64,
    buffer: &mut [u8],
) -> Result<Filled> {
    let mut filled = Filled { length: LIST, ..Filled::default() };
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
                    filled.length += length;
                }
                return Ok(begin_list(buffer, filled));
            }
            filled.length += length;
            filled.count += 1;
        }
    }
    filled.ended = true;
    Ok(begin_list(buffer, filled))
}

/// A listing of rows that is read in batches.
#[derive(Debug)]
pub(crate) struct PackedRows {
    /// Rows that were not handed out yet, packed, behind some that were.
    packed: Vec<u8>,
    /// Where the first of them begins, and the length of each.
    at: usize,
    lengths: VecDeque<usize>,
    /// What went wrong behind them.
    failed: Option<Error>,
    /// What was read last, as rows that follow each other stand so there.
    window: Window,
}

impl PackedRows {
    pub(crate) fn new() -> Self {
        let (packed, lengths) = (Vec::new(), VecDeque::new());
        Self { packed, at: 0, lengths, failed: None, window: Window::default() }
    }

    /// Put a list of as many rows as fit. A row that alone exceeds the buffer is kept, and its
    /// length is told.
    pub(crate) fn fill(&mut self, cursor: &mut Cursor, buffer: &mut [u8]) -> Result<Filled> {
        let mut filled = Filled { length: LIST, ..Filled::default() };
        loop {
            if self.lengths.is_empty() && self.failed.is_none() {
                self.packed.clear();
                self.at = 0;
                // What was read before it is handed out first.
                self.failed = self.fetch(cursor).err();
            }
            let Some(&length) = self.lengths.front() else {
                match self.failed.take_if(|_| filled.count == 0) {
                    Some(error) => return Err(error),
                    None => break filled.ended = self.failed.is_none(),
                }
            };
            let (from, end) = (self.at..self.at + length, filled.length + length);
            let Some(room) = buffer.get_mut(filled.length..end) else {
                if filled.count == 0 {
                    filled.length = end;
                }
                break;
            };
            room.copy_from_slice(self.packed.get(from).unwrap_or_default());
            self.at += length;
            self.lengths.pop_front();
            filled = Filled { count: filled.count + 1, length: end, ended: false };
        }
        Ok(begin_list(buffer, filled))
    }

    /// Read some more rows; none at the end.
    fn fetch(&mut self, cursor: &mut Cursor) -> Result<()> {
        while self.lengths.is_empty() {
            let Some((state, rows, after)) = cursor.images() else {
                return self.fetch_one(cursor);
            };
            let mut range = state.rows.range(Bound::Excluded(&id_key(*after)[..]))?;
            for _ in 0..BATCH {
                // A listing of all rows copies them from where they stand.
                let visited = range.step_with(|here| match here {
                    Here::Memory(_, row) => {
                        let metadata = row.metadata.load_through(&mut self.window)?;
                        let view = RowView::of(row);
                        push(rows, &view, metadata, &mut self.packed, &mut self.lengths)?;
                        Ok(row.id)
                    }
                    Here::Run(at) => {
                        let broken = || at.run.corrupt(0, "an entry of rows cannot be read");
                        let view = RowView::of_entry(at).ok_or_else(broken)?;
                        let heavy = at.heavy();
                        let metadata = heavy.load_through(&mut self.window)?;
                        push(rows, &view, metadata, &mut self.packed, &mut self.lengths)?;
                        Ok(view.id)
                    }
                })?;
                let Some(id) = visited else {
                    cursor.end();
                    return Ok(());
                };
                *after = id;
            }
        }
        Ok(())
    }

    fn fetch_one(&mut self, cursor: &mut Cursor) -> Result<()> {
        match cursor.step()? {
            None => Ok(()),
            Some(Entry::Image(row)) => {
                let metadata = row.metadata.load_through(&mut self.window)?;
                let view = RowView::of(&row);
                push(Rows::ALL, &view, metadata, &mut self.packed, &mut self.lengths)
            }
            Some(_) => Err(Error::Invalid("the cursor does not list rows".to_owned())),
        }
    }
}

/// Append a packed row that is wanted.
fn push(
    wanted: Rows,
    row: &RowView<'_>,
    metadata: &[u8],
    packed: &mut Vec<u8>,
    lengths: &mut VecDeque<usize>,
) -> Result<()> {
    if if row.deleted_ns == 0 { wanted.live } else { wanted.deleted } {
        let begin = packed.len();
        append(row, metadata, packed)?;
        lengths.push_back(packed.len() - begin);
    }
    Ok(())
}
