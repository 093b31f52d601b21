//! What a store takes for granted, so that tests can have it otherwise.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::frame::CHUNK;

/// A new segment is begun once one has this many bytes.
pub const SEGMENT_BYTES: u64 = 64 << 20;

/// Bytes of runs that are held in memory unless asked for otherwise.
pub const CACHE_BYTES: usize = 64 << 20;

/// More would be searched by every look-up, fewer be written anew too often.
const FAN: usize = 4;

/// When the next segment's room is made. Writing where the file system has written before
/// needs no change to its own books, so a sync costs half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillAhead {
    /// Never; segments grow.
    Off,
    /// By a thread, from when a segment is half full; a store smaller than that pays nothing.
    Background,
    /// As `Background`, but the writer itself does it, so that a run is the same every time.
    Inline,
}

/// Who makes checkpoints and merges when they are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upkeep {
    /// Nobody, but who asks for them.
    Off,
    /// A thread.
    Background,
    /// The committing thread itself, so that a run is the same every time.
    Inline,
}

/// What callers and tests want otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// A new segment is begun once one has this many bytes.
    pub segment_bytes: u64,
    /// Blobs are cut into chunks of so many bytes, a power of two of at least 8.
    pub chunk_bytes: usize,
    /// Whether segments are filled with zeros before they are written.
    pub fill_ahead: FillAhead,
    /// Who makes checkpoints.
    pub upkeep: Upkeep,
    /// A checkpoint is due once changes take so many bytes of memory.
    pub memory_bytes: usize,
    /// A checkpoint is due once the log has grown by so many bytes.
    pub log_bytes: u64,
    /// So many runs of like size become one.
    pub fan: usize,
    /// What was read of runs is held in memory up to so many bytes.
    pub cache_bytes: usize,
    /// Whether a store is opened on a network file system too, where locks and syncs may not hold.
    pub force: bool,
    /// Nanoseconds since 1970.
    pub clock: fn() -> i64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: SEGMENT_BYTES,
            chunk_bytes: CHUNK,
            fill_ahead: FillAhead::Background,
            upkeep: Upkeep::Background,
            memory_bytes: 8 << 20,
            log_bytes: 256 << 20,
            fan: FAN,
            cache_bytes: CACHE_BYTES,
            force: false,
            clock: now_ns,
        }
    }
}

fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
