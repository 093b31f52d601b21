//! Rows as the C interface hands them out: packed one behind the other into a buffer that the
//! caller owns, so that one call brings many and none leaves a handle behind.

use crate::bytes::Put;
use crate::c_types::flags;
use crate::cursor::{Cursor, Entry};
use crate::error::{Error, Result};
use crate::row::Row;
use crate::run::Window;
use crate::snapshot::Snapshot;

/// Bytes before a row's texts; `prdb_packed` in the C header draws them.
const FIXED: usize = 128;

/// What was put into a buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filled {
    /// Rows.
    pub(crate) count: usize,
    /// Bytes of them; where there is no row, those that the next one takes.
    pub(crate) length: usize,
    /// Whether there are none left.
    pub(crate) ended: bool,
}

/// Append a row to `out`.
fn pack(row: &Row, metadata: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let begin = out.len();
    let texts = row.path.len() + row.filename.len() + metadata.len();
    let total = (FIXED + texts).next_multiple_of(8);
    let too_long = |_| Error::Internal(format!("picture {} exceeds 4 GiB", row.id));
    let length = |text: &[u8]| u32::try_from(text.len()).map_err(too_long);
    out.put_u32(u32::try_from(total).map_err(too_long)?);
    out.put_u32(flags(row));
    out.put_u64(row.id);
    out.put_u64(row.seq);
    out.put_i64(row.deleted_ns);
    out.put_u64(row.data_length);
    out.put(&row.content_hash);
    out.put_u64(row.stat.size);
    out.put_i64(row.stat.mtime_ns);
    out.put_i64(row.stat.ctime_ns);
    out.put_u64(row.stat.inode);
    out.put_u64(row.stat.volume);
    out.put_u32(row.root);
    out.put_u32(length(&row.path)?);
    out.put_u32(length(&row.filename)?);
    out.put_u32(length(metadata)?);
    debug_assert_eq!(out.len() - begin, FIXED);
    out.put(&row.path);
    out.put(&row.filename);
    out.put(metadata);
    out.resize(begin + total, 0);
    Ok(())
}

/// Pack one row and return its length; where it does not fit nothing is put.
pub(crate) fn fill_one(row: &Row, metadata: &[u8], buffer: &mut [u8]) -> Result<usize> {
    let texts = row.path.len() + row.filename.len() + metadata.len();
    let mut bytes = Vec::with_capacity(FIXED + texts + 8);
    pack(row, metadata, &mut bytes)?;
    if let Some(room) = buffer.get_mut(..bytes.len()) {
        room.copy_from_slice(&bytes);
    }
    Ok(bytes.len())
}

/// Put the rows of a filename with ids above `after`, as many as fit.
pub(crate) fn fill_filename(
    snapshot: &Snapshot,
    filename: &[u8],
    mut after: u64,
    buffer: &mut [u8],
) -> Result<Filled> {
    let mut filled = Filled::default();
    let mut bytes = Vec::new();
    while let Some(row) = snapshot.next_of_filename(filename, after)? {
        bytes.clear();
        pack(&row, &row.metadata()?, &mut bytes)?;
        let end = filled.length + bytes.len();
        let Some(room) = buffer.get_mut(filled.length..end) else {
            if filled.count == 0 {
                filled.length = bytes.len();
            }
            return Ok(filled);
        };
        room.copy_from_slice(&bytes);
        filled = Filled { count: filled.count + 1, length: end, ended: false };
        after = row.id;
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
                pack(&row, metadata, &mut self.pending)
            }
            Some(_) => Err(Error::Invalid("the cursor does not list rows".to_owned())),
        }
    }
}
