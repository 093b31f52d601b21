/* The search engine's C interface: a full-text and vector index on disk.
 *
 * The index is a follower of the database: it holds nothing that cannot be
 * built again, and it remembers the transaction number it has reached.
 *
 * Conventions
 *   - Every function that can fail returns a `prse_status`; 0 is success. The
 *     reason is written to the caller's `prse_error` (which may be NULL).
 *     Nothing is ever thrown across this border.
 *   - Handles are opaque, made by `X_open` and ended by exactly one `X_close`
 *     or `X_free`. Ending NULL does nothing.
 *   - Texts are (pointer, length) in UTF-8; bytes that are not UTF-8 are read
 *     as U+FFFD. Texts handed IN are borrowed for the call; handed OUT they are
 *     owned by the handle named in the comment.
 *   - A reader may be used by any number of threads at once. A writer belongs
 *     to one thread at a time, and there is one writer for an index (the caller
 *     sees to that: it is the process that holds the database's lock).
 *   - Buffers for hits and tokens are the caller's.
 *
 * The text between the two `cffi` marks is the Python binding's declaration:
 * keep it to plain declarations, enums and `#define NAME number`.
 */
#ifndef PICTURERAIL_SEARCH_H
#define PICTURERAIL_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* cffi: begin */
#define PRSE_ABI_VERSION 14
#define PRSE_UUID_BYTES 16
#define PRSE_MESSAGE_BYTES 1020

/* What a call came to. */
enum prse_status {
  PRSE_OK = 0,
  PRSE_NOT_FOUND = 1,   /* no index in that folder, or no such document */
  PRSE_INVALID = 2,     /* an argument breaks a documented rule */
  PRSE_IO = 3,          /* the operating system refused; message says what */
  PRSE_CORRUPT = 4,     /* bytes on disk are not what was written: rebuild */
  PRSE_UNSUPPORTED = 5, /* the index's format is newer than this library: rebuild */
  PRSE_FOREIGN = 6,     /* the index follows another database: rebuild */
  PRSE_INTERNAL = 7,    /* a defect of this library */
  PRSE_OUTDATED = 8     /* the index's format is older than this library reads: rebuild */
};

/* Why a call failed; caller-owned. `message` is UTF-8, NUL-terminated. */
typedef struct prse_error {
  int32_t status;
  char message[1020];
} prse_error;

typedef struct prse_text {
  const char *data;
  size_t length;
} prse_text;

/* One value of one field of a document. A field may have several values, each
 * an entry of its own; phrases do not reach across values. The engine knows the
 * field names "filename", "caption", "tags" and "folder" (their default weights
 * are 4, 2, 3 and 1) and takes any other name with weight 1; an index has at most
 * 64 names. Only "tags" values bear neighbours. */
typedef struct prse_field {
  prse_text name;
  prse_text value;
} prse_field;

/* A word near a tag, and how near: 0 < similarity <= 1. */
typedef struct prse_neighbour {
  prse_text word;
  float similarity;
} prse_neighbour;

typedef struct prse_weight {
  prse_text field;
  float weight;
} prse_weight;

enum prse_flag {
  PRSE_STRICT = 1,  /* PRSE_INVALID, naming the character, for a query that is not well formed */
  PRSE_NO_TYPOS = 2, /* a word that no document has finds nothing, not what is nearly it */
  PRSE_NO_REASONS = 8, /* the matches hold counts of facets alone */
  PRSE_NO_COUNT = 4, /* `total` may be too low; the best few are found without looking at all */
  PRSE_PLAIN = 16 /* a word finds itself alone: no other form, no word that it begins unless it has a `*`,
                     none that is nearly it, no tag; nearness adds nothing, and no word is passed over */
};

enum prse_sort {
  PRSE_BY_SCORE = 0,
  PRSE_BY_ORDER = 1,   /* the highest `order` first: the newest picture */
  PRSE_BY_ORDER_UP = 2, /* the lowest first */
  PRSE_BY_NAME = 3     /* by "filename", without regard to case and accents; then the lowest id */
};

