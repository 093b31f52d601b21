//! The C interface; `include/picturerail_database.h` documents it. The only file with unsafe
//! code: it turns pointers into references and back, and decides nothing.
//!
//! What every function relies on, beside what its header comment asks of the caller: a handle
//! is NULL or came from the function that makes it and was not ended; a `prdb_bytes` is NULL
//! with length 0 or points to that many bytes. A NULL handle gives `PRDB_INVALID`, as does a
//! NULL result pointer; a NULL `error` is ignored.
#![expect(unsafe_code, reason = "a C interface deals in pointers")]
#![expect(
    non_camel_case_types,
    reason = "the types bear the names of the C header"
)]

use std::ffi::{CStr, OsStr, c_char, c_int};
use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use crate::backup::{backup, restore};
use crate::blob::{BlobReader, BlobWriter, hash_from};
use crate::check::check;
use crate::cursor::{Cursor, Entry};
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::row::{Hash, NewRow, Row, Stat, Text};
use crate::snapshot::{Rows, Snapshot};
use crate::state::IMAGES;
use crate::store::{Mode, Options, Store};
use crate::writer::Transaction;

const OK: i32 = 0;
const DONE: i32 = 1;
const INVALID: i32 = 3;
const INTERNAL: i32 = 15;
const HAS_DATA: u32 = 1;
const DELETED: u32 = 2;
const MESSAGE_BYTES: usize = 1016;

#[repr(C)]
pub struct prdb_error {
    status: i32,
    pid: i32,
    message: [u8; MESSAGE_BYTES],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct prdb_bytes {
    data: *const u8,
    length: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct prdb_stat {
    size: u64,
    mtime_ns: i64,
    ctime_ns: i64,
    inode: u64,
    volume: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct prdb_image {
    id: u64,
    seq: u64,
    root: u32,
    flags: u32,
    deleted_ns: i64,
    data_length: u64,
    content_hash: Hash,
    path: prdb_bytes,
    filename: prdb_bytes,
    metadata: prdb_bytes,
    stat: prdb_stat,
}

#[repr(C)]
pub struct prdb_entry {
    table: u32,
    flags: u32,
    seq: u64,
    key: prdb_bytes,
    value: prdb_bytes,
    image: prdb_image,
}

#[repr(C)]
pub struct prdb_info {
    uuid: [u8; 16],
    seq: u64,
    live: u64,
    deleted: u64,
    blobs: u64,
    blob_bytes: u64,
    disk_bytes: u64,
    format: u32,
}

pub struct prdb_store(Store);
pub struct prdb_snapshot(Snapshot);
pub struct prdb_blob(BlobReader);
pub struct prdb_blob_writer(BlobWriter);
pub struct prdb_transaction(Transaction);

/// Keeps alive what a `prdb_image` points to.
pub struct prdb_row {
    row: Arc<Row>,
    metadata: Text,
}

/// Keeps alive what the last `prdb_entry` points to.
pub struct prdb_cursor {
    cursor: Cursor,
    held: Option<Held>,
}

#[expect(dead_code, reason = "held only to be kept alive")]
enum Held {
    Image(prdb_row, [u8; 8]),
    Pair(Text, Text),
    Id([u8; 8]),
}

impl Error {
    fn status(&self) -> i32 {
        match self {
            Self::NotFound(_) => 2,
            Self::Invalid(_) => INVALID,
            Self::Io { .. } => 4,
            Self::Corrupt { .. } => 5,
            Self::Locked { .. } => 6,
            Self::Full { .. } => 7,
            Self::Poisoned(_) => 8,
            Self::OutcomeUnknown(_) => 9,
            Self::Unsupported { .. } => 10,
            Self::Expired { .. } => 11,
            Self::ReadOnly => 12,
            Self::Closed => 13,
            Self::Conflict(_) => 14,
            Self::Internal(_) => INTERNAL,
        }
    }
}

/// Run a function's body; put what went wrong into `error`. No panic gets past here.
unsafe fn guarded(error: *mut prdb_error, body: impl FnOnce() -> Result<i32>) -> i32 {
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(Error::Internal(
            text.unwrap_or_else(|| "a panic".to_owned()),
        ))
    });
    let (status, pid, message) = match outcome {
        Ok(status) => return status,
        Err(Error::Locked { store, pid }) => {
            let error = Error::Locked { store, pid };
            (error.status(), pid, error.to_string())
        }
        Err(error) => (error.status(), 0, error.to_string()),
    };
    // SAFETY: NULL or the caller's own, as the header says.
    if let Some(error) = unsafe { error.as_mut() } {
        error.status = status;
        error.pid = pid;
        let mut length = message.len().min(MESSAGE_BYTES - 1);
        while !message.is_char_boundary(length) {
            length -= 1;
        }
        error.message = [0; MESSAGE_BYTES];
        for (to, from) in error
            .message
            .iter_mut()
            .zip(message.as_bytes().iter().take(length))
        {
            *to = *from;
        }
    }
    status
}

/// Run the body of a function that ends a handle and reports nothing.
fn quiet(body: impl FnOnce()) {
    _ = catch_unwind(AssertUnwindSafe(body));
}

fn null() -> Error {
    Error::Invalid("a pointer is NULL".to_owned())
}

unsafe fn handle<'a, T>(pointer: *const T) -> Result<&'a T> {
    // SAFETY: a live handle or NULL.
    unsafe { pointer.as_ref() }.ok_or_else(null)
}

unsafe fn handle_mut<'a, T>(pointer: *mut T) -> Result<&'a mut T> {
    // SAFETY: a live handle or NULL, used by one thread at a time.
    unsafe { pointer.as_mut() }.ok_or_else(null)
}

unsafe fn consume<T>(pointer: *mut T) -> Option<T> {
    // SAFETY: a live handle, made by `give`, or NULL; the caller does not use it again.
    (!pointer.is_null()).then(|| *unsafe { Box::from_raw(pointer) })
}

unsafe fn give<T>(out: *mut *mut T, value: T) -> Result<i32> {
    // SAFETY: NULL or the caller's own.
    *unsafe { out.as_mut() }.ok_or_else(null)? = Box::into_raw(Box::new(value));
    Ok(OK)
}

unsafe fn set<T>(out: *mut T, value: T) -> Result<()> {
    if out.is_null() {
        return Err(null());
    }
    // SAFETY: the caller's own; what stood there has no destructor.
    unsafe { out.write(value) };
    Ok(())
}

unsafe fn slice<'a>(bytes: prdb_bytes) -> Result<&'a [u8]> {
    unsafe { raw_slice(bytes.data, bytes.length) }
}

unsafe fn raw_slice<'a>(data: *const u8, length: usize) -> Result<&'a [u8]> {
    if length == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(null());
    }
    // SAFETY: points to `length` bytes, which stay as they are during the call.
    Ok(unsafe { std::slice::from_raw_parts(data, length) })
}

