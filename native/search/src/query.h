// What a query asks for. "Quoted words" are a phrase; every other word stands for itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace prse {

// One thing that a document should bear.
struct QueryWord {
  std::string typed;               // as it stands in the query
  std::vector<std::string> terms;  // folded: one, or those of a phrase
  bool phrase = false;
  // Folded words under which tags may hold this one as a neighbour: the term, and all of what
  // was typed without a space ("t-shirt" is two words, and may be one neighbour).
  std::vector<std::string> neighbour_keys;
};

// A query of more words is refused with PRSE_INVALID.
constexpr std::size_t kMostQueryWords = 256;

// A quotation mark that is never closed quotes to the end.
std::vector<QueryWord> parse_query(std::string_view text);

}  // namespace prse
