//! What a store takes for granted, so that tests can have it otherwise.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::log::SEGMENT_BYTES;

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

/// What tests want otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// A new segment is begun once one has this many bytes.
    pub segment_bytes: u64,
    /// Whether segments are filled with zeros before they are written.
    pub fill_ahead: FillAhead,
    /// Nanoseconds since 1970.
    pub clock: fn() -> i64,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: SEGMENT_BYTES, fill_ahead: FillAhead::Background, clock: now_ns }
    }
}

fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
