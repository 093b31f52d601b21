// Tells quickly of most documents that a word cannot be worth enough in them: the more words a
// field has, the less one of them is worth, so for each shape there is a greatest length.
#pragma once

#include <array>
#include <cstdint>

#include "postings.h"
#include "scorer.h"
#include "segment.h"

namespace prse {

class LengthLimits {
 public:
  // All must outlive it.
  LengthLimits(const Segment& segment, const SegmentScorer& scorer);

  // Of a block's documents from `from` to before `to`, whose codes were read, writes the places of those
  // that may have a w (scorer.h) of `least`; how many.
  std::size_t pass(const PostingBlock& block, std::uint32_t from, std::uint32_t to, double least,
                   std::uint32_t* places);

 private:
  static constexpr std::uint32_t kCodes = 64;  // the most frequent shapes have the lowest
  static constexpr std::uint32_t kAnyLength = UINT8_MAX;
  struct Limit {
    const std::uint8_t* lengths;  // of the field, by document
    std::uint32_t longest = kAnyLength;
    double asked = 0;
  };

  void set(std::uint32_t code, double least);

  const Segment& segment_;
  const SegmentScorer& scorer_;
  // By code; the last stands for all others. No length is above what lengths of one byte can be, so
  // where nothing is known any field's do; without any field of such lengths all documents pass.
  std::array<Limit, kCodes> limits_;
};

}  // namespace prse
