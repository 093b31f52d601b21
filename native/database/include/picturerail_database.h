/* The database's C interface: an embedded, durable store of pictures.
 *
 * Conventions
 *   - Every function that can fail returns a `prdb_status`; 0 is success. The
 *     reason is written to the caller's `prdb_error` (which may be NULL).
 *     Nothing is ever thrown or unwound across this border.
 *   - Handles are opaque. `X_open`/`X_begin` make one, and exactly one call
 *     (`X_close`, `X_free`, or one documented as consuming) ends it. Ending
 *     NULL does nothing.
 *   - Texts are (pointer, length), bytes-safe and not NUL-terminated, but for
 *     file system paths of the store itself, which are NUL-terminated.
 *   - `prdb_bytes` handed IN is borrowed for the length of the call. Handed OUT
 *     it is owned by the handle named in the comment and dies with it.
 *   - A store handle may be used by any number of threads at once. Snapshots
 *     are immutable and may be shared too. Transactions, cursors, rows, blobs
 *     and blob writers belong to one thread at a time.
 *   - Times are nanoseconds since 1970-01-01 UTC.
 *
 * The text between the two `cffi` marks is the Python binding's declaration:
 * keep it to plain declarations, enums and `#define NAME number`.
 */
#ifndef PICTURERAIL_DATABASE_H
#define PICTURERAIL_DATABASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* cffi: begin */
#define PRDB_ABI_VERSION 7
#define PRDB_HASH_BYTES 32
#define PRDB_UUID_BYTES 16
#define PRDB_MESSAGE_BYTES 1016

/* What a call came to. */
enum prdb_status {
  PRDB_OK = 0,
  PRDB_DONE = 1,            /* a cursor has no further entry */
  PRDB_NOT_FOUND = 2,       /* no such row, key, or stored bytes */
  PRDB_INVALID = 3,         /* an argument breaks a documented rule */
  PRDB_IO = 4,              /* the operating system refused; message says what */
  PRDB_CORRUPT = 5,         /* bytes on disk are not what was written */
  PRDB_LOCKED = 6,          /* another process writes; error.pid is its id */
  PRDB_FULL = 7,            /* no space left; nothing was written */
  PRDB_POISONED = 8,        /* an earlier write failed: close and open again */
  PRDB_OUTCOME_UNKNOWN = 9, /* the sync failed: committed or not, ask after reopening */
  PRDB_UNSUPPORTED = 10,    /* the store's format is newer than this library */
  PRDB_EXPIRED = 11,        /* the feed no longer reaches back so far: rebuild */
  PRDB_READ_ONLY = 12,      /* the handle was opened for reading */
  PRDB_CLOSED = 13,         /* the store was closed meanwhile */
  PRDB_CONFLICT = 14,       /* a row changed since it was read; read again and redo */
  PRDB_INTERNAL = 15        /* a defect of this library */
};

/* Which table a record or change belongs to. Values are part of the format. */
enum prdb_table {
  PRDB_IMAGES = 1,     /* key: id, 8 bytes big-endian; has its own functions */
  PRDB_NEIGHBOURS = 2, /* key: vectors version, NUL, tag; value: its nearest words */
  PRDB_VECTORS = 3,    /* key: id, 8 bytes big-endian, then the space's name */
  PRDB_ROOTS = 4,      /* key: root id, 4 bytes big-endian; value: JSON */
  PRDB_FAILURES = 5,   /* key: root id, 4 bytes big-endian, then the path; value: JSON */
  PRDB_STATE = 6       /* key: a name; value: the daemon's own small states */
};

enum prdb_mode {
  PRDB_READ = 0,   /* a consistent view; never waits for a writer */
  PRDB_WRITE = 1,  /* the one writer of an existing store */
  PRDB_CREATE = 2  /* as PRDB_WRITE; makes the store if there is none */
};

/* Added to a mode: open the store also on a network file system, where locks and syncs may
 * not hold. */
#define PRDB_FORCE 16

#define PRDB_HAS_DATA 1  /* flags: the picture's bytes are stored */
#define PRDB_DELETED 2   /* flags: a tombstone, recoverable until collected */

/* Which rows `prdb_images` yields. */
#define PRDB_LIVE_ROWS 1
#define PRDB_DELETED_ROWS 2

