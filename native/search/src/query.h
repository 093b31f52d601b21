// What a query asks for. QUERY.md, beside the sources, is the language as users know it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "language.h"

namespace prse {

// One thing that a document should bear.
struct QueryWord {
  std::string typed;               // as it stands in the query
  std::vector<std::string> terms;  // folded: one, or those of a phrase
  bool phrase = false;
  std::string field;        // the only one searched; empty: all
  bool excluded = false;    // below a "-": it is never a reason why a document was found
  bool prefixes = true;     // it also matches words that it begins
  bool forms = true;        // and other forms of it
  std::string stem;         // which these have; empty where they are not sought
  bool stop = false;        // it says little, and is passed over beside others
  bool typos = true;        // and where there are none of either, words that are nearly it
  // Folded words under which tags may hold this one as a neighbour: the term, and all of what
  // was typed without a space ("t-shirt" is two words, and may be one neighbour).
  std::vector<std::string> neighbour_keys;
};

struct QueryNode {
  enum class Kind { kWord, kAll, kAny, kTimes };
  Kind kind = Kind::kAll;
  bool negated = false;
  // Stays demanded where "all words" is relaxed to "any": what names a field, a date or a "-".
  bool demanded = false;
  // Not 0: of the words that stand together without a space, which stay together where "all words" is
  // relaxed to "any".
  std::size_t chunk = 0;
  std::size_t word = 0;  // kWord: its place in Query::words
  // kTimes: the seconds since 1970 between which a document's order lies.
  std::int64_t from = 0;
  std::int64_t before = 0;
  std::vector<QueryNode> children;  // kAll, kAny
};

struct Query {
  std::vector<QueryWord> words;
  QueryNode root;  // kAll
  // Words, by their places, that rank higher the nearer they stand to each other: all two of the
  // root's that follow one another.
  std::vector<std::pair<std::size_t, std::size_t>> pairs;

  bool empty() const { return root.children.empty(); }
};

// A query of more words is refused with PRSE_INVALID.
constexpr std::size_t kMostQueryWords = 256;

// Groups nested deeper than this are read as if they were not nested.
constexpr std::size_t kMostQueryDepth = 64;

// Every string is some query; where `strict` is set, PRSE_INVALID names the character at which
// it is not well formed. `fields` are the names that may stand before a colon, besides the known.
// `plain`: a word means itself alone, and as much as any other.
Query parse_query(std::string_view text, std::span<const std::string_view> fields, Language language,
                  bool strict, bool plain);

}  // namespace prse