/* A caller's older and shorter structure is taken; what it lacks is 0. */
typedef struct prse_options {
  uint32_t struct_size;       /* sizeof(prse_options) of the caller's header */
  uint32_t threads;           /* segments searched at once; 0 means one for each core */
  const prse_weight *weights; /* in place of the defaults; may be NULL */
  size_t weight_count;
  uint32_t flags;             /* of prse_flag */
  uint32_t sort;              /* a prse_sort */
  const prse_text *facets;    /* fields whose values are counted over all documents that match:
                                 camera, filename, folder, lens, place, tags, and year, which is
                                 that of the document's order; may be NULL. PRSE_INVALID for others */
  size_t facet_count;
  size_t facet_limit;         /* of each field, so many of its most frequent values */
} prse_options;

/* How a document came to match a query's word. */
enum prse_via {
  PRSE_EXACT = 0,    /* it bears the word */
  PRSE_PREFIX = 1,   /* it bears a word that begins with the query's word */
  PRSE_PHRASE = 2,   /* it bears the quoted words side by side */
  PRSE_NEIGHBOUR = 3, /* it bears a tag near the query's word */
  PRSE_FORM = 5,     /* it bears another form of the word (its stem is the same) */
  PRSE_TYPO = 4      /* it bears a word that differs by an edit or two, and none has the word */
};

/* Caller-owned. `first_match` and `match_count` point into `prse_matches`. */
typedef struct prse_hit {
  uint64_t id;
  float score;        /* the sum of its matches' scores and of `proximity` */
  float proximity;    /* what the nearness of words adds; 0 unless matches are asked for */
  uint32_t first_match;
  uint32_t match_count;
} prse_hit;

/* Why a document matched: texts are owned by the `prse_matches`. */
typedef struct prse_match {
  prse_text field;
  prse_text query_word; /* the query's word or phrase, as typed */
  prse_text word;       /* the word the document bears; the tag where via is PRSE_NEIGHBOUR */
  int32_t via;
  float similarity;     /* PRSE_NEIGHBOUR: the tag's; PRSE_TYPO: the share of letters that agree; else 1 */
  float score;          /* what this adds to the hit's */
} prse_match;

/* How many of the documents that match have a value; texts are owned by the `prse_matches`. */
typedef struct prse_facet {
  prse_text field;
  prse_text value;
  uint64_t count;
} prse_facet;

typedef struct prse_summary {
  uint64_t total;   /* documents that match */
  uint32_t relaxed; /* 1: no document bore every word, so any of them was enough */
} prse_summary;

/* A word of a text. Offsets are bytes into the text as given. */
typedef struct prse_token {
  uint32_t begin;
  uint32_t end;
  uint32_t position;    /* number of the word in the text; a tail's is that of the word before */
  uint32_t term_begin;  /* where its folded form lies in the caller's term buffer */
  uint32_t term_end;
  uint32_t tail;        /* 1: the last letter of ideographs or kana once more; queries do without */
} prse_token;

typedef struct prse_info {
  uint8_t uuid[16];   /* of the database this index follows */
  uint64_t seq;       /* the transaction reached, durable */
  uint64_t documents; /* live */
  uint64_t terms;     /* distinct, over all segments */
  uint64_t tags;      /* that have neighbours */
  uint64_t vectors;
  uint64_t disk_bytes;
  uint32_t segments;
  uint32_t format;
} prse_info;

typedef struct prse_writer prse_writer;
typedef struct prse_reader prse_reader;
typedef struct prse_matches prse_matches;
typedef struct prse_site prse_site;

uint32_t prse_abi_version(void);

/* ---- writing ---- */

/* Open the index in the folder `path` for writing; made if there is none.
 * `uuid` names the database it follows: PRSE_FOREIGN if it was made for another.
 * `language`, NUL-terminated, is that of the texts: "english", "german", "none", or NULL for the first;
 * PRSE_OUTDATED if the index was made for another. Everything a reader relies on is verified. */
int32_t prse_writer_open(const char *path, const uint8_t *uuid, const char *language,
                         prse_writer **writer, prse_error *error);

