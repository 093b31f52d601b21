//! The C interface; `include/picturerail_database.h` documents it. The only file with unsafe
//! code: it turns pointers into references and back, and decides nothing.
//!
//! What every function relies on, beside what its header comment asks of the caller: a handle
//! is NULL or came from the function that makes it and was not ended; a `prdb_bytes` is NULL
//! with length 0 or points to that many bytes. A NULL handle gives `PRDB_INVALID`, as does a
//! NULL result pointer; a NULL `error` is ignored.
#![expect(unsafe_code, reason = "a C interface deals in pointers")]

use std::ffi::{CStr, OsStr, c_char, c_int};
use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use crate::backup::{Files, backup, restore};
use crate::blob::hash_from;
use crate::c_types::{
    DONE, FORCE, INVALID, MESSAGE_BYTES, OK, prdb_blob, prdb_blob_writer, prdb_bytes, prdb_cursor,
    prdb_entry, prdb_error, prdb_info, prdb_room, prdb_snapshot, prdb_store, prdb_transaction,
    prdb_view, rows,
};
use crate::check::{Level, check};
use crate::cursor::Cursor;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::options::Options;
use crate::packed::{Filled, FoundRow, PackedRows};
use crate::row::Hash;
use crate::salvage::salvage;
use crate::store::{Mode, Store};
use crate::unpacked::{GivenRow, unpack};
use crate::writer::Transaction;

/// Run a function's body; put what went wrong into `error`. No panic gets past here.
unsafe fn guarded(error: *mut prdb_error, body: impl FnOnce() -> Result<i32>) -> i32 {
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(Error::Internal(text.unwrap_or_else(|| "a panic".to_owned())))
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
        for (to, from) in error.message.iter_mut().zip(message.as_bytes().iter().take(length)) {
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
    let out = unsafe { out.as_mut() }.ok_or_else(null)?;
    // Only now, as nobody would free what has nowhere to go.
    *out = Box::into_raw(Box::new(value));
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
    unsafe { raw_slice(hash, 32) }?.try_into().map_err(|_| null())
}

unsafe fn folder(path: *const c_char) -> Result<Arc<dyn Disk>> {
    // SAFETY: as in the callers.
    Ok(Arc::new(unsafe { folder_at(path) }?))
}

unsafe fn folder_at(path: *const c_char) -> Result<Folder> {
    if path.is_null() {
        return Err(null());
    }
    // SAFETY: NUL-terminated.
    let path = unsafe { CStr::from_ptr(path) }.to_bytes();
    if path.is_empty() {
        return Err(Error::Invalid("the store's path is empty".to_owned()));
    }
    Ok(Folder::new(Path::new(OsStr::from_bytes(path))))
}

/// Read a packed row; what it brings is put in first, where anything is. The writer is consumed in
/// any case.
unsafe fn given(
    transaction: &mut Transaction,
    packed: &[u8],
    data: *const u8,
    length: usize,
) -> Result<GivenRow> {
    let mut given = unpack(packed)?;
    if !data.is_null() {
        // SAFETY: points to `length` bytes, which stay as they are during the call.
        let data = unsafe { raw_slice(data, length) }?;
        given.row.content_hash = transaction.add_bytes(data)?;
        given.row.has_data = true;
    }
    Ok(given)
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

unsafe fn buffer_at<'a>(buffer: *mut u8, length: usize) -> Result<&'a mut [u8]> {
    match length {
        0 => Ok(&mut []),
        _ if buffer.is_null() => Err(null()),
        // SAFETY: the caller's own for the length of the call.
        _ => Ok(unsafe { std::slice::from_raw_parts_mut(buffer, length) }),
    }
}

unsafe fn give_cursor(out: *mut *mut prdb_cursor, cursor: Cursor) -> Result<i32> {
    // SAFETY: as in the callers.
    unsafe { give(out, prdb_cursor { cursor, rows: PackedRows::new(), held: None }) }
}

#[unsafe(no_mangle)]
pub extern "C" fn prdb_abi_version() -> u32 {
    7
}

/// Export functions that take an error to fill last and run their body guarded.
macro_rules! export {
    ($(fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $body:block)*) => { $(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $kind,)* error: *mut prdb_error) -> i32 {
            // SAFETY: see the module's text.
            unsafe { guarded(error, || $body) }
        }
    )* };
}

