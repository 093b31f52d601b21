/* The interface as C sees it: it compiles as C, answers, refuses NULL, frees what it gives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picturerail_search.h"

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                \
    }                                                                         \
  } while (0)

static prse_text text(const char *s) {
  prse_text t = {s, strlen(s)};
  return t;
}

static int same(prse_text t, const char *s) {
  return t.length == strlen(s) && memcmp(t.data, s, t.length) == 0;
}

/* Documents that were put are found, with why; the summary counts them. */
static void finds_what_was_put(const char *path) {
  const uint8_t uuid[PRSE_UUID_BYTES] = {1};
  prse_error error;
  prse_writer *writer = NULL;
  CHECK(prse_writer_open(path, uuid, NULL, &writer, &error) == PRSE_OK);
  const prse_field fields[] = {{text("tags"), text("grass")}, {text("caption"), text("The Cat")}};
  const prse_neighbour near[] = {{text("meadow"), 0.5F}};
  const float vector[] = {1, 2};
  CHECK(prse_put(writer, 1, 5, fields, 2, &error) == PRSE_OK);
  CHECK(prse_put(writer, 2, 0, fields, 1, NULL) == PRSE_OK);
  CHECK(prse_put(writer, 3, 0, NULL, 0, NULL) == PRSE_OK);
  const char packed[] = "\7\0\0\0\6\0\0\0captionpacked";
  CHECK(prse_put_packed(writer, 3, 0, packed, sizeof packed - 1, &error) == PRSE_OK);
  CHECK(prse_put_packed(writer, 4, 0, packed, sizeof packed - 2, &error) == PRSE_INVALID);
  CHECK(prse_put_packed(writer, 4, 0, packed, 7, &error) == PRSE_INVALID);
  CHECK(prse_remove(writer, 3, &error) == PRSE_OK);
  CHECK(prse_remove(writer, 99, &error) == PRSE_OK);
  CHECK(prse_set_neighbours(writer, text("grass"), near, 1, &error) == PRSE_OK);
  CHECK(prse_put_vector(writer, 1, text("space"), vector, 2, &error) == PRSE_OK);
  CHECK(prse_put_vector(writer, 2, text("space"), vector, 2, &error) == PRSE_OK);
  CHECK(prse_commit(writer, 7, &error) == PRSE_OK);
  prse_info info;
  CHECK(prse_writer_info(writer, &info, &error) == PRSE_OK);
  uint64_t seq = 0;
  CHECK(prse_writer_seq(writer, &seq, &error) == PRSE_OK && seq == 7);
  CHECK(prse_writer_seq(writer, NULL, &error) == PRSE_INVALID);
  CHECK(info.seq == 7 && info.documents == 2 && info.uuid[0] == 1);

  prse_reader *reader = NULL;
  CHECK(prse_reader_open(path, &reader, &error) == PRSE_OK);
  prse_hit hits[4];
  size_t count = 0;
  prse_summary summary;
  prse_matches *matches = NULL;
  CHECK(prse_search(reader, text("meadow cat"), NULL, 0, hits, 4, &count, &summary, &matches,
                    &error) == PRSE_OK);
  CHECK(count == 1 && summary.total == 1 && summary.relaxed == 0 && hits[0].id == 1);
  const prse_match *first = NULL;
  size_t match_count = 0;
  prse_matches_get(matches, &first, &match_count);
  CHECK(match_count == 2 && hits[0].first_match == 0 && hits[0].match_count == 2);
  CHECK(first[0].via == PRSE_NEIGHBOUR && same(first[0].word, "grass"));
  CHECK(same(first[0].query_word, "meadow") && same(first[0].field, "tags"));
  CHECK(first[0].similarity == 0.5F);
  CHECK(first[1].via == PRSE_EXACT && same(first[1].field, "caption"));
  prse_matches_free(matches);
  prse_matches_free(NULL);

  /* A page of no hits still counts. */
  CHECK(prse_search(reader, text("grass"), NULL, 0, NULL, 0, &count, &summary, NULL, NULL) == PRSE_OK);
  CHECK(count == 0 && summary.total == 2);
  const prse_weight weight = {text("tags"), 0};
  const prse_options options = {sizeof(prse_options), 1, &weight, 1, 0, PRSE_BY_ORDER, NULL, 0, 0};
  CHECK(prse_search(reader, text("grass"), &options, 0, hits, 4, &count, NULL, NULL, NULL) == PRSE_OK);
  CHECK(count == 0);

  const prse_options strict = {sizeof(prse_options), 1, NULL, 0, PRSE_STRICT, 0, NULL, 0, 0};
  CHECK(prse_search(reader, text("grass ("), &strict, 0, hits, 4, &count, NULL, NULL, &error) ==
        PRSE_INVALID);
  CHECK(strstr(error.message, "character 7") != NULL);
  const prse_options unknown = {sizeof(prse_options), 1, NULL, 0, 1U << 30, 0, NULL, 0, 0};
  CHECK(prse_search(reader, text("x"), &unknown, 0, hits, 4, &count, NULL, NULL, NULL) == PRSE_INVALID);
  const prse_options plain = {sizeof(prse_options), 1, NULL, 0, PRSE_PLAIN, 0, NULL, 0, 0};
  CHECK(prse_search(reader, text("gras"), &plain, 0, hits, 4, &count, NULL, NULL, &error) == PRSE_OK &&
        count == 0);
  CHECK(prse_search(reader, text("gras"), NULL, 0, hits, 4, &count, NULL, NULL, &error) == PRSE_OK && count == 2);
  /* The options of a caller that was built before flags and sort were there. */
  const prse_options first_version = {offsetof(prse_options, flags), 1, NULL, 0, 99, 99, NULL, 0, 0};
  CHECK(prse_search(reader, text("cat"), &first_version, 0, hits, 4, &count, NULL, NULL, NULL) ==
        PRSE_OK);

  /* Facets, names, and the short way to the best. */
  const prse_text fields_to_count[] = {text("tags"), text("year")};
  const prse_options counting = {sizeof(prse_options), 1, NULL, 0, PRSE_NO_REASONS, PRSE_BY_NAME,
                                 fields_to_count, 2, 5};
  CHECK(prse_search(reader, text("grass"), &counting, 0, hits, 4, &count, NULL, &matches, &error) ==
        PRSE_OK);
  const prse_facet *facets = NULL;
  size_t facet_count = 0;
  prse_matches_facets(matches, &facets, &facet_count);
  CHECK(facet_count >= 2 && same(facets[0].field, "tags") && facets[0].count >= 1);
  CHECK(same(facets[facet_count - 1].field, "year") && same(facets[facet_count - 1].value, "1970"));
  prse_matches_free(matches);
  CHECK(prse_search(reader, text("x"), &counting, 0, hits, 4, &count, NULL, NULL, NULL) == PRSE_INVALID);
  prse_best_hit best[4];
  CHECK(prse_best(reader, "gras", 4, PRSE_PLAIN, best, 4, &count, &error) == PRSE_OK && count == 0);
  CHECK(prse_best(reader, "grass", 5, PRSE_STRICT, best, 4, &count, &error) == PRSE_INVALID);
  CHECK(prse_best(reader, "grass", 5, 0, best, 4, &count, &error) == PRSE_OK && count == 2);
  CHECK(prse_search(reader, text("grass"), NULL, 0, hits, 4, &count, NULL, NULL, NULL) == PRSE_OK);
  CHECK(best[0].id == hits[0].id && best[0].score == hits[0].score);
  char stem[8];
  size_t length = 0;
  CHECK(prse_stem(text("running"), "english", stem, sizeof stem, &length, &error) == PRSE_OK);
  CHECK(length == 3 && memcmp(stem, "run", 3) == 0);
  CHECK(prse_stem(text("running"), "elvish", stem, sizeof stem, &length, &error) == PRSE_INVALID);
  size_t counts[2];
  const float two[4] = {vector[0], vector[1], vector[0], vector[1]};
  CHECK(prse_nearest_batch(reader, text("space"), two, 2, 2, 1, hits, 2, counts, &error) == PRSE_OK);
  CHECK(counts[0] == 2 && counts[1] == 2 && hits[0].id == hits[2].id);
  CHECK(prse_nearest_batch(reader, text("space"), two, 0, 2, 1, hits, 2, counts, NULL) == PRSE_INVALID);

  CHECK(prse_nearest(reader, text("space"), vector, 2, hits, 4, &count, &error) == PRSE_OK);
  CHECK(count == 2 && hits[0].score > 0.999F);
  CHECK(prse_similar(reader, text("space"), 1, hits, 4, &count, &error) == PRSE_OK);
  CHECK(count == 1 && hits[0].id == 2);
  CHECK(prse_similar(reader, text("space"), 9, hits, 4, &count, &error) == PRSE_NOT_FOUND);
  uint64_t ids[4];
  CHECK(prse_documents(reader, 1, ids, 4, &count, &error) == PRSE_OK);
  CHECK(count == 1 && ids[0] == 2);

  int32_t changed = -1;
  CHECK(prse_reader_refresh(reader, &changed, &error) == PRSE_OK && changed == 0);
  CHECK(prse_commit(writer, 8, &error) == PRSE_OK);
  CHECK(prse_reader_refresh(reader, &changed, &error) == PRSE_OK && changed == 1);
  CHECK(prse_reader_info(reader, &info, &error) == PRSE_OK && info.seq == 8);
  CHECK(prse_compact(writer, &error) == PRSE_OK);
  prse_writer_close(writer);
  prse_writer_close(NULL);
  prse_reader_close(reader);
  prse_reader_close(NULL);
  CHECK(prse_check(path, &error) == PRSE_OK);
}