/* Why a call failed; caller-owned. `message` is UTF-8, NUL-terminated. */
typedef struct prdb_error {
  int32_t status;
  int32_t pid; /* the writer's process id with PRDB_LOCKED, else 0 */
  char message[1016];
} prdb_error;

typedef struct prdb_bytes {
  const uint8_t *data;
  size_t length;
} prdb_bytes;

/* What the mirrored file looked like when its bytes were read. */
typedef struct prdb_stat {
  uint64_t size;
  int64_t mtime_ns;
  int64_t ctime_ns;
  uint64_t inode;
  uint64_t volume; /* the file system's own identity, not a device number */
} prdb_stat;

/* A row of `images`. In results `path`, `filename` and `metadata` are owned by
 * the cursor that filled them. */
typedef struct prdb_image {
  uint64_t id;         /* never 0, never reused */
  uint64_t seq;        /* the transaction of the row's last change */
  uint32_t root;       /* key in PRDB_ROOTS; 0 where the row came from no folder */
  uint32_t flags;
  int64_t deleted_ns;  /* when it was deleted; 0 while live */
  uint64_t data_length;
  uint8_t content_hash[32]; /* BLAKE3 of the bytes */
  prdb_bytes path;     /* relative to the root; any byte but NUL; empty only where root is 0 */
  prdb_bytes filename; /* the last part of the path; without one any name */
  prdb_bytes metadata; /* JSON, UTF-8 */
  prdb_stat stat;
} prdb_image;

/* Rows in a buffer that the caller owns ("packed") are MessagePack, each an array (0x9b) of:
 *     id (0xcf, u64)       filename (0xc6, u32 length, bytes)     metadata (the same)
 *     root (0xce, u32)     path (0xc6, u32 length, bytes)         content hash (0xc4, 32, bytes)
 *     array (0x95) of size (0xcf, u64), mtime_ns, ctime_ns (0xd3, i64), inode, volume (0xcf, u64)
 *     seq (0xcf, u64)      whether bytes are stored (0xc3, or 0xc2 for not)
 *     data_length (0xcf, u64)      deleted_ns (0xd3, i64)
 * always in these forms, numbers big-endian, so that a row takes PRDB_PACKED_BYTES and its texts.
 * Where several rows are put they are the items of an array (0xdd, u32 count), 5 bytes before
 * them. Where not even one row fits the buffer, none is put there and the length is told
 * that it takes: call again with that much. */
#define PRDB_PACKED_BYTES 138

/* Where look-ups put rows: the caller fills in its buffer and that buffer's capacity, a call the
 * rest. `length` is the bytes put, or where they did not fit those that it takes; `count` the rows
 * put. One structure takes all that a look-up has to say, as passing it on costs more than finding
 * a row does. */
typedef struct prdb_room {
  uint8_t *buffer;
  size_t capacity;
  size_t length;
  size_t count;
  prdb_error error;
} prdb_room;

/* One result of a cursor. With PRDB_IMAGES `image` is filled and `key` is the
 * id; otherwise `key` and `value` are. A tombstone in the change feed has
 * PRDB_DELETED in `flags`; of a purged picture only the id remains. */
typedef struct prdb_entry {
  uint32_t table;
  uint32_t flags;
  uint64_t seq;
  prdb_bytes key;
  prdb_bytes value;
  prdb_image image;
} prdb_entry;

typedef struct prdb_info {
  uint8_t uuid[16];      /* the store's identity; `prdb_restore` makes a new one */
  uint64_t seq;          /* the last durable transaction; 0 when empty */
  uint64_t live;         /* images */
  uint64_t deleted;      /* images that can be brought back */
  uint64_t blobs;        /* distinct stored contents */
  uint64_t blob_bytes;
  uint64_t disk_bytes;   /* of the log up to `seq`, all but all of the store's files */
  uint64_t dead_bytes;   /* of these, what is not a picture's bytes in use: what collecting may free */
  uint32_t format;       /* version of the files' format */
} prdb_info;

typedef struct prdb_store prdb_store;
typedef struct prdb_snapshot prdb_snapshot;
typedef struct prdb_cursor prdb_cursor;
typedef struct prdb_blob prdb_blob;
typedef struct prdb_view prdb_view;
typedef struct prdb_blob_writer prdb_blob_writer;
typedef struct prdb_transaction prdb_transaction;

uint32_t prdb_abi_version(void);

/* ---- store ---- */

