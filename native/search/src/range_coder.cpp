#include "range_coder.h"

#include <algorithm>
#include <bit>

namespace prse {
namespace {

constexpr std::uint32_t kWidths = 33;   // of numbers of up to 32 bits
constexpr unsigned kBitsAtOnce = 12;

}  // namespace

void RangeEncoder::put_number(std::uint32_t value) {
  const auto width = static_cast<unsigned>(std::bit_width(value));
  put_one_of(width, kWidths);
  put_bits(value, width > 0 ? width - 1 : 0);
}

void RangeEncoder::put_bits(std::uint32_t value, unsigned count) {
  while (count > 0) {
    const unsigned here = std::min(count, kBitsAtOnce);
    count -= here;
    const std::uint32_t values = std::uint32_t{1} << here;
    put_one_of(value >> count & (values - 1), values);
  }
}

void RangeEncoder::finish() {
  // Of what is in the range that which ends in the most zeros.
  for (unsigned zeros = 32;; --zeros) {
    const std::uint64_t mask = (std::uint64_t{1} << zeros) - 1;
    const std::uint64_t round = (low_ + mask) & ~mask;
    if (round < low_ + range_) {
      low_ = round;
      break;
    }
  }
  for (unsigned i = 0; i < 4; ++i) shift();
  while (out_.size() > begin_ && out_.back() == '\0') out_.pop_back();
}

}  // namespace prse