/* What is missing is PRSE_INVALID with a message, not a crash; statuses are those documented. */
static void refuses_what_is_wrong(const char *path) {
  const uint8_t other[PRSE_UUID_BYTES] = {2};
  prse_error error;
  prse_writer *writer = NULL;
  prse_reader *reader = NULL;
  prse_text broken = {NULL, 3};
  size_t count = 0;
  CHECK(prse_writer_open(NULL, other, NULL, &writer, &error) == PRSE_INVALID);
  CHECK(strstr(error.message, "path") != NULL);
  CHECK(prse_writer_open(path, NULL, NULL, &writer, &error) == PRSE_INVALID);
  CHECK(prse_writer_open(path, other, NULL, NULL, &error) == PRSE_INVALID);
  CHECK(prse_writer_open(path, other, NULL, &writer, &error) == PRSE_FOREIGN && writer == NULL);
  CHECK(error.status == PRSE_FOREIGN && strstr(error.message, path) != NULL);
  CHECK(prse_put(NULL, 1, 0, NULL, 0, &error) == PRSE_INVALID);
  CHECK(prse_put_packed(NULL, 1, 0, NULL, 0, &error) == PRSE_INVALID);
  CHECK(prse_commit(NULL, 1, NULL) == PRSE_INVALID);
  CHECK(prse_reader_open(path, &reader, &error) == PRSE_OK);
  CHECK(prse_search(reader, broken, NULL, 0, NULL, 0, &count, NULL, NULL, &error) == PRSE_INVALID);
  CHECK(prse_search(reader, text("x"), NULL, 0, NULL, 5, &count, NULL, NULL, &error) == PRSE_INVALID);
  const prse_options old = {4, 1, NULL, 0, 0, 0, NULL, 0, 0};
  CHECK(prse_search(reader, text("x"), &old, 0, NULL, 0, &count, NULL, NULL, &error) == PRSE_INVALID);
  prse_reader_close(reader);
  CHECK(prse_destroy(path, &error) == PRSE_OK);
  CHECK(prse_reader_open(path, &reader, &error) == PRSE_NOT_FOUND && reader == NULL);
}