/* Remove everything of an index, also a damaged one, so that it can be built
 * again. Files in `path` that are not the engine's own are left alone. */
int32_t prse_destroy(const char *path, prse_error *error);

/* Add a document, or replace the one with this id, which must not be 0; its
 * vectors stay. `order` breaks ties of the score, the higher first (the time a
 * picture was taken). All values together have at most 64 MiB. */
int32_t prse_put(prse_writer *writer, uint64_t id, int64_t order, const prse_field *fields,
                 size_t count, prse_error *error);

/* The same with all fields in one buffer, one after the other: u32 bytes of the name, u32 bytes
 * of the value (both little-endian), the name, the value. For bindings to which a pointer for
 * each text is dear. */
int32_t prse_put_packed(prse_writer *writer, uint64_t id, int64_t order, const char *fields,
                        size_t length, prse_error *error);

/* Remove a document with its vectors; one that is not there is no error. */
int32_t prse_remove(prse_writer *writer, uint64_t id, prse_error *error);

/* Set a tag's nearest words once for all documents that bear the tag, before or
 * after; none removes them. Tags that fold alike are one tag; a tag without a
 * letter or digit is passed over. A query's word reaches those documents through
 * the tag, below every document that bears the word itself. */
int32_t prse_set_neighbours(prse_writer *writer, prse_text tag, const prse_neighbour *words,
                            size_t count, prse_error *error);

/* Set a document's vector in a named space; all vectors of a space have one
 * dimension, at most 8192. `count` 0 removes it. It may come before the document,
 * and is found once that is there. Compared by cosine. */
int32_t prse_put_vector(prse_writer *writer, uint64_t id, prse_text space, const float *values,
                        size_t count, prse_error *error);

/* Make everything since the last commit durable and visible to readers at once,
 * and record that the index has reached transaction `seq`, which never goes back.
 * With nothing new and the same `seq` it writes nothing. Segments are merged as they gather: small ones at once,
 * larger ones by a thread of the writer's own, whose work a later commit takes. */
int32_t prse_commit(prse_writer *writer, uint64_t seq, prse_error *error);

/* Merge all segments into one without the dead. Everything must be committed. */
int32_t prse_compact(prse_writer *writer, prse_error *error);

/* The transaction reached by the last commit; unlike prse_writer_info, which counts terms, it costs
 * nothing. */
int32_t prse_writer_seq(const prse_writer *writer, uint64_t *seq, prse_error *error);
int32_t prse_writer_info(const prse_writer *writer, prse_info *info, prse_error *error);

/* Close; what was not committed is forgotten, and a merge under way ends soon, without a trace. */
void prse_writer_close(prse_writer *writer);

/* ---- reading, also from other processes ---- */

/* Open the newest committed state. It stays as it is until refreshed. */
int32_t prse_reader_open(const char *path, prse_reader **reader, prse_error *error);

/* Move to the newest committed state; `*changed` tells whether there was one.
 * Searches in other threads finish on the state they began with. */
int32_t prse_reader_refresh(prse_reader *reader, int32_t *changed, prse_error *error);
void prse_reader_close(prse_reader *reader);
int32_t prse_reader_info(const prse_reader *reader, prse_info *info, prse_error *error);

/* Find the documents that bear every word of the query, best first; where there
 * is none, those that bear any. Every word also matches words that it begins,
 * below exact ones, and tags it is a neighbour of, below those; where no document
 * has it or begins with it, words an edit or two away. "Quoted words" must stand
 * side by side, exactly. QUERY.md has the whole language. Fills at most `capacity` hits from the `skip`th on.
 * `matches` may be NULL when nobody wants to know why, and no facets are asked for. */
int32_t prse_search(const prse_reader *reader, prse_text query, const prse_options *options,
                    size_t skip, prse_hit *hits, size_t capacity, size_t *count,
                    prse_summary *summary, prse_matches **matches, prse_error *error);

/* A hit of prse_best. */
typedef struct prse_best_hit {
  uint64_t id;
  float score;
  uint32_t unused;
} prse_best_hit;