/// Export functions that end a handle.
macro_rules! export_ends {
    ($(fn $name:ident(*mut $kind:ty);)*) => { $(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(handle: *mut $kind) {
            // SAFETY: see the module's text.
            quiet(|| drop(unsafe { consume(handle) }));
        }
    )* };
}

export_ends! {
    fn prdb_close(*mut prdb_store);
    fn prdb_snapshot_close(*mut prdb_snapshot);
    fn prdb_cursor_close(*mut prdb_cursor);
    fn prdb_blob_close(*mut prdb_blob);
    fn prdb_view_close(*mut prdb_view);
    fn prdb_blob_abandon(*mut prdb_blob_writer);
    fn prdb_transaction_close(*mut prdb_transaction);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn prdb_rollback(transaction: *mut prdb_transaction) {
    quiet(|| {
        // SAFETY: see the module's text.
        if let Ok(transaction) = unsafe { handle_mut(transaction) } {
            transaction.0.forget_changes();
        }
    });
}

/// Export functions that put rows into a caller's room, run as `export` does.
macro_rules! export_rows {
    ($(fn $name:ident($($argument:ident: $kind:ty),*; $buffer:ident) $body:block)*) => { $(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $kind,)* room: *mut prdb_room) -> i32 {
            // SAFETY: NULL or the caller's own, as is its buffer; see the module's text.
            unsafe {
                let Some(room) = room.as_mut() else { return INVALID };
                let prdb_room { buffer, capacity, length, count, error } = room;
                guarded(error, || {
                    let $buffer = buffer_at(*buffer, *capacity)?;
                    let filled: Filled = $body;
                    (*length, *count) = (filled.length, filled.count);
                    Ok(if filled.ended { DONE } else { OK })
                })
            }
        }
    )* };
}

export_rows! {
    fn prdb_get(snapshot: *const prdb_snapshot, id: u64; buffer) {
        let length = handle(snapshot)?.0.get_packed(id, buffer)?;
        Filled { length, count: 1, ended: false }
    }

    fn prdb_find_path(
        snapshot: *const prdb_snapshot, root: u32, path: *const u8, path_length: usize; buffer
    ) {
        let row = handle(snapshot)?.0.find_path(root, raw_slice(path, path_length)?)?;
        Filled { length: FoundRow::Memory(row).fill(buffer)?, count: 1, ended: false }
    }

    fn prdb_find_filename(
        snapshot: *const prdb_snapshot, filename: *const u8, filename_length: usize, after: u64;
        buffer
    ) {
        let filename = raw_slice(filename, filename_length)?;
        handle(snapshot)?.0.find_filename_packed(filename, after, buffer)?
    }

    fn prdb_cursor_rows(cursor: *mut prdb_cursor; buffer) {
        let prdb_cursor { cursor, rows, .. } = handle_mut(cursor)?;
        let filled = rows.fill(cursor, buffer)?;
        Filled { ended: filled.ended && filled.count == 0, ..filled }
    }
}