/* Buffers that are too small are filled as far as they reach, and the need is told. */
static void analyses_into_small_buffers(void) {
  prse_token tokens[1];
  char terms[4];
  size_t count = 0;
  size_t length = 0;
  CHECK(prse_analyse(text("Stra\xc3\x9f" "e 7"), tokens, 1, &count, terms, 4, &length, NULL) == PRSE_OK);
  CHECK(count == 2 && length == strlen("strasse7"));
  CHECK(tokens[0].begin == 0 && tokens[0].end == 7 && tokens[0].term_end == 7);
  CHECK(memcmp(terms, "stra", 4) == 0);
  CHECK(prse_stems(text("cats\nx\n"), "english", terms, 4, &length, NULL) == PRSE_OK);
  CHECK(length == 6 && memcmp(terms, "cat\n", 4) == 0);
  CHECK(prse_stems(text("cats\nx"), "english", terms, 4, &length, NULL) == PRSE_INVALID);
}

/* A site's terms are handed out until the next call, also when the reader is closed before. */
static void hands_out_terms(const char *path) {
  prse_error error;
  const uint8_t uuid[PRSE_UUID_BYTES] = {3};
  prse_writer *writer = NULL;
  CHECK(prse_writer_open(path, uuid, NULL, &writer, &error) == PRSE_OK);
  const prse_field field = {text("tags"), text("grass")};
  CHECK(prse_put(writer, 7, 0, &field, 1, &error) == PRSE_OK);
  CHECK(prse_commit(writer, 1, &error) == PRSE_OK);
  prse_writer_close(writer);
  prse_reader *reader = NULL;
  CHECK(prse_reader_open(path, &reader, &error) == PRSE_OK);
  const prse_text fields[2] = {text("filename"), text("tags")};
  prse_site *site = NULL;
  CHECK(prse_site_open(reader, fields, 1, 3500, 8192, &site, &error) == PRSE_INVALID && site == NULL);
  CHECK(strstr(error.message, "tags") != NULL);
  CHECK(prse_site_open(reader, fields, 2, 3500, 8192, &site, &error) == PRSE_OK);
  prse_reader_close(reader);
  uint64_t numbers[5];
  CHECK(prse_site_statistics(site, numbers, 4, &error) == PRSE_INVALID);
  CHECK(prse_site_statistics(site, numbers, 5, &error) == PRSE_OK);
  CHECK(numbers[0] == 1 && numbers[1] == 0 && numbers[3] == 1 && numbers[4] == 1);
  prse_text answer;
  CHECK(prse_site_keys(site, text(""), 10, &answer, &error) == PRSE_OK);
  CHECK(answer.length == 16 && memcmp(answer.data, "grass\0t\ngrass\0w\n", 16) == 0);
  const prse_text key = {"grass\0w", 7};
  CHECK(prse_site_keys(site, key, 10, &answer, &error) == PRSE_OK && answer.length == 0);
  const prse_text keys = {"grass\0w\nhorse\0w\n", 16};
  size_t count = 9;
  CHECK(prse_site_terms(site, keys, &count, &answer, &error) == PRSE_OK && count == 2);
  uint64_t documents[4];
  CHECK(answer.length > 60);
  memcpy(documents, answer.data, sizeof documents);
  CHECK(documents[0] == 1 && documents[1] >> 32 == 1 && documents[2] == 0 && documents[3] == 0);
  static char many[100000][8];  /* they come to more than a megabyte */
  for (size_t i = 0; i < 100000; ++i) memcpy(many[i], "grass\0w\n", 8);
  const prse_text all = {many[0], sizeof many};
  CHECK(prse_site_terms(site, all, &count, &answer, &error) == PRSE_OK);
  CHECK(count > 10000 && count < 100000 && answer.length < 3 << 20);
  CHECK(prse_site_terms(site, text(""), &count, &answer, &error) == PRSE_OK && count == 0 && answer.length == 0);
  CHECK(prse_site_terms(site, key, &count, &answer, &error) == PRSE_INVALID);
  CHECK(prse_site_terms(site, text("grass\n"), &count, &answer, &error) == PRSE_INVALID);
  CHECK(prse_site_terms(NULL, keys, &count, &answer, &error) == PRSE_INVALID);
  const prse_text stems[2] = {text("grass"), text("zebra")};
  const uint32_t weights[2] = {3, 4};
  const uint32_t lengths[2] = {0, 8};
  const uint32_t members[6] = {0, 1, UINT32_MAX, 0, 1, 2};
  CHECK(prse_site_together(site, stems, weights, 2, lengths, 2, members, 1, &answer, &error) == PRSE_OK);
  CHECK(answer.length == 0);
  CHECK(prse_site_together(site, stems, weights, 2, lengths, 2, members, 2, &answer, &error) == PRSE_INVALID);
  CHECK(prse_site_together(site, stems, weights, 2, lengths, 1, members, 1, &answer, &error) == PRSE_INVALID);
  CHECK(prse_site_together(NULL, stems, weights, 2, lengths, 2, members, 1, &answer, &error) == PRSE_INVALID);
  CHECK(prse_site_frequent(site, 0, 10, &answer, &error) == PRSE_OK && answer.length == 0);
  CHECK(prse_site_frequent(site, 1, 10, &answer, &error) == PRSE_OK && answer.length == 0);
  CHECK(prse_site_frequent(NULL, 0, 10, &answer, &error) == PRSE_INVALID);
  CHECK(prse_site_lengths(site, 0, UINT64_MAX, &answer, &error) == PRSE_OK && answer.length > 0);
  CHECK(prse_site_lengths(site, 0, 0, &answer, &error) == PRSE_OK && answer.length == 0);
  CHECK(prse_site_lengths(NULL, 0, 0, &answer, &error) == PRSE_INVALID);
  CHECK(prse_site_near(site, stems, 1, members, 1, &answer, &error) == PRSE_INVALID);
  CHECK(prse_site_near(site, stems, 1, members, 0, &answer, &error) == PRSE_OK && answer.length == 0);
  CHECK(prse_site_near(NULL, stems, 1, members, 0, &answer, &error) == PRSE_INVALID);
  CHECK(prse_site_beside(site, stems, 2, 10, 20, 30, &error) == PRSE_INVALID);
  CHECK(prse_site_beside(NULL, stems, 1, 10, 20, 30, &error) == PRSE_INVALID);
  CHECK(prse_site_beside(site, stems, 1, 10, 20, 30, &error) == PRSE_OK);
  CHECK(prse_site_terms(site, keys, &count, &answer, &error) == PRSE_OK && count == 2 && answer.length > 60);
  prse_site_close(site);
  prse_site_close(NULL);
  CHECK(prse_destroy(path, NULL) == PRSE_OK);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  CHECK(prse_abi_version() == PRSE_ABI_VERSION);
  CHECK(prse_destroy(argv[1], NULL) == PRSE_OK);
  finds_what_was_put(argv[1]);
  refuses_what_is_wrong(argv[1]);
  hands_out_terms(argv[1]);
  analyses_into_small_buffers();
  puts("ok");
  return 0;
}
