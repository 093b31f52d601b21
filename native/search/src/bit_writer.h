// Bits behind bytes, as the records of a static site have them: ../SITE.md draws them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bytes.h"

namespace prse {

// The highest bit of each byte first; the last byte is filled up with zeros.
class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  // At most 56 bits of it.
  void put(std::uint64_t value, unsigned count) {
    bits_ = bits_ << count | (value & ((std::uint64_t{1} << count) - 1));
    for (held_ += count; held_ >= 8; held_ -= 8) out_.push_back(static_cast<char>(bits_ >> (held_ - 8)));
  }

  // Golomb's code for geometric distances with a power of two as its divisor (Rice, "Some practical
  // universal noiseless coding techniques", JPL 79-22, 1979): the upper part in ones and a zero.
  void put_rice(std::uint64_t value, unsigned low) {
    std::uint64_t ones = value >> low;
    for (; ones >= 32; ones -= 32) put(UINT32_MAX, 32);
    put(((std::uint64_t{1} << ones) - 1) << 1, static_cast<unsigned>(ones) + 1);
    put(value, low);
  }

  // One of `count` values, the first of them in one bit less where that is left over.
  void put_one_of(std::uint32_t value, std::uint32_t count) {
    const unsigned bits = static_cast<unsigned>(std::bit_width(count - 1));
    const std::uint32_t shorter = (std::uint32_t{1} << bits) - count;
    if (value < shorter) {
      put(value, bits - 1);
    } else {
      put(value + shorter, bits);
    }
  }

  void finish() {
    if (held_ > 0) put(0, 8 - held_);
  }

 private:
  std::string& out_;
  std::uint64_t bits_ = 0;
  unsigned held_ = 0;  // fewer than 8 of them are not written yet
};

// The number of lower bits with which distances take the least in Rice's code, the fewest of such. One more halves
// each upper part and takes a bit: from some number on it does not pay, and never again.
inline unsigned best_low(std::span<const std::uint64_t> distances) {
  constexpr unsigned kMost = 48;  // ids are below 2^53, as a browser's numbers are
  std::uint64_t all = 0;
  for (const std::uint64_t distance : distances) all += distance;
  const auto pays = [&](unsigned low) {
    std::uint64_t saved = 0;
    for (const std::uint64_t distance : distances) saved += (distance >> low) - (distance >> (low + 1));
    return saved > distances.size();
  };
  // It lies near what the average takes.
  unsigned low = distances.empty() ? 0 : static_cast<unsigned>(std::bit_width(all / distances.size()));
  low = std::min(low, kMost);
  while (low > 0 && !pays(low - 1)) --low;
  while (low < kMost && pays(low)) ++low;
  return low;
}

// Ascending numbers behind the first: the bits of a distance's lower part, then each one's distance to the one
// before, less one. `before` may put bits before the distances; more may follow.
template <typename NumberOf, typename Before>
BitWriter put_ascending(std::string& out, std::size_t count, const NumberOf& number_of, const Before& before) {
  std::vector<std::uint64_t> distances;
  distances.reserve(count);
  for (std::size_t i = 1; i < count; ++i) distances.push_back(number_of(i) - number_of(i - 1) - 1);
  const unsigned low = best_low(distances);
  put_varint(out, low);
  BitWriter bits(out);
  before(bits);
  for (const std::uint64_t distance : distances) bits.put_rice(distance, low);
  return bits;
}

template <typename NumberOf>
BitWriter put_ascending(std::string& out, std::size_t count, const NumberOf& number_of) {
  return put_ascending(out, count, number_of, [](BitWriter&) {});
}

}  // namespace prse
