/* The C interface from C: who owns what, in which order things may end, threads, and a fork.
 * `make sanitize` builds it with the address sanitizer, which finds what leaks or is used too
 * late. The argument is a new folder. */
#include "picturerail_database.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define COMMITS 25

static void fail(const char *what, int line) {
  fprintf(stderr, "interface.c:%d: %s\n", line, what);
  exit(1);
}

/* Kept in release builds, unlike assert. */
#define CHECK(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))

static int32_t done(int32_t status, const prdb_error *error, int line) {
  if (status > PRDB_DONE) {
    fail(error->message, line);
  }
  return status;
}

#define DO(call) done((call), &error, __LINE__)

static prdb_bytes text(const char *string) {
  return (prdb_bytes){(const uint8_t *)string, strlen(string)};
}

/* Pack a row of root 1 whose path is its filename; return its length. */
static size_t pack(const char *name, uint8_t row[256]) {
  size_t length = strlen(name), at = 0;
  CHECK(length < 64);
  const uint8_t head[] = {0x9b, 0, 0xc4, (uint8_t)length}; /* id 0, then the filename */
  const uint8_t middle[] = {0xc4, 2, '{', '}', 1, 0xc4, (uint8_t)length};
  const uint8_t hash[] = {0xc4, PRDB_HASH_BYTES};
  const uint8_t tail[] = {0x95, 0, 0, 0, 0, 0, 0, 0xc2, 0, 0};
  memset(row, 0, 256);
  memcpy(row, head, sizeof head);
  at += sizeof head;
  memcpy(row + at, name, length);
  at += length;
  memcpy(row + at, middle, sizeof middle);
  at += sizeof middle;
  memcpy(row + at, name, length);
  at += length;
  memcpy(row + at, hash, sizeof hash);
  at += sizeof hash + PRDB_HASH_BYTES;
  memcpy(row + at, tail, sizeof tail);
  return at + sizeof tail;
}

/* Add a picture with bytes of its own, from memory that is freed at once or, where its name is of
 * even length, written before: the store keeps none of the caller's. */
static uint64_t add(prdb_store *store, const char *name, uint8_t hash[PRDB_HASH_BYTES]) {
  prdb_error error;
  prdb_transaction *transaction;
  prdb_blob_writer *writer;
  uint64_t id, seq, again, length;
  uint8_t *row = malloc(256);
  size_t size = strlen(name) + (100 << 10);
  uint8_t *data = malloc(size);
  memset(data, 7, size);
  memcpy(data, name, strlen(name));
  DO(prdb_blob_begin(store, &writer, &error));
  DO(prdb_blob_write(writer, data, size, &error));
  DO(prdb_blob_hash(writer, hash, &length, &error));
  CHECK(length == size);
  DO(prdb_begin(store, &transaction, &error));
  size_t taken = pack(name, row);
  if (strlen(name) % 2) {
    DO(prdb_insert(transaction, row, taken, data, size, NULL, &id, &error));
    prdb_blob_abandon(writer);
  } else {
    DO(prdb_insert(transaction, row, taken, NULL, 0, writer, &id, &error));
  }
  free(data);
  free(row);
  DO(prdb_put(transaction, PRDB_STATE, text(name), text("value"), &error));
  DO(prdb_commit(transaction, &seq, &error));
  /* Nothing is left in it; other threads may have committed since. */
  DO(prdb_commit(transaction, &again, &error));
  CHECK(again >= seq);
  prdb_transaction_close(transaction);
  return id;
}

