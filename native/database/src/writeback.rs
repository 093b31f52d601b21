//! Starting the writing of a file's pages before they are waited for: a border file, as no crate
//! wraps the call.
#![expect(unsafe_code, reason = "sync_file_range has no safe form")]

use std::fs::File;
use std::os::fd::AsRawFd;

/// Have the kernel begin to write what is dirty in `offset..offset + length`, and return at once.
///
/// Only the device is given something to do early: nothing is durable before `fdatasync`, which
/// also is where a failure of these writes is told, so what this call itself returns is no matter.
pub(crate) fn start(file: &File, offset: u64, length: u64) {
    let (Ok(offset), Ok(length)) = (offset.try_into(), length.try_into()) else { return };
    // SAFETY: no memory is handed over; the descriptor is open while `file` is borrowed.
    _ = unsafe {
        libc::sync_file_range(file.as_raw_fd(), offset, length, libc::SYNC_FILE_RANGE_WRITE)
    };
}
