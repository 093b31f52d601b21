// Truncated binary: numbers below m, which is no power of 2, in as many bits as m takes, but the lowest of
// them in one less.
//
// Of numbers of at most w bits those below 2^w - m take w - 1 bits, as they are. The others, with 2^w - m added,
// take w: so their first w - 1 bits are at least 2^w - m, and tell that one more follows. The first
// bits of all numbers stand together, so that they are unpacked at once; behind them, from a byte's border
// on, the last bits of those that have one.
//
// A byte says how: w, at most 31, times 8, plus 2^w - m in units of 2^(w - 4), rounded down; of less than 4
// bits in units of 1. With 0 units all numbers take w bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace prse {

struct Truncated {
  unsigned width;        // of the first bits
  std::uint32_t shorts;  // the first bits of how many numbers are all of them; 0: of every number

  explicit constexpr Truncated(std::uint8_t code) : width(code / kSteps), shorts(code % kSteps) {
    if (shorts == 0) return;
    shorts <<= width > kStepBits ? width - kStepBits : 0;
    --width;
  }

  // The code of numbers of which this is the greatest; it must be below 2^31.
  static std::uint8_t code_below(std::uint32_t greatest);

 private:
  static constexpr unsigned kSteps = 8;
  static constexpr unsigned kStepBits = 4;
};

// So many are packed together at most.
constexpr std::size_t kMostTruncated = 128;

// Appends what `Kernels::unpack_truncated` reads, or without shorts `Kernels::unpack`.
void pack_truncated(std::string& out, std::span<const std::uint32_t> numbers, std::uint8_t code);

}  // namespace prse
