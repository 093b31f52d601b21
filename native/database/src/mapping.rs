//! Mapped files: pieces of them, put together in memory as if they stood next to each other.
#![expect(unsafe_code, reason = "memory that the operating system gives and takes")]

use std::ffi::c_void;
use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::null_mut;

use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

/// A piece of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) file: BorrowedFd<'a>,
    pub(crate) offset: usize,
    pub(crate) length: usize,
}

/// Pieces of files in memory, read-only and one behind the other; unmapped when dropped. It keeps
/// the files' bytes, whatever becomes of descriptors and names.
///
/// Whoever makes one knows that the files have those bytes, and that nobody ever changes or cuts
/// them off: touching what a file no longer has ends the process.
pub(crate) struct Mapping {
    begin: *mut c_void,
    /// Bytes of memory from `begin`.
    taken: usize,
    /// Where in them the first piece begins.
    skip: usize,
    length: usize,
}

// SAFETY: the memory belongs to this value alone and is never written.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl fmt::Debug for Mapping {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Mapping({} bytes)", self.length)
    }
}

impl Mapping {
    /// Map `pieces`; None where there are none, or where they do not meet at the ends of pages.
    pub(crate) fn of(pieces: &[Piece<'_>]) -> io::Result<Option<Self>> {
        let page = rustix::param::page_size();
        let Some(skip) = pieces.first().map(|first| first.offset % page) else { return Ok(None) };
        let last = pieces.len() - 1;
        let meets = |(index, piece): (usize, &Piece<'_>)| {
            (index == 0 || piece.offset.is_multiple_of(page))
                && (index == last || (piece.offset + piece.length).is_multiple_of(page))
        };
        let length: usize = pieces.iter().map(|piece| piece.length).sum();
        if length == 0 || !pieces.iter().enumerate().all(meets) {
            return Ok(None);
        }
        let taken = skip + length;
        // SAFETY: new memory, wherever the system has room.
        let begin =
            unsafe { mmap_anonymous(null_mut(), taken, ProtFlags::empty(), MapFlags::PRIVATE) }?;
        // From here on it is given back, also where a piece cannot be mapped.
        let mapping = Self { begin, taken, skip, length };
        let mut at = 0;
        for piece in pieces {
            let skip = piece.offset % page;
            let length = skip + piece.length;
            // SAFETY: within the memory taken above, of which `at` is a multiple of a page as the
            // pieces meet at such; nobody has a pointer into it yet.
            unsafe {
                let here = begin.byte_add(at);
                let flags = MapFlags::SHARED | MapFlags::FIXED;
                let offset = (piece.offset - skip) as u64;
                mmap(here, length, ProtFlags::READ, flags, piece.file, offset)?;
            }
            at += length;
        }
        Ok(Some(mapping))
    }

    /// The pieces' bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: mapped by `of`, from `skip` on for `length` bytes, until this value is dropped.
        unsafe { std::slice::from_raw_parts(self.begin.byte_add(self.skip).cast(), self.length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: made by `of`; slices of it have ended, as they borrow this value.
        _ = unsafe { munmap(self.begin, self.taken) };
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::os::fd::AsFd;

    use super::*;

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file
    }

    fn piece(file: &File, offset: usize, length: usize) -> Piece<'_> {
        Piece { file: file.as_fd(), offset, length }
    }

    /// Pieces of different files read as one where they meet at pages, also once the files are
    /// closed.
    #[test]
    fn pieces_are_put_together() {
        let page = rustix::param::page_size();
        let content: Vec<u8> = (0_u32..).map(|at| (at / 7 % 251) as u8).take(4 * page).collect();
        let (first, second) = (file(&content), file(&content));
        let pieces = [
            piece(&first, 100, 2 * page - 100),
            piece(&second, page, 2 * page),
            piece(&first, 0, 5),
        ];
        let mapping = Mapping::of(&pieces).unwrap().unwrap();
        drop((first, second));
        let expected = [&content[100..2 * page], &content[page..3 * page], &content[..5]].concat();
        assert_eq!(mapping.bytes(), expected);
    }

    /// What does not meet at pages is refused.
    #[test]
    fn pieces_that_stand_apart_are_refused() {
        let page = rustix::param::page_size();
        let file = file(&vec![0; 3 * page]);
        for apart in [
            vec![],
            vec![piece(&file, 0, 0)],
            vec![piece(&file, 0, 5), piece(&file, page, 5)],
            vec![piece(&file, 0, page), piece(&file, 5, 5)],
        ] {
            assert!(Mapping::of(&apart).unwrap().is_none(), "{apart:?}");
        }
    }
}
