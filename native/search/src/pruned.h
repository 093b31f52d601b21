// Finds the best documents of a plain query without looking at all that match.
//
// Documents are cut into windows of 1,024 numbers. From the impact bounds of the blocks
// (bounds.h) follows for each window a bound of what a document in it can score. Windows are
// visited the best bound first, all segments against one heap of hits, until the next bound lies
// below the worst hit held ("Faster top-k document retrieval using block-max indexes", Ding and
// Suel, SIGIR 2011, has the bounds; visiting by bound rather than by document makes them bite
// from the first window on). Hits and scores are those of looking at everything.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "neighbours.h"
#include "query.h"
#include "scorer.h"
#include "snapshot.h"
#include "top_hits.h"

namespace prse {

class PrunedSearch {
 public:
  // Whether the query is one this can answer: words alone, all or any of which must match.
  static bool can_answer(const Query& query);

  // `near` by word, `scorers` by segment, with all fields searched. All must outlive it.
  PrunedSearch(const Snapshot& snapshot, const Statistics& statistics, const Query& query,
               std::span<const std::vector<NearTag>> near, std::span<const SegmentScorer> scorers,
               std::size_t wanted);
  ~PrunedSearch();
  PrunedSearch(const PrunedSearch&) = delete;
  PrunedSearch& operator=(const PrunedSearch&) = delete;

  // Whether any document has the word, or one that it begins.
  bool is_known(std::size_t word) const { return nearest_tier_[word] <= 1; }

  // The best, best first; `all`: only those that have every word.
  std::vector<RankedHit> find(bool all);

 private:
  struct Way;
  struct SegmentWays;
  void open(std::size_t segment);
  void settle_idf();
  void drop_what_cannot_win();
  void search_segment(SegmentWays& ways, bool all, TopHits& top);
  void visit(SegmentWays& ways, std::uint32_t window, bool all, TopHits& top);

  const Snapshot& snapshot_;
  const Statistics& statistics_;
  const Query& query_;
  std::span<const std::vector<NearTag>> near_;
  std::span<const SegmentScorer> scorers_;
  std::size_t wanted_;
  std::vector<SegmentWays> segments_;
  std::vector<int> nearest_tier_;          // by word
  std::vector<std::uint64_t> documents_;   // by word: of the most frequent of the nearest ways
  std::vector<double> idf_;
  // Of the window that is visited: what each word is worth in each document, and how many have it.
  std::vector<std::vector<double>> worths_;
  std::vector<std::uint8_t> counts_;
  std::vector<std::uint32_t> touched_;  // the documents that any has, less the window's first
  std::vector<std::size_t> by_bound_;
};

}  // namespace prse