unsafe fn hash_at(hash: *const u8) -> Result<Hash> {
    // SAFETY: PRDB_HASH_BYTES bytes.
    unsafe { raw_slice(hash, 32) }?
        .try_into()
        .map_err(|_| null())
}

unsafe fn folder(path: *const c_char) -> Result<Arc<dyn Disk>> {
    if path.is_null() {
        return Err(null());
    }
    // SAFETY: NUL-terminated.
    let path = unsafe { CStr::from_ptr(path) }.to_bytes();
    if path.is_empty() {
        return Err(Error::Invalid("the store's path is empty".to_owned()));
    }
    Ok(Arc::new(Folder::new(Path::new(OsStr::from_bytes(path)))))
}

fn rows(bits: u32) -> Result<Rows> {
    if !(1..=3).contains(&bits) {
        return Err(Error::Invalid(format!("{bits} does not say which rows")));
    }
    Ok(Rows {
        live: bits & 1 != 0,
        deleted: bits & 2 != 0,
    })
}

fn bytes(text: &[u8]) -> prdb_bytes {
    prdb_bytes {
        data: text.as_ptr(),
        length: text.len(),
    }
}

const NO_BYTES: prdb_bytes = prdb_bytes {
    data: std::ptr::null(),
    length: 0,
};

const NO_IMAGE: prdb_image = prdb_image {
    id: 0,
    seq: 0,
    root: 0,
    flags: 0,
    deleted_ns: 0,
    data_length: 0,
    content_hash: [0; 32],
    path: NO_BYTES,
    filename: NO_BYTES,
    metadata: NO_BYTES,
    stat: prdb_stat {
        size: 0,
        mtime_ns: 0,
        ctime_ns: 0,
        inode: 0,
        volume: 0,
    },
};

impl prdb_row {
    fn new(row: Arc<Row>) -> Result<Self> {
        let metadata = row.metadata()?;
        Ok(Self { row, metadata })
    }

    fn image(&self) -> prdb_image {
        let Row { stat, .. } = *self.row;
        let Self { row, metadata } = self;
        prdb_image {
            id: row.id,
            seq: row.seq,
            root: row.root,
            flags: flags(row),
            deleted_ns: row.deleted_ns,
            data_length: row.data_length,
            content_hash: row.content_hash,
            path: bytes(&row.path),
            filename: bytes(&row.filename),
            metadata: bytes(metadata),
            stat: prdb_stat {
                size: stat.size,
                mtime_ns: stat.mtime_ns,
                ctime_ns: stat.ctime_ns,
                inode: stat.inode,
                volume: stat.volume,
            },
        }
    }
}

