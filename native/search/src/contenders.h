// Documents that have all words, while their nearness is not known yet. It costs more than all else that a
// conjunction adds up, and is needed of few: so they wait until their sums without it are known, of which the
// best then show which others cannot be among the best any more.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "proximity.h"
#include "top_hits.h"
#include "word_lists.h"

namespace prse {

class Contenders {
 public:
  // All must outlive it.
  Contenders(const SegmentSearch& search, Proximity& proximity, TopHits& top);

  // The least score that could still be among the best.
  float worst() const {
    const float least = top_.worst();
    return floor_.size() < top_.capacity() ? least : std::max(least, floor_.front());
  }
  bool wants(double score) const { return static_cast<float>(score) >= worst(); }

  // Takes a document, each once, and what its words are worth. Returns where to say, before the next is taken,
  // where it stands in each of the proximity's lists: unknown as yet.
  std::span<Spot> add(std::uint32_t doc, double sum);
  // Offers those that could be among the best.
  void settle();

 private:
  struct Contender {
    std::uint32_t doc;
    double sum;         // of what the words are worth
    std::size_t spots;  // the place of the first of its spots
  };

  void raise_floor(float sum);
  void leave_out_losers();

  const SegmentSearch& search_;
  Proximity& proximity_;
  TopHits& top_;
  std::vector<Contender> waiting_;
  std::vector<Spot> spots_;
  std::size_t most_waiting_;
  // The best of the sums, the least on top: so many documents are at least as good, so what cannot be worth
  // the least of them has lost.
  std::vector<float> floor_;
};

}  // namespace prse