/* Everything that was made from a store outlives it, in whatever order it ends. */
static void ends_in_any_order(const char *folder) {
  prdb_error error;
  prdb_store *store;
  prdb_snapshot *snapshot;
  prdb_cursor *cursor, *unread;
  prdb_blob *blob;
  prdb_view *view;
  prdb_bytes shown;
  prdb_blob_writer *abandoned, *late;
  prdb_transaction *rolled_back, *refused;
  prdb_entry entry;
  uint8_t hash[PRDB_HASH_BYTES], buffer[4096];
  uint64_t id, length, seq;
  size_t count, got;

  DO(prdb_open(folder, PRDB_CREATE, 1 << 20, &store, &error));
  id = add(store, "beach.jpg", hash);
  DO(prdb_snapshot_open(store, &snapshot, &error));
  DO(prdb_blob_begin(store, &abandoned, &error));
  DO(prdb_blob_write(abandoned, buffer, 10, &error));
  DO(prdb_blob_begin(store, &late, &error));
  DO(prdb_begin(store, &rolled_back, &error));
  DO(prdb_begin(store, &refused, &error));
  DO(prdb_purge(store, &id, 1, &seq, &error));
  prdb_close(store);

  /* A writer is consumed, also where that fails; a transaction is not. */
  uint8_t row[256];
  size_t taken = pack("late.jpg", row);
  CHECK(prdb_insert(refused, row, taken, NULL, 0, late, &id, &error) == PRDB_CLOSED);
  CHECK(prdb_commit(refused, &seq, &error) == PRDB_CLOSED);
  prdb_transaction_close(refused);
  CHECK(prdb_blob_write(abandoned, buffer, sizeof buffer, &error) == PRDB_CLOSED);
  prdb_blob_abandon(abandoned);
  prdb_rollback(rolled_back);
  CHECK(prdb_commit(rolled_back, &seq, &error) == PRDB_CLOSED);
  prdb_transaction_close(rolled_back);

  /* The snapshot still has what was purged since, and its children outlive it. */
  DO(prdb_blob_open(snapshot, hash, &blob, &length, &error));
  DO(prdb_images(snapshot, 0, PRDB_LIVE_ROWS, &cursor, &error));
  DO(prdb_records(snapshot, PRDB_STATE, text(""), &unread, &error));
  prdb_room room = {.buffer = buffer, .capacity = sizeof buffer};
  done(prdb_get(snapshot, 1, &room), &room.error, __LINE__);
  CHECK(room.length > PRDB_PACKED_BYTES && room.length < sizeof buffer);
  /* Where a row does not fit nothing is written, not even a byte. */
  uint8_t *small = malloc(1);
  room.buffer = small;
  room.capacity = 1;
  done(prdb_get(snapshot, 1, &room), &room.error, __LINE__);
  CHECK(room.length > 1);
  free(small);
  CHECK(prdb_get(snapshot, 99, &room) == PRDB_NOT_FOUND);
  CHECK(strstr(room.error.message, "99") != NULL);
  /* So do bytes in place; where a copy does not fit nothing is written. */
  DO(prdb_blob_view(snapshot, hash, &view, &shown, &error));
  uint8_t *copy = malloc(shown.length);
  DO(prdb_blob_copy(snapshot, hash, copy, shown.length - 1, &got, &error));
  CHECK(got == shown.length);
  DO(prdb_blob_copy(snapshot, hash, copy, shown.length, &got, &error));
  CHECK(got == shown.length);
  hash[0] ^= 1;
  CHECK(prdb_blob_view(snapshot, hash, &view, &shown, &error) == PRDB_NOT_FOUND);
  prdb_snapshot_close(snapshot);
  CHECK(shown.length == length && memcmp(shown.data, copy, length) == 0);
  free(copy);
  prdb_view_close(view);
  DO(prdb_cursor_next(cursor, &entry, &error));
  CHECK(entry.image.filename.length == 9);
  CHECK(memcmp(entry.image.filename.data, "beach.jpg", 9) == 0);
  CHECK(prdb_cursor_next(cursor, &entry, &error) == PRDB_DONE);
  DO(prdb_blob_read(blob, 0, buffer, 9, &count, &error));
  CHECK(count == 9 && memcmp(buffer, "beach.jpg", 9) == 0);
  DO(prdb_blob_read(blob, length, buffer, sizeof buffer, &count, &error));
  CHECK(count == 0);
  prdb_cursor_close(cursor);
  prdb_cursor_close(unread);
  prdb_blob_close(blob);
}

/* Bad arguments are refused with a message, and NULL may be ended. */
static void bad_arguments(const char *folder) {
  prdb_error error;
  prdb_store *store;
  prdb_snapshot *snapshot;
  CHECK(prdb_open(NULL, PRDB_READ, 0, &store, &error) == PRDB_INVALID);
  CHECK(prdb_open("", PRDB_READ, 0, &store, &error) == PRDB_INVALID);
  CHECK(prdb_open(folder, 7, 0, &store, &error) == PRDB_INVALID);
  CHECK(prdb_open(folder, PRDB_READ, 0, NULL, &error) == PRDB_INVALID);
  CHECK(prdb_open("/nowhere/at/all", PRDB_READ, 0, &store, NULL) == PRDB_NOT_FOUND);
  CHECK(prdb_snapshot_open(NULL, &snapshot, &error) == PRDB_INVALID);
  CHECK(prdb_get(NULL, 1, NULL) == PRDB_INVALID);
  CHECK(strlen(error.message) > 0);
  prdb_close(NULL);
  prdb_snapshot_close(NULL);
  prdb_cursor_close(NULL);
  prdb_blob_close(NULL);
  prdb_view_close(NULL);
  prdb_blob_abandon(NULL);
  prdb_rollback(NULL);
  prdb_transaction_close(NULL);
}

