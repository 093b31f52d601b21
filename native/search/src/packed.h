// Numbers packed in as many bits as the largest takes, the lowest bits of the first byte first.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.h"

namespace prse {

// How many bytes `count` numbers of `width` bits take.
constexpr std::size_t packed_bytes(std::size_t count, unsigned width) {
  return (count * width + 7) / 8;
}

// Appends numbers below 2^width; `width` is at most 32.
void pack(std::string& out, std::span<const std::uint32_t> numbers, unsigned width);

// A column of 64-bit numbers, read at random: of each 128 the least, and the others' differences
// from it.
//
//   for each 128 numbers: u64 the least; u32 where the others begin, in units of 16 bytes; u32
//   their width in bits (at most 64)
//   the differences, each 128 of them 16 * width bytes; 16 bytes of 0
std::string encode_column(std::span<const std::uint64_t> numbers);

class PackedColumn {
 public:
  PackedColumn() = default;
  // PRSE_CORRUPT, naming `where`, where it does not hold `count` numbers.
  PackedColumn(std::string_view section, std::uint32_t count, const char* where);

  std::uint64_t operator[](std::uint32_t index) const {
    const Group group = load<Group>(groups_, index / kGroup);
    if (group.width == 0) return group.least;
    const std::size_t bit = std::size_t{index % kGroup} * group.width;
    const char* at = packed_.data() + std::size_t{group.place} * 16 + bit / 8;
    std::uint64_t low;
    std::memcpy(&low, at, sizeof low);
    std::uint64_t value = low >> (bit % 8);
    if (bit % 8 + group.width > 64) {
      value |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(at[8])) << (64 - bit % 8);
    }
    return group.least + (group.width == 64 ? value : value & ((std::uint64_t{1} << group.width) - 1));
  }

 private:
  static constexpr std::uint32_t kGroup = 128;
  struct Group {
    std::uint64_t least;
    std::uint32_t place;
    std::uint32_t width;
  };
  friend std::string encode_column(std::span<const std::uint64_t>);
  std::string_view groups_;
  std::string_view packed_;
};

}  // namespace prse
