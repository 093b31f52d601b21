// AVX2. Compiled with it, so nothing here may be called, and no inline function of another header
// used, before the processor was asked.
#include "kernels.h"

#if defined(__AVX2__)
#include <immintrin.h>

namespace prse {
namespace {

constexpr unsigned kWidest = 25;  // with a shift of up to 7 bits a number lies in four bytes

// For each width, how eight numbers, which begin at a byte's border, are moved into their lanes:
// the first four from the bytes at 0 on, the others from those at 4 * width / 8.
struct Moves {
  alignas(32) std::uint8_t bytes[kWidest + 1][32];
  alignas(32) std::uint32_t shifts[kWidest + 1][8];
};

constexpr Moves kMoves = [] {
  Moves moves{};
  for (unsigned width = 0; width <= kWidest; ++width) {
    for (unsigned i = 0; i < 8; ++i) {
      const unsigned bit = (i < 4 ? 0 : 4 * width % 8) + i % 4 * width;
      for (unsigned k = 0; k < 4; ++k) {
        moves.bytes[width][i * 4 + k] = static_cast<std::uint8_t>(bit / 8 + k);
      }
      moves.shifts[width][i] = bit % 8;
    }
  }
  return moves;
}();

void unpack(const std::uint8_t* in, unsigned width, std::size_t count, std::uint32_t* out) {
  if (width > kWidest) {
    kScalarKernels.unpack(in, width, count, out);
    return;
  }
  const __m256i move = _mm256_load_si256(reinterpret_cast<const __m256i*>(kMoves.bytes[width]));
  const __m256i shift = _mm256_load_si256(reinterpret_cast<const __m256i*>(kMoves.shifts[width]));
  const __m256i mask = _mm256_set1_epi32(static_cast<int>((1U << width) - 1));
  const std::size_t second = width / 2;
  for (std::size_t i = 0; i < count; i += 8, in += width) {
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
    const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + second));
    const __m256i moved = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), move);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                        _mm256_and_si256(_mm256_srlv_epi32(moved, shift), mask));
  }
}

void ascend(std::uint32_t before, std::size_t count, std::uint32_t* numbers) {
  __m256i last = _mm256_set1_epi32(static_cast<int>(before));
  const __m256i one = _mm256_set1_epi32(1);
  const __m256i end = _mm256_set1_epi32(7);
  const __m256i middle = _mm256_set_epi32(3, 3, 3, 3, 0, 0, 0, 0);
  const __m256i upper = _mm256_set_epi32(-1, -1, -1, -1, 0, 0, 0, 0);
  for (std::size_t i = 0; i < count; i += 8) {
    auto* at = reinterpret_cast<__m256i*>(numbers + i);
    __m256i sum = _mm256_add_epi32(_mm256_loadu_si256(at), one);
    sum = _mm256_add_epi32(sum, _mm256_slli_si256(sum, 4));
    sum = _mm256_add_epi32(sum, _mm256_slli_si256(sum, 8));
    sum = _mm256_add_epi32(sum, _mm256_and_si256(_mm256_permutevar8x32_epi32(sum, middle), upper));
    sum = _mm256_add_epi32(sum, last);
    last = _mm256_permutevar8x32_epi32(sum, end);
    _mm256_storeu_si256(at, sum);
  }
}

// For each byte, the places of its bits that are set.
struct Places {
  std::uint8_t of[256][8];
};

constexpr Places kPlaces = [] {
  Places places{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned next = 0;
    for (unsigned bit = 0; bit < 8; ++bit) {
      if ((byte >> bit & 1U) != 0) places.of[byte][next++] = static_cast<std::uint8_t>(bit);
    }
  }
  return places;
}();

std::size_t expand_bits(const std::uint8_t* bits, std::size_t bytes, std::uint32_t base,
                        std::uint32_t* out) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < bytes; ++at, base += 8) {
    const __m128i places = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kPlaces.of[bits[at]]));
    const __m256i numbers =
        _mm256_add_epi32(_mm256_cvtepu8_epi32(places), _mm256_set1_epi32(static_cast<int>(base)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + count), numbers);
    count += static_cast<std::size_t>(__builtin_popcount(bits[at]));
  }
  return count;
}

std::int32_t sum_of(__m256i lanes) {
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
  return _mm_cvtsi128_si32(sum);
}

std::int32_t dot(const std::int8_t* a, const std::int8_t* b, std::size_t count) {
  __m256i sums[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    for (std::size_t half = 0; half < 2; ++half) {
      const __m256i left = _mm256_cvtepi8_epi16(
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i + 16 * half)));
      const __m256i right = _mm256_cvtepi8_epi16(
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(b + i + 16 * half)));
      sums[half] = _mm256_add_epi32(sums[half], _mm256_madd_epi16(left, right));
    }
  }
  return sum_of(_mm256_add_epi32(sums[0], sums[1])) + kScalarKernels.dot(a + i, b + i, count - i);
}

std::uint32_t hamming(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes) {
  std::uint64_t sum = 0;
  std::size_t i = 0;
  for (; i + 8 <= bytes; i += 8) {
    std::uint64_t left;
    std::uint64_t right;
    __builtin_memcpy(&left, a + i, sizeof left);
    __builtin_memcpy(&right, b + i, sizeof right);
    sum += static_cast<std::uint64_t>(__builtin_popcountll(left ^ right));
  }
  return static_cast<std::uint32_t>(sum) + kScalarKernels.hamming(a + i, b + i, bytes - i);
}

void hamming_rows(const std::uint8_t* a, const std::uint8_t* rows, std::size_t bytes, std::size_t count,
                  std::uint16_t* out) {
  for (std::size_t row = 0; row < count; ++row) {
    out[row] = static_cast<std::uint16_t>(hamming(a, rows + row * bytes, bytes));
  }
}

constexpr Kernels kAvx2{"avx2", unpack, ascend, expand_bits, dot, hamming, hamming_rows};

}  // namespace

const Kernels* avx2_kernels() { return &kAvx2; }

}  // namespace prse
#else
namespace prse {
const Kernels* avx2_kernels() { return nullptr; }
}  // namespace prse
#endif