/* The best hits of prse_search with the defaults, uncounted and without reasons, for callers that ask
 * often: nothing is allocated for them. `query` has `length` bytes; of `flags`, each but PRSE_PLAIN is
 * PRSE_INVALID. */
int32_t prse_best(const prse_reader *reader, const char *query, size_t length, uint32_t flags,
                  prse_best_hit *hits, size_t capacity, size_t *count, prse_error *error);

/* The matches of all hits, owned by `matches`. */
void prse_matches_get(const prse_matches *matches, const prse_match **first, size_t *count);
/* The counts that were asked for, field by field in the order of `options.facets`, the most frequent
 * first, then by value; owned by `matches`. */
void prse_matches_facets(const prse_matches *matches, const prse_facet **first, size_t *count);
void prse_matches_free(prse_matches *matches);

/* Documents whose vector in `space` is nearest to the given one, nearest first;
 * `score` is the cosine. From 16,384 vectors on, those are compared whose signs differ least:
 * prse_nearest_batch can compare all. */
int32_t prse_nearest(const prse_reader *reader, prse_text space, const float *values,
                     size_t dimension, prse_hit *hits, size_t capacity, size_t *count,
                     prse_error *error);

/* The same for `queries` vectors, one after the other; `exact` not 0: every vector is compared. Query i
 * fills at most `capacity` hits from `hits[i * capacity]` on, `counts[i]` of them. */
int32_t prse_nearest_batch(const prse_reader *reader, prse_text space, const float *values,
                           size_t dimension, size_t queries, int32_t exact, prse_hit *hits,
                           size_t capacity, size_t *counts, prse_error *error);

/* Documents nearest to a document's own vector, without itself.
 * PRSE_NOT_FOUND when it has none. */
int32_t prse_similar(const prse_reader *reader, prse_text space, uint64_t id, prse_hit *hits,
                     size_t capacity, size_t *count, prse_error *error);

/* Ids of all live documents, ascending: fills at most `capacity` from the first
 * id > `after`. */
int32_t prse_documents(const prse_reader *reader, uint64_t after, uint64_t *ids, size_t capacity,
                       size_t *count, prse_error *error);

/* Verify every checksum and structure of the index. PRSE_CORRUPT says where. */
int32_t prse_check(const char *path, prse_error *error);

/* ---- for the index of a static site: SITE.md ---- */

/* Look at the reader's newest state, which stays as it is, term by term. `fields` are all names that
 * fields of documents may have, in the order of their numbers: PRSE_INVALID where the index has
 * another. Terms with fewer than `least_banded` documents are one band; of those with more than
 * `most_banded` the rest is. A site belongs to one thread at a time, and may outlive the reader. */
int32_t prse_site_open(const prse_reader *reader, const prse_text *fields, size_t count,
                       uint64_t least_banded, uint64_t most_banded, prse_site **site,
                       prse_error *error);

/* Fill `count` numbers, one and two for each field: living documents; words of a field, and documents
 * that have any. */
int32_t prse_site_statistics(const prse_site *site, uint64_t *numbers, size_t count,
                             prse_error *error);

/* How many words each field has, of the living documents with ids from `first` on and below `end`, ascending. Owned by
 * the site until its next call: for each u64 id; for each field, in the order of their numbers, u32 words. */
int32_t prse_site_lengths(prse_site *site, uint64_t first, uint64_t end, prse_text *lengths, prse_error *error);

/* The next keys of words and tags above `after`, up to `limit`, ascending, each with a line feed behind
 * it; none at the end. Owned by the site until its next call. */
int32_t prse_site_keys(prse_site *site, prse_text after, size_t limit, prse_text *keys,
                       prse_error *error);

/* What stands under keys, each given with a line feed behind it: of as many of the first as come to about a
 * megabyte together, one at least; `*count` is how many these are. Owned by the site until its next call: for
 * each key u64 documents, u32 bytes of the entry, 0 where no living document is meant by it, u32 number of
 * records; then for each record of all of them u32 band, u32 number of documents, u32 bytes of its postings, u32
 * bytes of what it tells apart of others; then for each key the entry, and for each of its records u64 ids of the
 * documents, the postings, what it tells apart. */
