// Finds the documents of one segment that a word of the query matches, with what it is worth.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "neighbours.h"
#include "phrase_words.h"
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

// The nearer the way, the lower: what ranks above is looked for first. Up to kFormTier it is the word
// itself or a form of it, up to kKnownTier what keeps typos from being sought.
int tier(prse_via via);
constexpr int kFormTier = 1;
constexpr int kKnownTier = 2;

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
  std::uint32_t bearing = 0;  // documents that have the word or a form of it; 0 of a phrase
};

class WordMatcher {
 public:
  WordMatcher(const SegmentView& view, const SegmentScorer& scorer) : view_(view), scorer_(scorer) {}

  // `near` are the tags that the word is a neighbour of, in order of their keys; `weighed` is of a phrase.
  WordMatches match(const QueryWord& word, std::span<const NearTag> near, const PhraseWords& weighed) const;

  // Adds what nearly is the word; for a word that no document has otherwise.
  void add_typos(const QueryWord& word, WordMatches& out) const;

  // In which searched fields, and how often, a way matches a document.
  std::vector<FieldCount> fields(const QueryWord& word, const Way& way, std::uint32_t doc) const;

 private:
  void match_key(std::string_view key, std::string_view value, WordMatches& out) const;
  void match_terms(const QueryWord& word, WordMatches& out) const;
  void match_tags(std::span<const NearTag> near, WordMatches& out) const;
  void match_phrase(const QueryWord& word, const PhraseWords& weighed, WordMatches& out) const;

  const SegmentView& view_;
  const SegmentScorer& scorer_;
};

}  // namespace prse
