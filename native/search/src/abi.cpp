// The C border of the engine: translates and catches everything, decides nothing.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "abi.h"
#include "analyser.h"
#include "bytes.h"
#include "file_system.h"
#include "index_reader.h"
#include "index_writer.h"
#include "picturerail_search.h"
#include "status.h"

using prse::fail_invalid;
using namespace prse::abi;

struct prse_writer {
  prse::IndexWriter index;
};

struct prse_matches {
  std::vector<prse::Explanation> texts;
  std::vector<prse_match> matches;
  std::vector<prse::FacetCount> facet_texts;
  std::vector<prse_facet> facets;
};

namespace {

std::unique_ptr<prse::FileSystem> folder(const char* path) {
  const std::string_view text = &required(path, "path");
  if (text.empty()) fail_invalid("path must not be empty");
  return prse::posix_file_system(std::string(text));
}

prse::Language known_language(const char* name) {
  const std::string_view text = name == nullptr ? "english" : name;
  const auto known = prse::language_of(text);
  if (!known.has_value()) {
    fail_invalid("the language \"" + std::string(text) + "\" is not known; there are english, german and none");
  }
  return *known;
}

void fill_hits(const std::vector<prse::RankedHit>& found, std::span<prse_hit> hits, size_t& count) {
  count = found.size();
  std::transform(found.begin(), found.end(), hits.begin(), [](const prse::RankedHit& hit) {
    return prse_hit{hit.id, hit.score, 0, 0, 0};
  });
}

// Moves the reasons of all hits into one list, and tells each hit its part.
std::unique_ptr<prse_matches> gather_matches(std::vector<prse::FoundHit>& found,
                                             std::span<prse_hit> hits) {
  auto matches = std::make_unique<prse_matches>();
  for (size_t i = 0; i < found.size(); ++i) {
    hits[i].first_match = static_cast<uint32_t>(matches->texts.size());
    hits[i].match_count = static_cast<uint32_t>(found[i].explanations.size());
    std::move(found[i].explanations.begin(), found[i].explanations.end(),
              std::back_inserter(matches->texts));
  }
  for (const prse::Explanation& why : matches->texts) {
    matches->matches.push_back({text_of(why.field), text_of(why.query_word), text_of(why.word),
                                why.via, why.similarity, why.score});
  }
  return matches;
}

// Reads only what the caller's header knew.
prse::SearchOptions read_options(const prse_options* given, std::vector<prse::FieldWeight>& weights,
                                 std::vector<std::string_view>& facets) {
  prse::SearchOptions options;
  if (given == nullptr) return options;
  constexpr size_t kFirst = offsetof(prse_options, flags);
  if (given->struct_size < kFirst) {
    fail_invalid("options.struct_size is " + std::to_string(given->struct_size) + "; it must be " +
                 std::to_string(kFirst) + " at least");
  }
  if (given->struct_size >= offsetof(prse_options, facets)) {
    if ((given->flags & ~uint32_t{PRSE_STRICT | PRSE_NO_TYPOS | PRSE_NO_COUNT | PRSE_NO_REASONS |
                                   PRSE_PLAIN}) != 0 ||
        given->sort > PRSE_BY_NAME) {
      fail_invalid("options.flags or options.sort has a value that this library does not know");
    }
    options.strict = (given->flags & PRSE_STRICT) != 0;
    options.typos = (given->flags & PRSE_NO_TYPOS) == 0;
    options.count = (given->flags & PRSE_NO_COUNT) == 0;
    options.plain = (given->flags & PRSE_PLAIN) != 0;
    options.sort = static_cast<prse_sort>(given->sort);
  }
  if (given->struct_size >= sizeof(prse_options)) {
    for (const prse_text& field : array(given->facets, given->facet_count, "options.facets")) {
      facets.push_back(view(field));
    }
    options.facets = facets;
    options.facet_limit = given->facet_limit;
  }
  for (const prse_weight& weight : array(given->weights, given->weight_count, "options.weights")) {
    weights.push_back({view(weight.field), weight.weight});
  }
  options.threads = given->threads;
  options.weights = weights;
  return options;
}

}  // namespace