int32_t prse_site_terms(prse_site *site, prse_text keys, size_t *count, prse_text *terms, prse_error *error);

/* Words that say something and that more than `least` documents have, and up to `most`, ascending; not such as are
 * worth about the same to all, as names of cameras, whose lists are short. Owned by the site until its next call: for
 * each u64 documents, u32 bytes of the word, the word. */
int32_t prse_site_frequent(prse_site *site, uint64_t least, uint64_t most, prse_text *words, prse_error *error);

/* From now on the records of terms with up to `most` documents tell what these have of `count` stems, each there
 * once; those of terms with more than `whole` apart. Of words of other stems with more documents, up to `near`, the
 * rest tells how near they are to these stems, if there is one. */
int32_t prse_site_beside(prse_site *site, const prse_text *stems, size_t count, uint64_t whole, uint64_t most,
                         uint64_t near, prse_error *error);

/* Of `pairs` of `count` stems, two numbers each, which documents have words of both near each other. Owned by the
 * site until its next call: for each u32 number of records, none where no document has; for each of these u32 bytes, the record. */
int32_t prse_site_near(prse_site *site, const prse_text *stems, size_t count, const uint32_t *members,
                       size_t pairs, prse_text *near, prse_error *error);

/* The best documents of combinations of `count` stems, by key, as far as some document has all of one together; of
 * two stems also those alone where words of these stand side by side, in either order, if there are any, and those
 * that are the best where nearness does not count.
 * Stems ascend; `weights`, up to 1,000 each, say what words of each are worth beside the others'. `lengths`
 * tell of each field how many words it is taken to have: two to the power of so many quarters. `members` are the
 * numbers of stems, ascending, three for each of the combinations, of two the last UINT32_MAX. A combination that is
 * given twice is told once. Owned by the site until its next call: for each u32 bytes of the key, u32 number of
 * documents, u32 bytes of the record, the key, u64 ids of the documents of which it is to be told what they look
 * like, the record. */
int32_t prse_site_together(prse_site *site, const prse_text *stems, const uint32_t *weights, size_t count,
                           const uint32_t *lengths, size_t fields, const uint32_t *members, size_t combinations,
                           prse_text *together, prse_error *error);
void prse_site_close(prse_site *site);

/* ---- analysis: one analyser for the index, highlighting and the site ---- */

/* Cut a text into words of letters and digits, folded for case and accents.
 * Fills at most `capacity` tokens and `term_capacity` bytes of folded words;
 * `*count` and `*term_length` are what the whole text needs, so a caller whose
 * buffers were too small calls again. A folded word can be longer than the word. */
int32_t prse_analyse(prse_text text, prse_token *tokens, size_t capacity, size_t *count,
                     char *terms, size_t term_capacity, size_t *term_length, prse_error *error);

/* The stem of a folded word in a language: words of one stem are forms of one word. Fills at most
 * `capacity` bytes; `*length` is what the whole stem takes. */
int32_t prse_stem(prse_text word, const char *language, char *stem, size_t capacity, size_t *length,
                  prse_error *error);

/* The same of many words, each with a line feed behind it, as each stem then has. Fills at most `capacity` bytes;
 * `*length` is what all stems take. */
int32_t prse_stems(prse_text words, const char *language, char *stems, size_t capacity, size_t *length,
                   prse_error *error);

/* Whether a folded word says little in a language, so that a query passes over it beside others: 1, or else 0. */
int32_t prse_is_stop_word(prse_text word, const char *language, int32_t *stop, prse_error *error);

/* A list of words in few bytes (SITE.md). Each has a line feed behind it, and 1 to 64 letters,
 * none more than the next: others are PRSE_INVALID. In order they take the least. Fills at most `capacity` bytes; `*length` is what
 * the list takes. */
int32_t prse_site_words(prse_text words, char *list, size_t capacity, size_t *length, prse_error *error);
/* cffi: end */

#ifdef __cplusplus
}
#endif

#endif
