//! Storing pictures' bytes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Context, Error, Result};
use crate::log::{Draft, Log, Payload};
use crate::row::Hash;

/// A blob's number while its chunks are nobody's; dropping it gives them up unless a
/// transaction has taken them.
#[derive(Debug)]
struct Unnamed {
    log: Arc<Log>,
    id: u64,
    /// Whether a transaction has taken them, so that nothing is left to give up.
    is_named: AtomicBool,
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        if !*self.is_named.get_mut() {
            self.log.unnamed().remove(&self.id);
        }
    }
}

/// Takes bytes and streams them into the log, hashing as they come.
#[derive(Debug)]
pub struct BlobWriter {
    unnamed: Unnamed,
    hasher: Box<blake3::Hasher>,
    length: u64,
    chunks: u32,
    pending: Draft,
    failed: bool,
}

impl BlobWriter {
    pub(crate) fn new(log: &Arc<Log>) -> Self {
        Self {
            unnamed: Unnamed {
                log: Arc::clone(log),
                id: log.begin_blob(),
                is_named: AtomicBool::new(false),
            },
            hasher: Box::new(blake3::Hasher::new()),
            length: 0,
            chunks: 0,
            pending: Draft::new(),
            failed: false,
        }
    }

    /// Append bytes.
    pub fn write(&mut self, mut data: &[u8]) -> Result<()> {
        self.usable()?;
        let whole = self.unnamed.log.chunk_bytes();
        while !data.is_empty() {
            let room = whole - self.pending.payload().len();
            let (now, later) = data.split_at(data.len().min(room));
            self.hasher.update(now);
            self.pending.payload_mut().extend_from_slice(now);
            self.length += now.len() as u64;
            data = later;
            if self.pending.payload().len() == whole {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Append everything that `read_at` yields, from offset 0 until it yields nothing.
    pub fn write_from(
        &mut self,
        read_at: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
    ) -> Result<()> {
        read_all(read_at, |bytes| self.write(bytes))
    }

    /// The hash and length of what was written so far.
    #[must_use]
    pub fn digest(&self) -> (Hash, u64) {
        (*self.hasher.finalize().as_bytes(), self.length)
    }

    /// Put the last piece into the log.
    pub(crate) fn finish(mut self) -> Result<FinishedBlob> {
        self.usable()?;
        if !self.pending.payload().is_empty() {
            self.flush()?;
        }
        let (hash, length) = self.digest();
        Ok(FinishedBlob { unnamed: self.unnamed, hash, length, chunks: self.chunks })
    }

    /// Put `data` into the log whole, from where it stands.
    pub(crate) fn store(log: &Arc<Log>, data: &[u8]) -> Result<FinishedBlob> {
        let mut writer = Self::new(log);
        writer.usable()?;
        for piece in data.chunks(log.chunk_bytes()) {
            let (log, id) = (&writer.unnamed.log, writer.unnamed.id);
            log.append_chunk(Payload::Borrowed(piece), id, writer.chunks)?;
            writer.chunks += 1;
            writer.length += piece.len() as u64;
            // After the write, which has brought the bytes near, and while the disk writes them.
            writer.hasher.update(piece);
        }
        writer.finish()
    }

    fn usable(&self) -> Result<()> {
        self.unnamed.log.usable()?;
        if self.failed {
            return Err(Error::Invalid(
                "an earlier write of these bytes failed: begin anew with another writer".to_owned(),
            ));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.failed = true;
        let piece = Payload::Draft(&mut self.pending);
        self.unnamed.log.append_chunk(piece, self.unnamed.id, self.chunks)?;
        self.pending.clear();
        self.chunks += 1;
        self.failed = false;
        Ok(())
    }
}

/// Bytes that are wholly in the log and wait for a transaction to name them.
#[derive(Debug)]
pub(crate) struct FinishedBlob {
    unnamed: Unnamed,
    pub(crate) hash: Hash,
    pub(crate) length: u64,
    pub(crate) chunks: u32,
}

impl FinishedBlob {
    pub(crate) fn id(&self) -> u64 {
        self.unnamed.id
    }

    /// A transaction has taken the chunks.
    pub(crate) fn set_named(&self) {
        self.unnamed.is_named.store(true, Ordering::Relaxed);
    }
}

/// Bytes that are read from a file at once.
const READ: usize = 256 << 10;

fn read_all(
    mut read_at: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut buffer = vec![0; READ];
    let mut offset = 0;
    loop {
        match read_at(&mut buffer, offset) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                take(buffer.get(..count).unwrap_or_default())?;
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).doing(|| "read the given file".to_owned()),
        }
    }
}

/// The content hash and length of what `read_at` yields, as [`BlobWriter::write_from`] would
/// find them.
pub fn hash_from(read_at: impl FnMut(&mut [u8], u64) -> io::Result<usize>) -> Result<(Hash, u64)> {
    let mut hasher = blake3::Hasher::new();
    read_all(read_at, |bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    Ok((*hasher.finalize().as_bytes(), hasher.count()))
}
