// How a block of a posting list says in which way its documents and codes are written: postings.h draws it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace prse {

// Of documents: below, the width of their differences.
constexpr std::uint8_t kSplit = 64;
constexpr std::uint8_t kSetOfBits = 128;
constexpr std::uint32_t kMostSetWords = 127;
constexpr std::size_t kMostUpperBytes = 64;

// Of codes.
constexpr std::uint8_t kCodeWidth = 31;
constexpr std::uint8_t kInOnes = 32;
constexpr std::uint8_t kOtherLeast = 64;

// The bytes of the upper parts of so many documents, split, the last of which is the `range`th that may be.
constexpr std::size_t upper_bytes(std::size_t count, std::uint32_t range, unsigned width) {
  return (count + ((range - 1) >> width) + 7) / 8;
}

// With how many lower bits they take the least.
constexpr unsigned best_split(std::size_t count, std::uint32_t range) {
  // Between one and two bits of the upper parts for each document.
  const auto mean = static_cast<std::uint32_t>(range / count);
  return mean < 2 ? 0 : static_cast<unsigned>(std::bit_width(mean)) - 1;
}

}  // namespace prse
