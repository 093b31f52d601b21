// The plain form, which every processor runs and all others are tested against.
#include <bit>
#include <cstring>

#include "kernels.h"

namespace prse {
namespace {

void unpack(const std::uint8_t* in, unsigned width, std::size_t count, std::uint32_t* out) {
  const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
  std::size_t bit = 0;
  for (std::size_t i = 0; i < count; ++i, bit += width) {
    std::uint64_t bytes;
    std::memcpy(&bytes, in + bit / 8, sizeof bytes);
    out[i] = static_cast<std::uint32_t>((bytes >> (bit % 8)) & mask);
  }
}

void ascend(std::uint32_t before, std::size_t count, std::uint32_t* numbers) {
  for (std::size_t i = 0; i < count; ++i) before = numbers[i] += before + 1;
}

bool join(std::uint32_t base, unsigned width, std::size_t count, const std::uint32_t* places,
          const std::uint32_t* lower, std::uint32_t* out) {
  bool ascends = true;
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = base + (((places[i] - static_cast<std::uint32_t>(i)) << width) | lower[i]);
    ascends = ascends && out[i] >= base && (i == 0 || out[i] > out[i - 1]);
  }
  return ascends;
}

std::size_t unpack_truncated(const std::uint8_t* in, unsigned width, std::uint32_t shorts, const std::uint8_t* lasts,
                             std::size_t count, std::uint32_t* out) {
  unpack(in, width, count, out);
  std::size_t longer = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (out[i] < shorts) continue;
    out[i] = 2 * out[i] - shorts + (lasts[longer / 8] >> (longer % 8) & 1U);
    ++longer;
  }
  return longer;
}

std::uint32_t between(std::uint32_t base, std::size_t count, const std::uint32_t* places, std::uint32_t* out) {
  std::uint32_t all = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t number = places[i + 1] - places[i] - 1;
    all |= number;
    out[i] = number + base;
  }
  return all;
}

std::size_t expand_bits(const std::uint8_t* bits, std::size_t bytes, std::uint32_t base,
                        std::uint32_t* out) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < bytes; ++at) {
    for (std::uint32_t left = bits[at]; left != 0; left &= left - 1) {
      out[count++] = base + static_cast<std::uint32_t>(at * 8) +
                     static_cast<std::uint32_t>(std::countr_zero(left));
    }
  }
  return count;
}

std::size_t shared(const std::uint32_t* a, std::size_t a_count, const std::uint32_t* b, std::size_t b_count,
                   std::uint32_t* places) {
  std::size_t count = 0;
  std::size_t i = 0;
  std::size_t j = 0;
  // Without a branch that could be guessed wrongly.
  while (i < a_count && j < b_count) {
    const std::uint32_t left = a[i];
    const std::uint32_t right = b[j];
    places[count] = static_cast<std::uint32_t>(i);
    count += left == right ? 1 : 0;
    i += left <= right ? 1 : 0;
    j += right <= left ? 1 : 0;
  }
  return count;
}

std::int32_t dot(const std::int8_t* a, const std::int8_t* b, std::size_t count) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += std::int32_t{a[i]} * std::int32_t{b[i]};
  return sum;
}

std::uint32_t hamming(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    sum += static_cast<std::uint32_t>(std::popcount(static_cast<std::uint8_t>(a[i] ^ b[i])));
  }
  return sum;
}

void hamming_rows(const std::uint8_t* a, const std::uint8_t* rows, std::size_t bytes, std::size_t count,
                  std::uint16_t* out) {
  for (std::size_t row = 0; row < count; ++row) {
    out[row] = static_cast<std::uint16_t>(hamming(a, rows + row * bytes, bytes));
  }
}

}  // namespace

const Kernels kScalarKernels{"scalar", unpack, ascend, join, unpack_truncated, between, expand_bits, shared, dot, hamming, hamming_rows};

}  // namespace prse