extern "C" {

uint32_t prse_abi_version(void) { return PRSE_ABI_VERSION; }

// ---- writing ----

int32_t prse_writer_open(const char* path, const uint8_t* uuid, const char* language,
                         prse_writer** writer, prse_error* error) {
  return guarded(error, [&] {
    required(writer, "writer") = nullptr;
    prse::Uuid id;
    std::copy_n(&required(uuid, "uuid"), id.size(), id.begin());
    *writer = new prse_writer{prse::IndexWriter(folder(path), id, known_language(language))};
  });
}

int32_t prse_destroy(const char* path, prse_error* error) {
  return guarded(error, [&] { prse::destroy_index(*folder(path)); });
}

int32_t prse_put(prse_writer* writer, uint64_t id, int64_t order, const prse_field* fields,
                 size_t count, prse_error* error) {
  return guarded(error, [&] {
    std::vector<prse::FieldValue> values;
    for (const prse_field& field : array(fields, count, "fields")) {
      values.push_back({view(field.name), view(field.value)});
    }
    required(writer, "writer").index.put(id, order, values);
  });
}

int32_t prse_put_packed(prse_writer* writer, uint64_t id, int64_t order, const char* fields,
                        size_t length, prse_error* error) {
  return guarded(error, [&] {
    std::vector<prse::FieldValue> values;
    const std::span<const char> packed = array(fields, length, "fields");
    std::string_view rest(packed.data(), packed.size());
    constexpr size_t kHead = 2 * sizeof(uint32_t);
    while (!rest.empty()) {
      if (rest.size() < kHead) fail_invalid("the packed fields end within a length");
      const uint64_t name = prse::load<uint32_t>(rest, 0);
      const uint64_t value = prse::load<uint32_t>(rest, 1);
      rest.remove_prefix(kHead);
      if (name + value > rest.size()) fail_invalid("the packed fields end within a text");
      values.push_back({rest.substr(0, name), rest.substr(name, value)});
      rest.remove_prefix(name + value);
    }
    required(writer, "writer").index.put(id, order, values);
  });
}

int32_t prse_remove(prse_writer* writer, uint64_t id, prse_error* error) {
  return guarded(error, [&] { required(writer, "writer").index.remove(id); });
}

int32_t prse_set_neighbours(prse_writer* writer, prse_text tag, const prse_neighbour* words,
                            size_t count, prse_error* error) {
  return guarded(error, [&] {
    std::vector<prse::NearWord> near;
    for (const prse_neighbour& word : array(words, count, "words")) {
      near.push_back({std::string(view(word.word)), word.similarity});
    }
    required(writer, "writer").index.set_neighbours(view(tag), near);
  });
}

int32_t prse_put_vector(prse_writer* writer, uint64_t id, prse_text space, const float* values,
                        size_t count, prse_error* error) {
  return guarded(error, [&] {
    required(writer, "writer").index.put_vector(id, view(space), array(values, count, "values"));
  });
}

int32_t prse_commit(prse_writer* writer, uint64_t seq, prse_error* error) {
  return guarded(error, [&] { required(writer, "writer").index.commit(seq); });
}

int32_t prse_compact(prse_writer* writer, prse_error* error) {
  return guarded(error, [&] { required(writer, "writer").index.compact(); });
}

int32_t prse_writer_seq(const prse_writer* writer, uint64_t* seq, prse_error* error) {
  return guarded(error, [&] { required(seq, "seq") = required(writer, "writer").index.seq(); });
}

int32_t prse_writer_info(const prse_writer* writer, prse_info* info, prse_error* error) {
  return guarded(error,
                 [&] { required(info, "info") = required(writer, "writer").index.info(); });
}

void prse_writer_close(prse_writer* writer) { delete writer; }

// ---- reading ----

int32_t prse_reader_open(const char* path, prse_reader** reader, prse_error* error) {
  return guarded(error, [&] {
    required(reader, "reader") = nullptr;
    *reader = new prse_reader{prse::IndexReader(folder(path))};
  });
}

int32_t prse_reader_refresh(prse_reader* reader, int32_t* changed, prse_error* error) {
  return guarded(error, [&] {
    required(changed, "changed") = required(reader, "reader").index.refresh() ? 1 : 0;
  });
}

void prse_reader_close(prse_reader* reader) { delete reader; }

int32_t prse_reader_info(const prse_reader* reader, prse_info* info, prse_error* error) {
  return guarded(error,
                 [&] { required(info, "info") = required(reader, "reader").index.info(); });
}

int32_t prse_search(const prse_reader* reader, prse_text query, const prse_options* options,
                    size_t skip, prse_hit* hits, size_t capacity, size_t* count,
                    prse_summary* summary, prse_matches** matches, prse_error* error) {
  return guarded(error, [&] {
    if (matches != nullptr) *matches = nullptr;
    required(count, "count") = 0;
    const std::span<prse_hit> page = array(hits, capacity, "hits");
    std::vector<prse::FieldWeight> weights;
    std::vector<std::string_view> facets;
    prse::SearchOptions chosen = read_options(options, weights, facets);
    chosen.skip = skip;
    chosen.capacity = capacity;
    const bool no_reasons = options != nullptr && options->struct_size > offsetof(prse_options, flags) &&
                            (options->flags & PRSE_NO_REASONS) != 0;
    chosen.explain = matches != nullptr && !no_reasons;
    if (matches == nullptr && !facets.empty()) fail_invalid("facets are told by matches, which is NULL");
    prse::SearchResult result = required(reader, "reader").index.search(view(query), chosen);
    for (size_t i = 0; i < result.hits.size(); ++i) {
      page[i] = {result.hits[i].id, result.hits[i].score, result.hits[i].proximity, 0, 0};
    }
    if (summary != nullptr) *summary = {result.total, result.relaxed ? 1U : 0U};
    if (matches != nullptr) {
      auto gathered = gather_matches(result.hits, page);
      gathered->facet_texts = std::move(result.facets);
      for (const prse::FacetCount& facet : gathered->facet_texts) {
        gathered->facets.push_back({text_of(facet.field), text_of(facet.value), facet.count});
      }
      *matches = gathered.release();
    }
    *count = result.hits.size();
  });
}

int32_t prse_best(const prse_reader* reader, const char* query, size_t length, uint32_t flags,
                  prse_best_hit* hits, size_t capacity, size_t* count, prse_error* error) {
  return guarded(error, [&] {
    required(count, "count") = 0;
    const std::span<prse_best_hit> page = array(hits, capacity, "hits");
    if ((flags & ~uint32_t{PRSE_PLAIN}) != 0) fail_invalid("flags has a value that cannot be given here");
    prse::SearchOptions options;
    options.capacity = capacity;
    options.count = false;
    options.plain = (flags & PRSE_PLAIN) != 0;
    const prse::SearchResult result = required(reader, "reader").index.search(view({query, length}), options);
    for (size_t i = 0; i < result.hits.size(); ++i) page[i] = {result.hits[i].id, result.hits[i].score, 0};
    *count = result.hits.size();
  });
}

void prse_matches_get(const prse_matches* matches, const prse_match** first, size_t* count) {
  *first = matches->matches.data();
  *count = matches->matches.size();
}

void prse_matches_facets(const prse_matches* matches, const prse_facet** first, size_t* count) {
  *first = matches->facets.data();
  *count = matches->facets.size();
}

void prse_matches_free(prse_matches* matches) { delete matches; }

int32_t prse_nearest(const prse_reader* reader, prse_text space, const float* values,
                     size_t dimension, prse_hit* hits, size_t capacity, size_t* count,
                     prse_error* error) {
  return guarded(error, [&] {
    required(count, "count") = 0;
    const auto page = array(hits, capacity, "hits");
    const auto found = required(reader, "reader")
                           .index.nearest(view(space), array(values, dimension, "values"), dimension,
                                          capacity, false);
    if (!found.empty()) fill_hits(found.front(), page, *count);
  });
}

int32_t prse_nearest_batch(const prse_reader* reader, prse_text space, const float* values,
                           size_t dimension, size_t queries, int32_t exact, prse_hit* hits,
                           size_t capacity, size_t* counts, prse_error* error) {
  return guarded(error, [&] {
    if (dimension == 0 || queries > SIZE_MAX / dimension || (capacity > 0 && queries > SIZE_MAX / capacity)) {
      fail_invalid("the vectors have no dimension, or there are too many");
    }
    const auto page = array(hits, capacity * queries, "hits");
    const auto filled = array(counts, queries, "counts");
    const auto found = required(reader, "reader")
                           .index.nearest(view(space), array(values, dimension * queries, "values"),
                                          dimension, capacity, exact != 0);
    for (size_t i = 0; i < queries; ++i) {
      fill_hits(found[i], page.subspan(i * capacity, capacity), filled[i]);
    }
  });
}

int32_t prse_similar(const prse_reader* reader, prse_text space, uint64_t id, prse_hit* hits,
                     size_t capacity, size_t* count, prse_error* error) {
  return guarded(error, [&] {
    required(count, "count") = 0;
    const auto page = array(hits, capacity, "hits");
    fill_hits(required(reader, "reader").index.similar(view(space), id, capacity), page, *count);
  });
}

int32_t prse_documents(const prse_reader* reader, uint64_t after, uint64_t* ids, size_t capacity,
                       size_t* count, prse_error* error) {
  return guarded(error, [&] {
    required(count, "count") =
        required(reader, "reader").index.documents(after, array(ids, capacity, "ids"));
  });
}

int32_t prse_check(const char* path, prse_error* error) {
  return guarded(error, [&] { prse::check_index(*folder(path)); });
}

// ---- analysis ----

int32_t prse_analyse(prse_text text, prse_token* tokens, size_t capacity, size_t* count,
                     char* terms, size_t term_capacity, size_t* term_length, prse_error* error) {
  return guarded(error, [&] {
    const auto token_page = array(tokens, capacity, "tokens");
    const auto term_page = array(terms, term_capacity, "terms");
    const prse::Analysis analysis = prse::analyse(view(text));
    const size_t fitting = std::min(token_page.size(), analysis.tokens.size());
    std::transform(analysis.tokens.begin(),
                   analysis.tokens.begin() + static_cast<std::ptrdiff_t>(fitting),
                   token_page.begin(), [](const prse::Token& token) {
                     return prse_token{token.begin, token.end, token.position, token.term_begin,
                                       token.term_end, token.tail ? 1U : 0U};
                   });
    std::copy_n(analysis.terms.begin(), std::min(term_page.size(), analysis.terms.size()),
                term_page.begin());
    required(count, "count") = analysis.tokens.size();
    required(term_length, "term_length") = analysis.terms.size();
  });
}

int32_t prse_stem(prse_text word, const char* language, char* stem, size_t capacity, size_t* length,
                  prse_error* error) {
  return guarded(error, [&] {
    const auto page = array(stem, capacity, "stem");
    const std::string found = prse::stem(view(word), known_language(language));
    std::copy_n(found.begin(), std::min(page.size(), found.size()), page.begin());
    required(length, "length") = found.size();
  });
}

int32_t prse_stems(prse_text words, const char* language, char* stems, size_t capacity, size_t* length,
                   prse_error* error) {
  return guarded(error, [&] {
    const auto page = array(stems, capacity, "stems");
    const prse::Language known = known_language(language);
    std::string found;
    for (std::string_view rest = view(words); !rest.empty();) {
      found += prse::stem(take_line(rest), known);
      found.push_back('\n');
    }
    std::copy_n(found.begin(), std::min(page.size(), found.size()), page.begin());
    required(length, "length") = found.size();
  });
}

int32_t prse_is_stop_word(prse_text word, const char* language, int32_t* stop, prse_error* error) {
  return guarded(error, [&] { required(stop, "stop") = prse::is_stop_word(view(word), known_language(language)) ? 1 : 0; });
}

}  // extern "C"
