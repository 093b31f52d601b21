// Answers a query: matches its words in every segment, combines and ranks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "facets.h"
#include "scorer.h"
#include "search_state.h"
#include "snapshot.h"

namespace prse {

struct SearchOptions {
  std::uint32_t threads = 0;  // 0: one for each core, if there is work for them
  std::span<const FieldWeight> weights;
  std::size_t skip = 0;
  std::size_t capacity = 0;
  bool explain = false;
  bool strict = false;  // PRSE_INVALID for a query that is not well formed
  bool typos = true;
  bool plain = false;  // each word finds itself alone, and nearness adds nothing
  bool count = true;  // else the total may be too low, and much need not be looked at
  prse_sort sort = PRSE_BY_SCORE;
  std::span<const std::string_view> facets;  // fields whose values are counted over all that match
  std::size_t facet_limit = 0;               // of each, so many values
};

// Why a hit matched.
struct Explanation {
  std::string field;
  std::string query_word;
  std::string word;
  prse_via via;
  float similarity;
  float score;  // what it adds to the hit's
};

struct FoundHit {
  std::uint64_t id;
  float score;
  float proximity;  // what the nearness of words adds to it
  std::vector<Explanation> explanations;  // in the order of the query's words
};

struct SearchResult {
  std::vector<FoundHit> hits;
  std::vector<FacetCount> facets;
  std::uint64_t total = 0;
  bool relaxed = false;
};

SearchResult search(const SearchState& state, std::string_view query, const SearchOptions& options);

}  // namespace prse