/* Open the store in the folder `path`. As a writer it holds the store's lock
 * until closed; a second writer gets PRDB_LOCKED at once. Recovery is part of
 * opening. On a network file system PRDB_INVALID says so, unless PRDB_FORCE is
 * added to the mode. Of what was read of its sorted files up to `cache_bytes` stay in
 * memory, decoded; 0 stands for 64 MiB. */
int32_t prdb_open(const char *path, int32_t mode, uint64_t cache_bytes, prdb_store **store,
                  prdb_error *error);

/* Close. Snapshots, blobs and cursors made from it stay valid. */
void prdb_close(prdb_store *store);

/* ---- snapshots: every read goes through one ---- */

/* Pin the newest durable state; constant time. On a PRDB_READ store this first
 * looks for what the writer process has made durable since. */
int32_t prdb_snapshot_open(prdb_store *store, prdb_snapshot **snapshot, prdb_error *error);
void prdb_snapshot_close(prdb_snapshot *snapshot);
int32_t prdb_snapshot_info(const prdb_snapshot *snapshot, prdb_info *info, prdb_error *error);

/* Find one row, live or deleted, and put it packed into the caller's buffer, where it fits. */
int32_t prdb_get(const prdb_snapshot *snapshot, uint64_t id, prdb_room *room);

/* Find the live row at a path; the result as in `prdb_get`. */
int32_t prdb_find_path(const prdb_snapshot *snapshot, uint32_t root, const uint8_t *path,
                       size_t path_length, prdb_room *room);

/* Put the live rows with exactly this filename and an id above `after`, in id order, packed
 * into the caller's buffer, as many as fit. PRDB_DONE once there are none left behind these. */
int32_t prdb_find_filename(const prdb_snapshot *snapshot, const uint8_t *filename,
                           size_t filename_length, uint64_t after, prdb_room *room);

/* Rows with this content, in id order; `rows` as in `prdb_images`. */
int32_t prdb_find_content(const prdb_snapshot *snapshot, const uint8_t *hash, uint32_t rows,
                          prdb_cursor **cursor, prdb_error *error);

/* Rows with id > `after`, in id order; `rows` is PRDB_LIVE_ROWS,
 * PRDB_DELETED_ROWS or both. */
int32_t prdb_images(const prdb_snapshot *snapshot, uint64_t after, uint32_t rows,
                    prdb_cursor **cursor, prdb_error *error);

/* What the picture `id`, or with 0 every picture, was before other bytes took its own ones'
 * place, by id and transaction: rows whose `deleted_ns` is when they did, with PRDB_DELETED in
 * flags. Row and bytes are kept until collected. */
int32_t prdb_versions(const prdb_snapshot *snapshot, uint64_t id, prdb_cursor **cursor,
                      prdb_error *error);

/* Live rows of one root whose path begins with `prefix`, in path order. */
int32_t prdb_images_below(const prdb_snapshot *snapshot, uint32_t root, prdb_bytes prefix,
                          prdb_cursor **cursor, prdb_error *error);

/* Live rows of one root whose path is `prefix` and a name without '/', in path
 * order: with "folder/" (or "" for the root itself) what lies directly in it. */
int32_t prdb_images_inside(const prdb_snapshot *snapshot, uint32_t root, prdb_bytes prefix,
                           prdb_cursor **cursor, prdb_error *error);

/* Records of a table other than PRDB_IMAGES whose key begins with `prefix`, in
 * key order. */
int32_t prdb_records(const prdb_snapshot *snapshot, int32_t table, prdb_bytes prefix,
                     prdb_cursor **cursor, prdb_error *error);

/* The change feed: for every key changed after transaction `since`, its latest
 * state, once, in the order of their transactions. PRDB_EXPIRED when tombstones
 * younger than `since` have been collected; never for 0, which yields everything. */
int32_t prdb_changes(const prdb_snapshot *snapshot, uint64_t since, prdb_cursor **cursor,
                     prdb_error *error);

/* Fill `entry`, or return PRDB_DONE. Its bytes are owned by the cursor and
 * valid until the next call on it. */
int32_t prdb_cursor_next(prdb_cursor *cursor, prdb_entry *entry, prdb_error *error);

/* Put as many of a listing's next rows as fit, packed, into the caller's buffer, or return
 * PRDB_DONE. Only for cursors that list nothing but rows; not to be mixed with
 * `prdb_cursor_next`. */
