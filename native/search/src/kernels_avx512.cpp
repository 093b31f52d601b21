// AVX-512 with the extensions for bytes (Ice Lake, Zen 4 and newer), and BMI2. The same rule as in
// kernels_avx2.cpp: nothing here before the processor was asked.
#include "kernels.h"

#if defined(__AVX512VBMI2__) && defined(__AVX512VNNI__) && defined(__AVX512VPOPCNTDQ__) && defined(__BMI2__)
#include <immintrin.h>

namespace prse {
namespace {

constexpr unsigned kWidest = 25;  // with a shift of up to 7 bits a number lies in four bytes

// For each width, which bytes of 64 make up each of sixteen numbers, and by how much to shift.
struct Moves {
  alignas(64) std::uint8_t bytes[kWidest + 1][64];
  alignas(64) std::uint32_t shifts[kWidest + 1][16];
};

constexpr Moves kMoves = [] {
  Moves moves{};
  for (unsigned width = 0; width <= kWidest; ++width) {
    for (unsigned i = 0; i < 16; ++i) {
      const unsigned bit = i * width;
      for (unsigned k = 0; k < 4; ++k) {
        moves.bytes[width][i * 4 + k] = static_cast<std::uint8_t>(bit / 8 + k);
      }
      moves.shifts[width][i] = bit % 8;
    }
  }
  return moves;
}();

// Unpacks sixteen numbers at a time.
struct Unpacker {
  explicit Unpacker(unsigned width)
      : move(_mm512_load_si512(kMoves.bytes[width])),
        shift(_mm512_load_si512(kMoves.shifts[width])),
        mask(_mm512_set1_epi32(static_cast<int>((1U << width) - 1))) {}

  __m512i sixteen(const std::uint8_t* in) const {
    const __m512i moved = _mm512_permutexvar_epi8(move, _mm512_loadu_si512(in));
    return _mm512_and_si512(_mm512_srlv_epi32(moved, shift), mask);
  }

