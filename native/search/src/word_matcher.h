// Finds the documents of one segment that a word of the query matches, with what it is worth.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "neighbours.h"
#include "query.h"
#include "scorer.h"
#include "snapshot.h"

namespace prse {

// A way to match: a term of the segment, the phrase, or a tag.
struct Way {
  prse_via via;
  std::string key;   // in the dictionary; empty for a phrase
  std::string word;  // to tell the user
  float similarity = 1;
  std::uint32_t edits = 0;  // PRSE_TYPO
};

// The nearer the way, the lower: what ranks above is looked for first.
int tier(prse_via via);

struct WordMatch {
  std::uint32_t doc;
  std::uint32_t way;  // the best one, in WordMatches::ways
  double worth;
};

struct WordMatches {
  std::vector<Way> ways;
  std::vector<WordMatch> documents;  // living, ascending
  // Living documents by way, for the idf; the same length as `ways`.
  std::vector<std::uint32_t> document_counts;
};

class WordMatcher {
 public:
  WordMatcher(const SegmentView& view, const SegmentScorer& scorer) : view_(view), scorer_(scorer) {}

  // `near` are the tags that the word is a neighbour of, in order of their keys.
  WordMatches match(const QueryWord& word, std::span<const NearTag> near) const;

  // Adds what nearly is the word; for a word that no document has otherwise.
  void add_typos(const QueryWord& word, WordMatches& out) const;

  // The searched fields in which a way matches a document, by number, ascending.
  std::vector<std::uint32_t> fields(const QueryWord& word, const Way& way, std::uint32_t doc) const;

 private:
  void match_key(std::string_view key, std::string_view value, WordMatches& out) const;
  void match_terms(const QueryWord& word, WordMatches& out) const;
  void match_tags(std::span<const NearTag> near, WordMatches& out) const;
  void match_phrase(const QueryWord& word, WordMatches& out) const;

  const SegmentView& view_;
  const SegmentScorer& scorer_;
};

}  // namespace prse
