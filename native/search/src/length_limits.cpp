#include "length_limits.h"

#include <algorithm>
#include <bit>

namespace prse {
namespace {

constexpr unsigned kFewBits = 2;

}  // namespace

LengthLimits::LengthLimits(const Segment& segment, const SegmentScorer& scorer)
    : segment_(segment), scorer_(scorer) {
  const std::uint8_t* any = nullptr;
  for (std::uint32_t field = 0; any == nullptr && field < segment.fields().size(); ++field) {
    any = segment.byte_lengths(field);
  }
  for (Limit& limit : limits_) limit.lengths = any;
}

void LengthLimits::set(std::uint32_t code, double least) {
  Limit& limit = limits_[code];
  if (limit.asked == least) return;
  limit.asked = least;
  if (code == kSpeltOut || code == kCodes - 1) return;
  const FieldCount single = segment_.shapes().single(code);
  const std::uint8_t* lengths = single.times > 0 ? segment_.byte_lengths(single.field) : nullptr;
  if (lengths == nullptr) return;
  limit.lengths = lengths;
  limit.longest = std::min(scorer_.longest(single.field, single.times, least), kAnyLength);
}

std::size_t LengthLimits::pass(const PostingBlock& block, std::uint32_t from, std::uint32_t to, double least,
                               std::uint32_t* places) {
  std::size_t count = 0;
  if (least <= 0 || limits_[0].lengths == nullptr) {
    for (std::uint32_t i = from; i < to; ++i) places[count++] = i;
    return count;
  }
  // Mostly a block's shapes are few, and of one field.
  const std::uint32_t first = block.least_code;
  if (block.code_width <= kFewBits && first + (1U << kFewBits) < kCodes) {
    std::array<std::uint32_t, 1U << kFewBits> longest{};
    const std::uint32_t end = std::min(first + (1U << block.code_width), segment_.shapes().count() + 1);
    set(first, least);
    const std::uint8_t* const lengths = limits_[first].lengths;
    bool same = true;
    for (std::uint32_t code = first; code < end; ++code) {
      set(code, least);
      longest[code - first] = limits_[code].longest;
      same = same && limits_[code].lengths == lengths;
    }
    if (same) {
      for (std::uint32_t i = from; i < to; ++i) {
        places[count] = i;
        count += lengths[block.docs[i]] <= longest[block.codes[i] - first] ? 1 : 0;
      }
      return count;
    }
  }
  std::uint64_t codes = 0;
  for (std::uint32_t i = from; i < to; ++i) {
    codes |= std::uint64_t{1} << std::min(block.codes[i], kCodes - 1);
  }
  for (; codes != 0; codes &= codes - 1) set(static_cast<std::uint32_t>(std::countr_zero(codes)), least);
  // Without a branch that could be guessed wrongly.
  for (std::uint32_t i = from; i < to; ++i) {
    const Limit& limit = limits_[std::min(block.codes[i], kCodes - 1)];
    places[count] = i;
    count += limit.lengths[block.docs[i]] <= limit.longest ? 1 : 0;
  }
  return count;
}

}  // namespace prse