fn flags(row: &Row) -> u32 {
    (if row.has_data { HAS_DATA } else { 0 }) | (if row.is_live() { 0 } else { DELETED })
}

unsafe fn new_row(image: &prdb_image) -> Result<NewRow> {
    // SAFETY: the image's bytes are borrowed for the length of the call.
    unsafe {
        Ok(NewRow {
            root: image.root,
            path: slice(image.path)?.into(),
            filename: slice(image.filename)?.into(),
            metadata: slice(image.metadata)?.into(),
            content_hash: image.content_hash,
            has_data: image.flags & HAS_DATA != 0,
            stat: Stat {
                size: image.stat.size,
                mtime_ns: image.stat.mtime_ns,
                ctime_ns: image.stat.ctime_ns,
                inode: image.stat.inode,
                volume: image.stat.volume,
            },
        })
    }
}

/// Read from a descriptor without touching its position or closing it.
fn reader(fd: c_int) -> Result<impl FnMut(&mut [u8], u64) -> std::io::Result<usize>> {
    if fd < 0 {
        return Err(Error::Invalid(format!("{fd} is not a file descriptor")));
    }
    // SAFETY: open for the length of the call, and `ManuallyDrop` keeps it so.
    let file = ManuallyDrop::new(unsafe { File::from_raw_fd(fd) });
    Ok(move |buffer: &mut [u8], offset| file.read_at(buffer, offset))
}