  __m512i move;
  __m512i shift;
  __m512i mask;
};

// The numbers from 0 to 63.
struct Places {
  std::uint8_t of[64];
  constexpr Places() : of{} {
    for (unsigned i = 0; i < 64; ++i) of[i] = static_cast<std::uint8_t>(i);
  }
};

void unpack(const std::uint8_t* in, unsigned width, std::size_t count, std::uint32_t* out) {
  if (width > kWidest) {
    kScalarKernels.unpack(in, width, count, out);
    return;
  }
  const Unpacker unpacker(width);
  for (std::size_t i = 0; i < count; i += 16, in += 2 * width) _mm512_storeu_si512(out + i, unpacker.sixteen(in));
}

void ascend(std::uint32_t before, std::size_t count, std::uint32_t* numbers) {
  const __m512i zero = _mm512_setzero_si512();
  const __m512i one = _mm512_set1_epi32(1);
  const __m512i end = _mm512_set1_epi32(15);
  __m512i last = _mm512_set1_epi32(static_cast<int>(before));
  for (std::size_t i = 0; i < count; i += 16) {
    __m512i sum = _mm512_add_epi32(_mm512_loadu_si512(numbers + i), one);
    sum = _mm512_add_epi32(sum, _mm512_alignr_epi32(sum, zero, 15));
    sum = _mm512_add_epi32(sum, _mm512_alignr_epi32(sum, zero, 14));
    sum = _mm512_add_epi32(sum, _mm512_alignr_epi32(sum, zero, 12));
    sum = _mm512_add_epi32(sum, _mm512_alignr_epi32(sum, zero, 8));
    sum = _mm512_add_epi32(sum, last);
    last = _mm512_permutexvar_epi32(end, sum);
    _mm512_storeu_si512(numbers + i, sum);
  }
}

bool join(std::uint32_t base, unsigned width, std::size_t count, const std::uint32_t* places,
          const std::uint32_t* lower, std::uint32_t* out) {
  const __m512i bases = _mm512_set1_epi32(static_cast<int>(base));
  const __m128i shift = _mm_cvtsi32_si128(static_cast<int>(width));
  __m512i steps = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  __m512i before = _mm512_setzero_si512();
  unsigned falls = 0;
  for (std::size_t i = 0; i < count; i += 16) {
    const unsigned there = i + 16 <= count ? 0xFFFF : (1U << (count - i)) - 1;
    const __m512i upper = _mm512_sub_epi32(_mm512_loadu_si512(places + i), steps);
    const __m512i joined = _mm512_add_epi32(
        bases, _mm512_or_si512(_mm512_sll_epi32(upper, shift), _mm512_loadu_si512(lower + i)));
    _mm512_storeu_si512(out + i, joined);
    // Each beside the one before it; the first of all has none.
    const __m512i beside = _mm512_alignr_epi32(joined, before, 15);
    falls |= _mm512_cmple_epu32_mask(joined, beside) & there & (i == 0 ? 0xFFFEU : 0xFFFFU);
    before = joined;
    steps = _mm512_add_epi32(steps, _mm512_set1_epi32(16));
  }
  return falls == 0 && (count == 0 || out[0] >= base);
}

std::size_t unpack_truncated(const std::uint8_t* in, unsigned width, std::uint32_t shorts, const std::uint8_t* lasts,
                             std::size_t count, std::uint32_t* out) {
  if (width > kWidest) return kScalarKernels.unpack_truncated(in, width, shorts, lasts, count, out);
  const Unpacker unpacker(width);
  const __m512i bound = _mm512_set1_epi32(static_cast<int>(shorts));
  const __m512i one = _mm512_set1_epi32(1);
  std::size_t longer = 0;
  for (std::size_t i = 0; i < count; i += 16, in += 2 * width) {
    const __m512i first = unpacker.sixteen(in);
    unsigned goes_on = _mm512_cmpge_epu32_mask(first, bound);
    if (count - i < 16) goes_on &= (1U << (count - i)) - 1;
    std::uint32_t next;
    __builtin_memcpy(&next, lasts + longer / 8, sizeof next);
    // Each of those takes the bit of its rank.
    const unsigned last = _pdep_u32(next >> longer % 8, goes_on);
    const __m512i twice = _mm512_mask_add_epi32(first, static_cast<__mmask16>(goes_on), first, _mm512_sub_epi32(first, bound));
    _mm512_storeu_si512(out + i, _mm512_mask_add_epi32(twice, static_cast<__mmask16>(last), twice, one));
    longer += static_cast<std::size_t>(__builtin_popcount(goes_on));
  }
  return longer;
}

// The compiler makes it as wide as this file's instructions.
std::uint32_t between(std::uint32_t base, std::size_t count, const std::uint32_t* places, std::uint32_t* out) {
  std::uint32_t all = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t number = places[i + 1] - places[i] - 1;
    all |= number;
    out[i] = number + base;
  }
  return all;
}

// 64 bits at a time, of which mostly no more than 32 are set.
std::size_t expand_bits(const std::uint8_t* bits, std::size_t bytes, std::uint32_t base,
                        std::uint32_t* out) {
  alignas(64) static constexpr Places kPlaces;
  const __m512i places = _mm512_load_si512(kPlaces.of);
  std::size_t count = 0;
  std::size_t at = 0;
  for (; at + 8 <= bytes; at += 8, base += 64) {
    std::uint64_t word;
    __builtin_memcpy(&word, bits + at, sizeof word);
    const __m512i there = _mm512_maskz_compress_epi8(word, places);
    const __m512i from = _mm512_set1_epi32(static_cast<int>(base));
    const auto put = [&](__m128i sixteen_places, std::size_t to) {
      _mm512_storeu_si512(out + count + to, _mm512_add_epi32(from, _mm512_cvtepu8_epi32(sixteen_places)));
    };
    put(_mm512_castsi512_si128(there), 0);
    put(_mm512_extracti32x4_epi32(there, 1), 16);
    const auto found = static_cast<std::size_t>(__builtin_popcountll(word));
    if (found > 32) {
      put(_mm512_extracti32x4_epi32(there, 2), 32);
      put(_mm512_extracti32x4_epi32(there, 3), 48);
    }
    count += found;
  }
  return count + kScalarKernels.expand_bits(bits + at, bytes - at, base, out + count);
}

// The numbers from `at` on, where there are fewer than sixteen filled up with the greatest.
__m512i sixteen(const std::uint32_t* numbers, std::size_t at, std::size_t count) {
  if (at + 16 <= count) return _mm512_loadu_si512(numbers + at);
  const auto there = static_cast<__mmask16>((1U << (count - at)) - 1);
  return _mm512_mask_loadu_epi32(_mm512_set1_epi32(-1), there, numbers + at);
}

// Compares sixteen numbers of each with all sixteen of the other, then leaves behind those that
// cannot be there any more.
std::size_t shared(const std::uint32_t* a, std::size_t a_count, const std::uint32_t* b, std::size_t b_count,
                   std::uint32_t* places) {
  if (a_count == 0 || b_count == 0) return 0;
  std::size_t count = 0;
  std::size_t i = 0;
  std::size_t j = 0;
  unsigned found = 0;  // a bit for each of the sixteen
  __m512i left = sixteen(a, 0, a_count);
  __m512i right = sixteen(b, 0, b_count);
  while (true) {
    // Within quarters, then the quarters themselves.
    __m512i turned = right;
    for (int quarter = 0; quarter < 4; ++quarter) {
      found |= _mm512_cmpeq_epi32_mask(left, turned);
      found |= _mm512_cmpeq_epi32_mask(left, _mm512_shuffle_epi32(turned, _MM_PERM_ADCB));
      found |= _mm512_cmpeq_epi32_mask(left, _mm512_shuffle_epi32(turned, _MM_PERM_BADC));
      found |= _mm512_cmpeq_epi32_mask(left, _mm512_shuffle_epi32(turned, _MM_PERM_CBAD));
      turned = _mm512_shuffle_i64x2(turned, turned, 0x39);
    }
    const std::size_t a_end = i + 16 < a_count ? i + 16 : a_count;
    const std::size_t b_end = j + 16 < b_count ? j + 16 : b_count;
    const std::uint32_t last_left = a[a_end - 1];
    const std::uint32_t last_right = b[b_end - 1];
    if (last_left <= last_right || b_end == b_count) {
      if (a_end - i < 16) found &= (1U << (a_end - i)) - 1;
      for (; found != 0; found &= found - 1) {
        places[count++] = static_cast<std::uint32_t>(i) + static_cast<std::uint32_t>(__builtin_ctz(found));
      }
      if (last_left > last_right || a_end == a_count) return count;
      i = a_end;
      left = sixteen(a, i, a_count);
    }
    if (last_right <= last_left) {
      if (b_end == b_count) return count;
      j = b_end;
      right = sixteen(b, j, b_count);
    }
  }
}

std::int32_t dot(const std::int8_t* a, const std::int8_t* b, std::size_t count) {
  // The instruction wants one side without signs: a + 128, and 128 times the sum of b less.
  const __m512i sign = _mm512_set1_epi8(static_cast<char>(0x80));
  __m512i sums = _mm512_setzero_si512();
  __m512i shifted = _mm512_setzero_si512();
  std::size_t i = 0;
  for (; i + 64 <= count; i += 64) {
    const __m512i left = _mm512_xor_si512(_mm512_loadu_si512(a + i), sign);
    const __m512i right = _mm512_loadu_si512(b + i);
    sums = _mm512_dpbusd_epi32(sums, left, right);
    shifted = _mm512_dpbusd_epi32(shifted, sign, right);
  }
  return _mm512_reduce_add_epi32(_mm512_sub_epi32(sums, shifted)) +
         kScalarKernels.dot(a + i, b + i, count - i);
}

std::uint32_t hamming(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes) {
  __m512i sums = _mm512_setzero_si512();
  std::size_t i = 0;
  for (; i + 64 <= bytes; i += 64) {
    const __m512i differing = _mm512_xor_si512(_mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i));
    sums = _mm512_add_epi64(sums, _mm512_popcnt_epi64(differing));
  }
  return static_cast<std::uint32_t>(_mm512_reduce_add_epi64(sums)) +
         kScalarKernels.hamming(a + i, b + i, bytes - i);
}

