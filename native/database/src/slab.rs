//! Memory in huge pages for what is read again and again, a border file.
//!
//! The processor finds a page by a table of which it remembers some thousand entries. Uniform
//! look-ups in more memory than these cover wait for the table, in a virtual machine for two; an
//! entry for 2 MiB covers as much as 512 do. Where the system has no huge pages all stays as it
//! is but for that.
#![expect(unsafe_code, reason = "memory that the operating system gives and takes")]

use std::ffi::c_void;
use std::fmt;
use std::ptr::{copy_nonoverlapping, null_mut};
use std::sync::{Arc, Mutex, Weak};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

use crate::locks::locked;

/// Bytes of a huge page, which begins at a multiple of them.
const REGION: usize = 2 << 20;
/// What a region is given away in.
const CELL: usize = 1024;
const CELLS: usize = REGION / CELL;

/// One huge page; given back when dropped.
struct Region {
    begin: *mut c_void,
    cells: Mutex<Cells>,
}

struct Cells {
    taken: [bool; CELLS],
    free: usize,
}

// SAFETY: cells are written only by who has just taken them, before others can have them.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    fn new() -> Option<Self> {
        let flags = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: new memory, wherever the system has room, of which the parts before and behind
        // the huge page are given back at once; nobody has a pointer into them.
        unsafe {
            let memory = mmap_anonymous(null_mut(), 2 * REGION, flags, MapFlags::PRIVATE).ok()?;
            let before = memory.align_offset(REGION);
            let begin = memory.byte_add(before);
            if before > 0 {
                _ = munmap(memory, before);
            }
            if before < REGION {
                _ = munmap(begin.byte_add(REGION), REGION - before);
            }
            _ = madvise(begin, REGION, Advice::LinuxHugepage);
            let cells = Cells { taken: [false; CELLS], free: CELLS };
            Some(Self { begin, cells: Mutex::new(cells) })
        }
    }

    /// Take `count` cells next to each other; return the first.
    fn take(&self, count: usize) -> Option<usize> {
        let mut cells = locked(&self.cells);
        if cells.free < count {
            return None;
        }
        let mut free = 0;
        let end = cells.taken.iter().position(|is_taken| {
            free = if *is_taken { 0 } else { free + 1 };
            free == count
        })?;
        let first = end + 1 - count;
        cells.taken.get_mut(first..=end)?.fill(true);
        cells.free -= count;
        Some(first)
    }

    /// Give back `count` cells from `first` on.
    fn give_back(&self, first: usize, count: usize) {
        let mut cells = locked(&self.cells);
        if let Some(taken) = cells.taken.get_mut(first..first + count) {
            taken.fill(false);
            cells.free += count;
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: made by `new`; what was put into it has gone, as that holds the region.
        _ = unsafe { munmap(self.begin, REGION) };
    }
}

/// Bytes in a huge page, which never change; their cells are free again when they are dropped.
pub(crate) struct SlabBytes {
    region: Arc<Region>,
    first: usize,
    length: usize,
}

impl SlabBytes {
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: written by `put`, in cells that are this value's own until it is dropped.
        unsafe {
            let begin = self.region.begin.byte_add(self.first * CELL);
            std::slice::from_raw_parts(begin.cast(), self.length)
        }
    }

    /// Bytes of memory that it takes.
    pub(crate) fn size(&self) -> usize {
        self.length.div_ceil(CELL) * CELL
    }
}

impl Drop for SlabBytes {
    fn drop(&mut self) {
        self.region.give_back(self.first, self.length.div_ceil(CELL));
    }
}

impl fmt::Debug for SlabBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SlabBytes({} bytes)", self.length)
    }
}

/// The regions that are in use.
#[derive(Default)]
pub(crate) struct Slabs {
    regions: Mutex<Vec<Weak<Region>>>,
}

impl fmt::Debug for Slabs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Slabs({} regions)", locked(&self.regions).len())
    }
}

impl Slabs {
    /// Copy `bytes` into a huge page; None where they are empty, exceed one, or there is no memory.
    pub(crate) fn put(&self, bytes: &[u8]) -> Option<SlabBytes> {
        let count = bytes.len().div_ceil(CELL);
        if count == 0 || count > CELLS {
            return None;
        }
        let mut regions = locked(&self.regions);
        regions.retain(|region| region.strong_count() > 0);
        let found = regions.iter().filter_map(Weak::upgrade).find_map(|region| {
            let first = region.take(count)?;
            Some((region, first))
        });
        let (region, first) = if let Some(found) = found {
            found
        } else {
            let region = Arc::new(Region::new()?);
            regions.push(Arc::downgrade(&region));
            let first = region.take(count)?;
            (region, first)
        };
        drop(regions);
        // SAFETY: the cells are within the region and taken for these bytes alone; `bytes` are
        // elsewhere, as these cells were nobody's.
        unsafe {
            let begin = region.begin.byte_add(first * CELL);
            copy_nonoverlapping(bytes.as_ptr(), begin.cast(), bytes.len());
        }
        Some(SlabBytes { region, first, length: bytes.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is put and dropped in whatever order, what is held stays as it was put.
        #[test]
        fn what_is_held_stays(
            steps in prop::collection::vec((0..3 * CELL * 160, any::<u8>(), any::<bool>()), 1..80)
        ) {
            let slabs = Slabs::default();
            let mut held: Vec<(SlabBytes, Vec<u8>)> = Vec::new();
            for (length, byte, drops) in steps {
                if drops && !held.is_empty() {
                    held.swap_remove(length % held.len());
                }
                let bytes = vec![byte; length];
                let put = slabs.put(&bytes);
                prop_assert_eq!(put.is_some(), length > 0);
                held.extend(put.map(|put| (put, bytes)));
                for (put, bytes) in &held {
                    prop_assert_eq!(put.bytes(), &bytes[..]);
                    prop_assert!(put.size() >= bytes.len());
                }
            }
        }
    }

    /// Room that was given back is used again, and a region that nothing uses is gone.
    #[test]
    fn room_is_used_again() {
        let slabs = Slabs::default();
        let full: Vec<_> = (0..4).map(|byte| slabs.put(&vec![byte; REGION / 4]).unwrap()).collect();
        let regions = || locked(&slabs.regions).iter().filter(|one| one.strong_count() > 0).count();
        assert_eq!(regions(), 1);
        let other = slabs.put(&[9]).unwrap();
        assert_eq!(regions(), 2);
        let mut full = full.into_iter();
        drop(full.nth(1));
        let again = slabs.put(&vec![7; REGION / 4]).unwrap();
        assert_eq!((regions(), again.bytes()[0]), (2, 7));
        drop((full, again, other));
        assert_eq!(regions(), 0);
        assert!(slabs.put(&vec![0; REGION + 1]).is_none());
        let most = vec![3; REGION];
        assert_eq!(slabs.put(&most).unwrap().bytes(), most);
    }
}