export! {
    fn prdb_open(
        path: *const c_char,
        mode: i32,
        cache_bytes: u64,
        store: *mut *mut prdb_store,
    ) {
        let mut options = Options { force: mode & FORCE != 0, ..Options::default() };
        let mode = match mode & !FORCE {
            0 => Mode::Read,
            1 => Mode::Write,
            2 => Mode::Create,
            _ => return Err(Error::Invalid(format!("{mode} is not a mode"))),
        };
        if cache_bytes > 0 {
            options.cache_bytes = usize::try_from(cache_bytes).unwrap_or(usize::MAX);
        }
        give(store, prdb_store(Store::open_on(folder(path)?, mode, options)?))
    }

    fn prdb_snapshot_open(store: *mut prdb_store, snapshot: *mut *mut prdb_snapshot) {
        give(snapshot, prdb_snapshot(handle(store)?.0.snapshot()?))
    }

    fn prdb_snapshot_info(snapshot: *const prdb_snapshot, info: *mut prdb_info) {
        let found = handle(snapshot)?.0.info();
        let value = prdb_info {
            uuid: found.uuid,
            seq: found.seq,
            live: found.live,
            deleted: found.deleted,
            blobs: found.blobs,
            blob_bytes: found.blob_bytes,
            disk_bytes: found.disk_bytes,
            dead_bytes: found.dead_bytes,
            format: found.format,
        };
        set(info, value)?;
        Ok(OK)
    }

    fn prdb_find_content(
        snapshot: *const prdb_snapshot,
        hash: *const u8,
        which: u32,
        cursor: *mut *mut prdb_cursor,
    ) {
        give_cursor(cursor, handle(snapshot)?.0.find_content(hash_at(hash)?, rows(which)?))
    }

    fn prdb_images(
        snapshot: *const prdb_snapshot,
        after: u64,
        which: u32,
        cursor: *mut *mut prdb_cursor,
    ) {
        give_cursor(cursor, handle(snapshot)?.0.images(after, rows(which)?))
    }

    fn prdb_versions(snapshot: *const prdb_snapshot, id: u64, cursor: *mut *mut prdb_cursor) {
        give_cursor(cursor, handle(snapshot)?.0.versions((id != 0).then_some(id)))
    }

    fn prdb_images_below(
        snapshot: *const prdb_snapshot,
        root: u32,
        prefix: prdb_bytes,
        cursor: *mut *mut prdb_cursor,
    ) {
        give_cursor(cursor, handle(snapshot)?.0.images_below(root, slice(prefix)?))
    }

    fn prdb_images_inside(
        snapshot: *const prdb_snapshot,
        root: u32,
        prefix: prdb_bytes,
        cursor: *mut *mut prdb_cursor,
    ) {
        give_cursor(cursor, handle(snapshot)?.0.images_inside(root, slice(prefix)?))
    }

    fn prdb_records(
        snapshot: *const prdb_snapshot,
        table: i32,
        prefix: prdb_bytes,
        cursor: *mut *mut prdb_cursor,
    ) {
        give_cursor(cursor, handle(snapshot)?.0.records(table, slice(prefix)?)?)
    }

    fn prdb_changes(snapshot: *const prdb_snapshot, since: u64, cursor: *mut *mut prdb_cursor) {
        give_cursor(cursor, handle(snapshot)?.0.changes(since)?)
    }

    fn prdb_cursor_next(cursor: *mut prdb_cursor, entry: *mut prdb_entry) {
        let cursor = handle_mut(cursor)?;
        let Some(next) = cursor.cursor.step()? else {
            return Ok(DONE);
        };
        set(entry, cursor.hold(next)?)?;
        Ok(OK)
    }

    fn prdb_blob_open(
        snapshot: *const prdb_snapshot,
        hash: *const u8,
        blob: *mut *mut prdb_blob,
        length: *mut u64,
    ) {
        let found = handle(snapshot)?.0.open_blob(hash_at(hash)?)?;
        set(length, found.length())?;
        give(blob, prdb_blob(found))
    }

    fn prdb_blob_read(
        blob: *mut prdb_blob,
        offset: u64,
        buffer: *mut u8,
        length: usize,
        count: *mut usize,
    ) {
        let blob = handle_mut(blob)?;
        let buffer = buffer_at(buffer, length)?;
        set(count, blob.0.read(offset, buffer)?)?;
        Ok(OK)
    }

    fn prdb_blob_copy(
        snapshot: *const prdb_snapshot,
        hash: *const u8,
        buffer: *mut u8,
        capacity: usize,
        length: *mut usize,
    ) {
        let buffer = buffer_at(buffer, capacity)?;
        set(length, handle(snapshot)?.0.read_blob(hash_at(hash)?, buffer)?)?;
        Ok(OK)
    }

    fn prdb_blob_view(
        snapshot: *const prdb_snapshot,
        hash: *const u8,
        view: *mut *mut prdb_view,
        bytes: *mut prdb_bytes,
    ) {
        let found = handle(snapshot)?.0.open_blob(hash_at(hash)?)?.view()?;
        // They do not move with the value that holds them.
        let held = found.bytes();
        set(bytes, prdb_bytes { data: held.as_ptr(), length: held.len() })?;
        give(view, prdb_view(found))
    }

    fn prdb_blob_begin(store: *mut prdb_store, writer: *mut *mut prdb_blob_writer) {
        give(writer, prdb_blob_writer(handle(store)?.0.blob_writer()?))
    }

    fn prdb_blob_write(writer: *mut prdb_blob_writer, data: *const u8, length: usize) {
        handle_mut(writer)?.0.write(raw_slice(data, length)?)?;
        Ok(OK)
    }

    fn prdb_blob_write_file(writer: *mut prdb_blob_writer, fd: c_int) {
        handle_mut(writer)?.0.write_from(reader(fd)?)?;
        Ok(OK)
    }

    fn prdb_blob_hash(writer: *mut prdb_blob_writer, hash: *mut u8, length: *mut u64) {
        let (digest, bytes) = handle(writer)?.0.digest();
        set(hash.cast(), digest)?;
        set(length, bytes)?;
        Ok(OK)
    }

    fn prdb_hash_file(fd: c_int, hash: *mut u8, length: *mut u64) {
        let (digest, bytes) = hash_from(reader(fd)?)?;
        set(hash.cast(), digest)?;
        set(length, bytes)?;
        Ok(OK)
    }

    fn prdb_begin(store: *mut prdb_store, transaction: *mut *mut prdb_transaction) {
        give(transaction, prdb_transaction(handle(store)?.0.begin()?))
    }

    fn prdb_insert(
        transaction: *mut prdb_transaction,
        row: *const u8,
        row_length: usize,
        data: *const u8,
        length: usize,
        writer: *mut prdb_blob_writer,
        id: *mut u64,
    ) {
        let writer = consume(writer).map(|writer| writer.0);
        let transaction = &mut handle_mut(transaction)?.0;
        let given = given(transaction, raw_slice(row, row_length)?, data, length)?;
        set(id, transaction.insert(given.row, writer)?)?;
        Ok(OK)
    }

    fn prdb_update(
        transaction: *mut prdb_transaction,
        row: *const u8,
        row_length: usize,
        data: *const u8,
        length: usize,
        writer: *mut prdb_blob_writer,
    ) {
        let writer = consume(writer).map(|writer| writer.0);
        let transaction = &mut handle_mut(transaction)?.0;
        let given = given(transaction, raw_slice(row, row_length)?, data, length)?;
        transaction.update(given.id, given.row, given.seq, writer)?;
        Ok(OK)
    }

    fn prdb_delete(transaction: *mut prdb_transaction, id: u64, when_ns: i64) {
        handle_mut(transaction)?.0.delete(id, when_ns)?;
        Ok(OK)
    }

    fn prdb_put(
        transaction: *mut prdb_transaction,
        table: i32,
        key: prdb_bytes,
        value: prdb_bytes,
    ) {
        handle_mut(transaction)?.0.put(table, slice(key)?, slice(value)?)?;
        Ok(OK)
    }

    fn prdb_remove(transaction: *mut prdb_transaction, table: i32, key: prdb_bytes) {
        handle_mut(transaction)?.0.remove(table, slice(key)?)?;
        Ok(OK)
    }

    fn prdb_commit(transaction: *mut prdb_transaction, seq: *mut u64) {
        set(seq, handle_mut(transaction)?.0.commit_changes()?)?;
        Ok(OK)
    }

    fn prdb_purge(store: *mut prdb_store, ids: *const u64, count: usize, seq: *mut u64) {
        let ids = match count {
            0 => &[],
            _ if ids.is_null() => return Err(null()),
            _ => std::slice::from_raw_parts(ids, count),
        };
        set(seq, handle(store)?.0.purge(ids)?)?;
        Ok(OK)
    }

    fn prdb_collect(store: *mut prdb_store, before_ns: i64, freed: *mut u64) {
        set(freed, handle(store)?.0.collect(before_ns)?)?;
        Ok(OK)
    }

    fn prdb_checkpoint(store: *mut prdb_store) {
        handle(store)?.0.checkpoint()?;
        Ok(OK)
    }

    fn prdb_check(path: *const c_char, level: i32, problems: *mut *mut prdb_cursor) {
        let level = match level {
            0 => Level::Quick,
            1 => Level::Full,
            2 => Level::Deep,
            _ => return Err(Error::Invalid(format!("{level} is not a level of checks"))),
        };
        give_cursor(problems, Cursor::over(check(&folder(path)?, level)?))
    }

    fn prdb_salvage(
        source: *const c_char,
        path: *const c_char,
        metadata: prdb_bytes,
        problems: *mut *mut prdb_cursor,
    ) {
        let lost = salvage(&folder(source)?, folder(path)?, slice(metadata)?)?;
        give_cursor(problems, Cursor::over(lost))
    }

    fn prdb_backup(snapshot: *const prdb_snapshot, path: *const c_char, links: i32) {
        let how = if links == 0 { Files::Copied } else { Files::Linked };
        backup(&handle(snapshot)?.0, folder(path)?.as_ref(), how)?;
        Ok(OK)
    }

    fn prdb_restore(source: *const c_char, path: *const c_char) {
        restore(folder(source)?, folder(path)?.as_ref())?;
        Ok(OK)
    }
}