#[unsafe(no_mangle)]
pub extern "C" fn prdb_abi_version() -> u32 {
    1
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_open(
    path: *const c_char,
    mode: i32,
    store: *mut *mut prdb_store,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            let mode = match mode {
                0 => Mode::Read,
                1 => Mode::Write,
                2 => Mode::Create,
                _ => return Err(Error::Invalid(format!("{mode} is not a mode"))),
            };
            give(
                store,
                prdb_store(Store::open_on(folder(path)?, mode, Options::default())?),
            )
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_close(pointer: *mut prdb_store) {
    quiet(|| drop(unsafe { consume(pointer) }));
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_snapshot_open(
    store: *mut prdb_store,
    snapshot: *mut *mut prdb_snapshot,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            give(snapshot, prdb_snapshot(handle(store)?.0.snapshot()?))
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_snapshot_close(pointer: *mut prdb_snapshot) {
    quiet(|| drop(unsafe { consume(pointer) }));
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_snapshot_info(
    snapshot: *const prdb_snapshot,
    info: *mut prdb_info,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            let found = handle(snapshot)?.0.info();
            let value = prdb_info {
                uuid: found.uuid,
                seq: found.seq,
                live: found.live,
                deleted: found.deleted,
                blobs: found.blobs,
                blob_bytes: found.blob_bytes,
                disk_bytes: found.disk_bytes,
                format: found.format,
            };
            set(info, value)?;
            Ok(OK)
        })
    }
}

unsafe fn give_row(
    found: Arc<Row>,
    image: *mut prdb_image,
    row: *mut *mut prdb_row,
) -> Result<i32> {
    let found = prdb_row::new(found)?;
    // SAFETY: as in the callers. The row's bytes do not move with it.
    unsafe {
        set(image, found.image())?;
        give(row, found)
    }
}

unsafe fn give_cursor(out: *mut *mut prdb_cursor, cursor: Cursor) -> Result<i32> {
    // SAFETY: as in the callers.
    unsafe { give(out, prdb_cursor { cursor, held: None }) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_get(
    snapshot: *const prdb_snapshot,
    id: u64,
    image: *mut prdb_image,
    row: *mut *mut prdb_row,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe { guarded(error, || give_row(handle(snapshot)?.0.get(id)?, image, row)) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_find_path(
    snapshot: *const prdb_snapshot,
    root: u32,
    path: prdb_bytes,
    image: *mut prdb_image,
    row: *mut *mut prdb_row,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            give_row(
                handle(snapshot)?.0.find_path(root, slice(path)?)?,
                image,
                row,
            )
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_row_free(pointer: *mut prdb_row) {
    quiet(|| drop(unsafe { consume(pointer) }));
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_find_filename(
    snapshot: *const prdb_snapshot,
    filename: prdb_bytes,
    cursor: *mut *mut prdb_cursor,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            give_cursor(cursor, handle(snapshot)?.0.find_filename(slice(filename)?))
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_find_content(
    snapshot: *const prdb_snapshot,
    hash: *const u8,
    which: u32,
    cursor: *mut *mut prdb_cursor,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            give_cursor(
                cursor,
                handle(snapshot)?
                    .0
                    .find_content(hash_at(hash)?, rows(which)?),
            )
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_images(
    snapshot: *const prdb_snapshot,
    after: u64,
    which: u32,
    cursor: *mut *mut prdb_cursor,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            give_cursor(cursor, handle(snapshot)?.0.images(after, rows(which)?))
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_images_below(
    snapshot: *const prdb_snapshot,
    root: u32,
    prefix: prdb_bytes,
    cursor: *mut *mut prdb_cursor,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            give_cursor(
                cursor,
                handle(snapshot)?.0.images_below(root, slice(prefix)?),
            )
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_records(
    snapshot: *const prdb_snapshot,
    table: i32,
    prefix: prdb_bytes,
    cursor: *mut *mut prdb_cursor,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            give_cursor(cursor, handle(snapshot)?.0.records(table, slice(prefix)?)?)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_changes(
    snapshot: *const prdb_snapshot,
    since: u64,
    cursor: *mut *mut prdb_cursor,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            give_cursor(cursor, handle(snapshot)?.0.changes(since)?)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_cursor_next(
    cursor: *mut prdb_cursor,
    entry: *mut prdb_entry,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            let cursor = handle_mut(cursor)?;
            let Some(next) = cursor.cursor.step()? else {
                return Ok(DONE);
            };
            set(entry, cursor.hold(next)?)?;
            Ok(OK)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_cursor_close(pointer: *mut prdb_cursor) {
    quiet(|| drop(unsafe { consume(pointer) }));
}

impl prdb_cursor {
    /// Keep an entry alive until the next, and describe it.
    fn hold(&mut self, entry: Entry) -> Result<prdb_entry> {
        let none = prdb_entry {
            table: 0,
            flags: 0,
            seq: 0,
            key: NO_BYTES,
            value: NO_BYTES,
            image: NO_IMAGE,
        };
        let pair = |key: &Text, value: &Text, out: prdb_entry| prdb_entry {
            key: bytes(key),
            value: bytes(value),
            ..out
        };
        let (held, out) = match entry {
            Entry::Image(row) => {
                let image = u32::from(IMAGES);
                let out = prdb_entry {
                    table: image,
                    flags: flags(&row),
                    seq: row.seq,
                    ..none
                };
                let id = row.id.to_be_bytes();
                let row = prdb_row::new(row)?;
                let out = prdb_entry {
                    image: row.image(),
                    ..out
                };
                (Held::Image(row, id), out)
            }
            Entry::Record {
                table,
                seq,
                key,
                value,
            } => {
                let flags = if value.is_none() { DELETED } else { 0 };
                let value = value.unwrap_or_default();
                let out = prdb_entry {
                    table: table.into(),
                    flags,
                    seq,
                    ..none
                };
                let out = pair(&key, &value, out);
                (Held::Pair(key, value), out)
            }
            Entry::Purged { id, seq } => {
                let image = prdb_image {
                    id,
                    seq,
                    flags: DELETED,
                    ..NO_IMAGE
                };
                let out = prdb_entry {
                    table: IMAGES.into(),
                    flags: DELETED,
                    seq,
                    image,
                    ..none
                };
                (Held::Id(id.to_be_bytes()), out)
            }
            Entry::Problem(problem) => {
                let key: Text = problem.place.as_bytes().into();
                let value: Text = problem.what.as_bytes().into();
                let out = pair(&key, &value, none);
                (Held::Pair(key, value), out)
            }
        };
        // The id's bytes must not move any more, so they are pointed to where they stay.
        let held = self.held.insert(held);
        Ok(match held {
            Held::Image(_, id) | Held::Id(id) => prdb_entry {
                key: bytes(id),
                ..out
            },
            Held::Pair(..) => out,
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_blob_open(
    snapshot: *const prdb_snapshot,
    hash: *const u8,
    blob: *mut *mut prdb_blob,
    length: *mut u64,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            let found = handle(snapshot)?.0.open_blob(hash_at(hash)?)?;
            set(length, found.length())?;
            give(blob, prdb_blob(found))
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_blob_read(
    blob: *mut prdb_blob,
    offset: u64,
    buffer: *mut u8,
    length: usize,
    count: *mut usize,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            let blob = handle_mut(blob)?;
            if buffer.is_null() && length > 0 {
                return Err(null());
            }
            let buffer = match length {
                0 => &mut [][..],
                _ => std::slice::from_raw_parts_mut(buffer, length),
            };
            set(count, blob.0.read(offset, buffer)?)?;
            Ok(OK)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_blob_close(pointer: *mut prdb_blob) {
    quiet(|| drop(unsafe { consume(pointer) }));
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_blob_begin(
    store: *mut prdb_store,
    writer: *mut *mut prdb_blob_writer,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            give(writer, prdb_blob_writer(handle(store)?.0.blob_writer()?))
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_blob_write(
    writer: *mut prdb_blob_writer,
    data: *const u8,
    length: usize,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            handle_mut(writer)?.0.write(raw_slice(data, length)?)?;
            Ok(OK)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_blob_write_file(
    writer: *mut prdb_blob_writer,
    fd: c_int,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            handle_mut(writer)?.0.write_from(reader(fd)?)?;
            Ok(OK)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_blob_hash(
    writer: *mut prdb_blob_writer,
    hash: *mut u8,
    length: *mut u64,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            let (digest, bytes) = handle(writer)?.0.digest();
            set(hash.cast(), digest)?;
            set(length, bytes)?;
            Ok(OK)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_blob_abandon(pointer: *mut prdb_blob_writer) {
    quiet(|| drop(unsafe { consume(pointer) }));
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_hash_file(
    fd: c_int,
    hash: *mut u8,
    length: *mut u64,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            let (digest, bytes) = hash_from(reader(fd)?)?;
            set(hash.cast(), digest)?;
            set(length, bytes)?;
            Ok(OK)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_begin(
    store: *mut prdb_store,
    transaction: *mut *mut prdb_transaction,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            give(transaction, prdb_transaction(handle(store)?.0.begin()?))
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_insert(
    transaction: *mut prdb_transaction,
    image: *const prdb_image,
    data: *mut prdb_blob_writer,
    id: *mut u64,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            let data = consume(data).map(|writer| writer.0);
            let row = new_row(handle(image)?)?;
            set(id, handle_mut(transaction)?.0.insert(row, data)?)?;
            Ok(OK)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_update(
    transaction: *mut prdb_transaction,
    image: *const prdb_image,
    data: *mut prdb_blob_writer,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            let data = consume(data).map(|writer| writer.0);
            let image = handle(image)?;
            handle_mut(transaction)?
                .0
                .update(image.id, new_row(image)?, image.seq, data)?;
            Ok(OK)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_delete(
    transaction: *mut prdb_transaction,
    id: u64,
    when_ns: i64,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            handle_mut(transaction)?.0.delete(id, when_ns)?;
            Ok(OK)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_put(
    transaction: *mut prdb_transaction,
    table: i32,
    key: prdb_bytes,
    value: prdb_bytes,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            handle_mut(transaction)?
                .0
                .put(table, slice(key)?, slice(value)?)?;
            Ok(OK)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_remove(
    transaction: *mut prdb_transaction,
    table: i32,
    key: prdb_bytes,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            handle_mut(transaction)?.0.remove(table, slice(key)?)?;
            Ok(OK)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_commit(
    transaction: *mut prdb_transaction,
    seq: *mut u64,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            let transaction = consume(transaction).ok_or_else(null)?;
            set(seq, transaction.0.commit()?)?;
            Ok(OK)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_rollback(pointer: *mut prdb_transaction) {
    quiet(|| drop(unsafe { consume(pointer) }));
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_purge(
    store: *mut prdb_store,
    ids: *const u64,
    count: usize,
    seq: *mut u64,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            let ids = match count {
                0 => &[],
                _ if ids.is_null() => return Err(null()),
                _ => std::slice::from_raw_parts(ids, count),
            };
            set(seq, handle(store)?.0.purge(ids)?)?;
            Ok(OK)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_collect(
    store: *mut prdb_store,
    before_ns: i64,
    freed: *mut u64,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            set(freed, handle(store)?.0.collect(before_ns)?)?;
            Ok(OK)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_check(
    path: *const c_char,
    deep: i32,
    problems: *mut *mut prdb_cursor,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            give_cursor(problems, Cursor::over(check(&folder(path)?, deep != 0)?))
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_backup(
    snapshot: *const prdb_snapshot,
    path: *const c_char,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            backup(&handle(snapshot)?.0, folder(path)?.as_ref())?;
            Ok(OK)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_restore(
    source: *const c_char,
    path: *const c_char,
    error: *mut prdb_error,
) -> i32 {
    // SAFETY: see the module's text.
    unsafe {
        guarded(error, || {
            restore(folder(source)?, folder(path)?.as_ref())?;
            Ok(OK)
        })
    }
}