// Eight sums of eight lanes each, in their order.
__m512i sums_of_eight(const __m512i (&rows)[8]) {
  __m512i pairs[4];
  for (int i = 0; i < 4; ++i) {
    pairs[i] = _mm512_add_epi64(_mm512_unpacklo_epi64(rows[2 * i], rows[2 * i + 1]),
                                _mm512_unpackhi_epi64(rows[2 * i], rows[2 * i + 1]));
  }
  const auto fold = [](__m512i left, __m512i right) {
    return _mm512_add_epi64(_mm512_shuffle_i64x2(left, right, 0x88), _mm512_shuffle_i64x2(left, right, 0xDD));
  };
  return fold(fold(pairs[0], pairs[1]), fold(pairs[2], pairs[3]));
}

void hamming_rows(const std::uint8_t* a, const std::uint8_t* rows, std::size_t bytes, std::size_t count,
                  std::uint16_t* out) {
  std::size_t row = 0;
  if (bytes % 64 == 0) {
    for (; row + 8 <= count; row += 8) {
      __m512i sums[8];
      for (auto& sum : sums) sum = _mm512_setzero_si512();
      for (std::size_t at = 0; at < bytes; at += 64) {
        const __m512i left = _mm512_loadu_si512(a + at);
        for (std::size_t i = 0; i < 8; ++i) {
          const __m512i right = _mm512_loadu_si512(rows + (row + i) * bytes + at);
          sums[i] = _mm512_add_epi64(sums[i], _mm512_popcnt_epi64(_mm512_xor_si512(left, right)));
        }
      }
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + row), _mm512_cvtepi64_epi16(sums_of_eight(sums)));
    }
  }
  for (; row < count; ++row) out[row] = static_cast<std::uint16_t>(hamming(a, rows + row * bytes, bytes));
}

constexpr Kernels kAvx512{"avx512", unpack, ascend, join, unpack_truncated, between, expand_bits, shared, dot, hamming, hamming_rows};

}  // namespace

const Kernels* avx512_kernels() { return &kAvx512; }

}  // namespace prse
#else
namespace prse {
const Kernels* avx512_kernels() { return nullptr; }
}  // namespace prse
#endif