int32_t prdb_cursor_rows(prdb_cursor *cursor, prdb_room *room);
void prdb_cursor_close(prdb_cursor *cursor);

/* ---- stored bytes ---- */

/* Open the stored bytes of a content hash. */
int32_t prdb_blob_open(const prdb_snapshot *snapshot, const uint8_t *hash, prdb_blob **blob,
                       uint64_t *length, prdb_error *error);

/* Read `length` bytes from `offset` into the caller's buffer; `*count` is less than
 * `length` only at the end. Bytes that are read for the first time since the store was
 * opened are verified against their checksums, here and below. */
int32_t prdb_blob_read(prdb_blob *blob, uint64_t offset, uint8_t *buffer, size_t length,
                       size_t *count, prdb_error *error);
void prdb_blob_close(prdb_blob *blob);

/* Copy the stored bytes of a content hash into the caller's buffer; `*length` is how many
 * they are. Where that is more than `capacity` none are put there. */
int32_t prdb_blob_copy(const prdb_snapshot *snapshot, const uint8_t *hash, uint8_t *buffer,
                       size_t capacity, size_t *length, prdb_error *error);

/* Show the stored bytes of a content hash where they are: in the store's own files, mapped
 * into memory, read-only. All of them are verified first. `bytes` is owned by the view and
 * valid until it is closed, whatever becomes meanwhile of snapshot, store and files: a
 * purge takes the files' names, and their space once the last view is closed. A copy in
 * memory takes their place for what a store of format 3 or older kept in pieces (more than
 * 1 MiB), or where the system refuses to map. The store never cuts a file off that may be
 * mapped; a foreign program that does, or a disk that fails to bring pages back, ends the
 * process (SIGBUS): `prdb_blob_copy` gives an error instead. Views may be shared between
 * threads, and stay readable in a forked child. */
int32_t prdb_blob_view(const prdb_snapshot *snapshot, const uint8_t *hash, prdb_view **view,
                       prdb_bytes *bytes, prdb_error *error);
void prdb_view_close(prdb_view *view);

/* Begin to store bytes. Nothing of it is found, or durable, before a
 * transaction that names it commits; an abandoned writer leaves only space that
 * is collected later. */
int32_t prdb_blob_begin(prdb_store *store, prdb_blob_writer **writer, prdb_error *error);
int32_t prdb_blob_write(prdb_blob_writer *writer, const uint8_t *data, size_t length,
                        prdb_error *error);

/* Append everything in the open file `fd`, from its start, in bounded memory.
 * The file's own position is neither used nor moved. */
int32_t prdb_blob_write_file(prdb_blob_writer *writer, int fd, prdb_error *error);

/* The hash and length of what was written so far. */
int32_t prdb_blob_hash(prdb_blob_writer *writer, uint8_t *hash, uint64_t *length,
                       prdb_error *error);
void prdb_blob_abandon(prdb_blob_writer *writer);

/* The BLAKE3 of an open file from its start, and its length, in bounded memory. */
int32_t prdb_hash_file(int fd, uint8_t *hash, uint64_t *length, prdb_error *error);

/* ---- transactions ---- */

/* Begin. Changes are gathered in memory, are invisible until committed, and are
 * checked at commit against the state then: transactions of several threads may
 * be open at once, and commits are serialised. */
int32_t prdb_begin(prdb_store *store, prdb_transaction **transaction, prdb_error *error);

/* Add a row; `*id` is its new id (the row's own id, seq, data_length and deleted_ns are ignored).
 * The row is packed as above, but numbers and lengths may have any form that MessagePack has.
 * The commit fails with PRDB_CONFLICT where it would leave two live rows at one path of one root
 * (what counts is the state after it, so pictures may exchange their places); rows of root 0
 * have no path to conflict.
 * Bytes: where `data` is not NULL they are those `length` bytes, borrowed for the call; with
 * `writer` they are what was written there (it is consumed, also on failure); both give the
 * content hash, and only one of the two may be given. Without either, and with a row that says
 * that bytes are stored, it shares what is stored under its content hash (the commit fails with
 * PRDB_NOT_FOUND where nothing is); else no bytes are kept. */
int32_t prdb_insert(prdb_transaction *transaction, const uint8_t *row, size_t row_length,
                    const uint8_t *data, size_t length, prdb_blob_writer *writer, uint64_t *id,
                    prdb_error *error);

