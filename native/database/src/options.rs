//! What a store takes for granted, so that tests can have it otherwise.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::log::SEGMENT_BYTES;

/// What tests want otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// A new segment is begun once one has this many bytes.
    pub segment_bytes: u64,
    /// Nanoseconds since 1970.
    pub clock: fn() -> i64,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: SEGMENT_BYTES, clock: now_ns }
    }
}

fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
