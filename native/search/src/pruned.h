// Answers plain queries, of words that must all match or of which any is enough, without looking
// at all documents that match (conjunction.h, disjunction.h); counts them where that is asked for
// without scoring any. Hits, scores and counts are those of looking at everything.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "neighbours.h"
#include "proximity.h"
#include "query.h"
#include "search_state.h"
#include "top_hits.h"
#include "word_lists.h"

namespace prse {

class PrunedSearch {
 public:
  // Whether the query is one this can answer: words alone, all or any of which must match.
  static bool can_answer(const Query& query);

  // `near` by word, `scorers` by segment, with all fields searched. All must outlive it.
  PrunedSearch(const SearchState& state, const Query& query,
               std::span<const std::vector<NearTag>> near,
               std::span<const SegmentScorer* const> scorers);

  // Whether any document has the word, or one that it begins.
  bool is_known(std::size_t word) const { return nearest_tier_[word] <= 2; }
  // What the nearness of words adds to a hit's score.
  double nearness(const RankedHit& hit) const;
  double idf(std::size_t word) const { return idf_[word]; }
  // Whether a document may be in several lists of a word that leads: a large heap then is slow.
  bool has_several_lists() const;

  // The best, best first; `all`: only those that have every word.
  std::vector<RankedHit> find(bool all, std::size_t wanted);
  std::uint64_t count(bool all) const;

  // The lists of a word in which a segment's document is, and which of them is its best.
  struct Found {
    const WordList* list;
    std::vector<FieldCount> fields;
    double worth;  // without the idf
    bool best;
  };
  std::vector<Found> lists_of(std::size_t word, const RankedHit& hit) const;

 private:
  void open(std::uint32_t segment);
  void add(SegmentSearch& search, WordLists& word, const Dictionary::Cursor& term, prse_via via,
           float similarity, const std::string& text) const;
  Proximity proximity_of(const SegmentSearch& search) const;
  std::uint64_t bearing(std::size_t word) const;
  void settle_idf(std::size_t word);
  void drop_what_cannot_win(std::size_t wanted);
  bool find_near(TopHits& top);
  double most_of_others(SegmentSearch& search, std::size_t without) const;

  const SearchState& state_;
  const Query& query_;
  std::span<const std::vector<NearTag>> near_;
  std::span<const SegmentScorer* const> scorers_;
  std::vector<SegmentSearch> segments_;
  std::vector<int> nearest_tier_;         // by word
  std::vector<std::uint64_t> documents_;  // by word: of the most frequent of the nearest lists
  std::vector<double> idf_;               // by word
};

}  // namespace prse