/* Replace the row with the packed row's id, live or deleted, wholly; it is live afterwards.
 * Bytes as in `prdb_insert`. Where the row's seq is not 0 the commit fails with
 * PRDB_CONFLICT unless the row is still at that transaction, so that two
 * threads that read, change and write one row cannot undo each other. */
int32_t prdb_update(prdb_transaction *transaction, const uint8_t *row, size_t row_length,
                    const uint8_t *data, size_t length, prdb_blob_writer *writer,
                    prdb_error *error);

/* Turn a live row into a tombstone; `when_ns` is not 0. Row and bytes stay recoverable. The
 * commit fails with PRDB_NOT_FOUND where the row is not live. */
int32_t prdb_delete(prdb_transaction *transaction, uint64_t id, int64_t when_ns,
                    prdb_error *error);

/* Set or remove a record of a table other than PRDB_IMAGES. */
int32_t prdb_put(prdb_transaction *transaction, int32_t table, prdb_bytes key, prdb_bytes value,
                 prdb_error *error);
int32_t prdb_remove(prdb_transaction *transaction, int32_t table, prdb_bytes key,
                    prdb_error *error);

/* Make all of it durable at once, or none. `*seq` is its number (the store's last
 * one when it held no change). When it returns PRDB_OK the changes survive a power
 * cut. The transaction is empty then, also where that failed, as it is after a
 * rollback, and may be filled again. */
int32_t prdb_commit(prdb_transaction *transaction, uint64_t *seq, prdb_error *error);
void prdb_rollback(prdb_transaction *transaction);
void prdb_transaction_close(prdb_transaction *transaction);

/* ---- care ---- */

/* Delete truly: when this returns, neither the rows nor their earlier
 * revisions, nor bytes that no other row shares, nor their VECTORS records, are
 * in any file of the store. The feed keeps the bare ids as tombstones. PRDB_NOT_FOUND where an
 * id has no row, and then nothing is purged. With PRDB_FULL the rows are gone but their bytes
 * are not yet; the next purge, collection or opening for writing goes on with them. */
int32_t prdb_purge(prdb_store *store, const uint64_t *ids, size_t count, uint64_t *seq,
                   prdb_error *error);

/* Give back space: rows deleted and versions replaced before `before_ns` go truly, as do
 * abandoned bytes and superseded revisions where that frees enough to be worth
 * it. `*freed` is in bytes. Where nothing of that is there it costs nothing. */
int32_t prdb_collect(prdb_store *store, int64_t before_ns, uint64_t *freed, prdb_error *error);

/* Put what only the log holds into the sorted files now, so that opening reads none of it again
 * and its space is given back. It happens by itself in time. */
int32_t prdb_checkpoint(prdb_store *store, prdb_error *error);

/* How much `prdb_check` looks at. */
enum prdb_check_level {
  PRDB_CHECK_QUICK = 0, /* what opening relies on: manifest, indexes, what is to be read of the log */
  PRDB_CHECK_FULL = 1,  /* every checksum: all files, all stored bytes */
  PRDB_CHECK_DEEP = 2   /* also rows and indexes both ways, counts, space, content hashes */
};

/* Verify. Every problem is an entry whose key says where and whose value says
 * what; none means sound, as far as `level` looks. */
int32_t prdb_check(const char *path, int32_t level, prdb_cursor **problems, prdb_error *error);

/* Make a store at the new or empty folder `path` of all that can be read of a damaged one, which
 * is not changed. What is lost comes as entries like those of `prdb_check`. Ids, deletions and
 * earlier versions stay; a row whose stored bytes are lost is kept without them, one whose
 * metadata is lost with `metadata` in its place and a stat of zeros. */
int32_t prdb_salvage(const char *source, const char *path, prdb_bytes metadata,
                     prdb_cursor **problems, prdb_error *error);

/* Copy a consistent state to the new or empty folder `path`, durably, while the
 * store stays in use. With `links` files that never change again are hard links
 * where the file system allows it: that takes no space, but is no second copy. */
int32_t prdb_backup(const prdb_snapshot *snapshot, const char *path, int32_t links,
                    prdb_error *error);

/* Make a store at the new or empty folder `path` from a backup; its uuid is new. */
int32_t prdb_restore(const char *backup, const char *path, prdb_error *error);
/* cffi: end */

#ifdef __cplusplus
}
#endif

#endif