static void *commit_many(void *argument) {
  uint8_t hash[PRDB_HASH_BYTES];
  char name[64];
  for (int number = 0; number < COMMITS; number++) {
    snprintf(name, sizeof name, "%lx-%d.jpg", (unsigned long)pthread_self(), number);
    add(argument, name, hash);
  }
  return NULL;
}

static void *read_many(void *argument) {
  prdb_error error;
  uint8_t *buffer = malloc(1 << 16);
  for (int number = 0; number < COMMITS; number++) {
    prdb_snapshot *snapshot;
    prdb_cursor *cursor;
    DO(prdb_snapshot_open(argument, &snapshot, &error));
    DO(prdb_images(snapshot, 0, PRDB_LIVE_ROWS, &cursor, &error));
    prdb_snapshot_close(snapshot);
    prdb_room room = {.buffer = buffer, .capacity = 1 << 16};
    while (done(prdb_cursor_rows(cursor, &room), &room.error, __LINE__) == PRDB_OK) {
      CHECK(room.count > 0 && room.length <= 1 << 16);
    }
    prdb_cursor_close(cursor);
  }
  free(buffer);
  return NULL;
}

/* Threads commit to and read from one store at once. */
static void threads(const char *folder) {
  prdb_error error;
  prdb_store *store;
  prdb_snapshot *snapshot;
  prdb_info info;
  pthread_t running[2 * THREADS];
  DO(prdb_open(folder, PRDB_WRITE, 0, &store, &error));
  for (int number = 0; number < 2 * THREADS; number++) {
    CHECK(pthread_create(&running[number], NULL, number % 2 ? read_many : commit_many, store) == 0);
  }
  for (int number = 0; number < 2 * THREADS; number++) {
    CHECK(pthread_join(running[number], NULL) == 0);
  }
  DO(prdb_snapshot_open(store, &snapshot, &error));
  DO(prdb_snapshot_info(snapshot, &info, &error));
  CHECK(info.live == THREADS * COMMITS);
  prdb_snapshot_close(snapshot);

  /* A child that leaves its parent's handles alone neither harms them nor holds the lock on. */
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    _exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  uint8_t hash[PRDB_HASH_BYTES];
  add(store, "after-the-fork.jpg", hash);
  prdb_close(store);
  DO(prdb_open(folder, PRDB_WRITE, 0, &store, &error));
  prdb_close(store);
}

/* A check of the whole, a copy of it and back. */
static void care(const char *folder) {
  prdb_error error;
  prdb_store *store;
  prdb_snapshot *snapshot;
  prdb_cursor *problems;
  prdb_entry entry;
  char copy[4096], restored[4096], saved[4096];
  snprintf(copy, sizeof copy, "%s-copy", folder);
  snprintf(restored, sizeof restored, "%s-restored", folder);
  snprintf(saved, sizeof saved, "%s-saved", folder);
  DO(prdb_open(folder, PRDB_READ, 0, &store, &error));
  DO(prdb_snapshot_open(store, &snapshot, &error));
  DO(prdb_backup(snapshot, copy, 1, &error));
  prdb_snapshot_close(snapshot);
  prdb_close(store);
  DO(prdb_restore(copy, restored, &error));
  DO(prdb_salvage(folder, saved, text("{}"), &problems, &error));
  CHECK(prdb_cursor_next(problems, &entry, &error) == PRDB_DONE);
  prdb_cursor_close(problems);
  const char *all[] = {folder, copy, restored, saved};
  for (size_t number = 0; number < sizeof all / sizeof *all; number++) {
    DO(prdb_check(all[number], PRDB_CHECK_DEEP, &problems, &error));
    CHECK(prdb_cursor_next(problems, &entry, &error) == PRDB_DONE);
    prdb_cursor_close(problems);
  }
}

int main(int count, char **arguments) {
  CHECK(count == 2);
  CHECK(prdb_abi_version() == PRDB_ABI_VERSION);
  ends_in_any_order(arguments[1]);
  bad_arguments(arguments[1]);
  threads(arguments[1]);
  care(arguments[1]);
  return 0;
}
