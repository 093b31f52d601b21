//! Which stored bytes were found right since a file was opened, so that none are hashed twice.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::frame::PAGE;
use crate::options::SEGMENT_BYTES;

/// Numbers with a bit for each page of a segment.
const NUMBERS: usize = (SEGMENT_BYTES / PAGE as u64 / 64) as usize;

/// A bit for each page in which a verified piece begins. Pieces do not overlap, so of those that
/// are a page or longer at most one begins in each; shorter ones are not remembered.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    pages: OnceLock<Box<[AtomicU64; NUMBERS]>>,
}

impl Verified {
    /// Whether the piece at `offset` was noted.
    pub(crate) fn has(&self, offset: u64, length: usize) -> bool {
        let Some((index, bit)) = place(offset, length) else { return false };
        let number = self.pages.get().and_then(|pages| pages.get(index));
        // Nothing but the bit itself is passed on between threads.
        number.is_some_and(|number| number.load(Ordering::Relaxed) & bit != 0)
    }

    /// Note that a piece is right.
    pub(crate) fn note(&self, offset: u64, length: usize) {
        let Some((index, bit)) = place(offset, length) else { return };
        let pages = self.pages.get_or_init(|| Box::new([const { AtomicU64::new(0) }; NUMBERS]));
        if let Some(number) = pages.get(index) {
            number.fetch_or(bit, Ordering::Relaxed);
        }
    }
}

fn place(offset: u64, length: usize) -> Option<(usize, u64)> {
    if length < PAGE {
        return None;
    }
    let page = usize::try_from(offset).ok()? / PAGE;
    Some((page / 64, 1 << (page % 64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only what was noted is remembered: not what is too short, nor what stands too far away.
    #[test]
    fn pieces_are_told_apart() {
        let verified = Verified::default();
        for (offset, length) in [(5000, 100), (9000, PAGE), (SEGMENT_BYTES, PAGE)] {
            verified.note(offset, length);
        }
        let noted: Vec<u64> = (0..20_000).filter(|offset| verified.has(*offset, PAGE)).collect();
        assert_eq!(noted, (8192..12_288).collect::<Vec<_>>());
        assert!(!verified.has(9000, PAGE - 1));
        assert!(!verified.has(SEGMENT_BYTES, PAGE));
    }
}
