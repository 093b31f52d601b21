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

// Unpacks eight numbers at a time.
struct Unpacker {
  explicit Unpacker(unsigned width)
      : move(_mm256_load_si256(reinterpret_cast<const __m256i*>(kMoves.bytes[width]))),
        shift(_mm256_load_si256(reinterpret_cast<const __m256i*>(kMoves.shifts[width]))),
        mask(_mm256_set1_epi32(static_cast<int>((1U << width) - 1))),
        second(width / 2) {}

  __m256i eight(const std::uint8_t* in) const {
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
    const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + second));
    const __m256i moved = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), move);
    return _mm256_and_si256(_mm256_srlv_epi32(moved, shift), mask);
  }

  __m256i move;
  __m256i shift;
  __m256i mask;
  std::size_t second;
};

void unpack(const std::uint8_t* in, unsigned width, std::size_t count, std::uint32_t* out) {
  if (width > kWidest) {
    kScalarKernels.unpack(in, width, count, out);
    return;
  }
  const Unpacker unpacker(width);
  for (std::size_t i = 0; i < count; i += 8, in += width) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), unpacker.eight(in));
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

bool join(std::uint32_t base, unsigned width, std::size_t count, const std::uint32_t* places,
          const std::uint32_t* lower, std::uint32_t* out) {
  // Compared as numbers with a sign.
  const __m256i sign = _mm256_set1_epi32(INT32_MIN);
  const __m256i bases = _mm256_set1_epi32(static_cast<int>(base));
  const __m256i turn = _mm256_set_epi32(6, 5, 4, 3, 2, 1, 0, 7);
  const __m128i shift = _mm_cvtsi32_si128(static_cast<int>(width));
  __m256i steps = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
  __m256i before = _mm256_setzero_si256();
  __m256i rises = _mm256_set1_epi32(-1);
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m256i upper = _mm256_sub_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(places + i)), steps);
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lower + i));
    const __m256i joined = _mm256_add_epi32(bases, _mm256_or_si256(_mm256_sll_epi32(upper, shift), low));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), joined);
    // Each beside the one before it, the first of all beside itself less one.
    const __m256i turned = _mm256_permutevar8x32_epi32(joined, turn);
    const __m256i last = i == 0 ? _mm256_sub_epi32(joined, _mm256_set1_epi32(1)) : before;
    const __m256i beside = _mm256_blend_epi32(turned, last, 1);
    before = turned;
    const __m256i above = _mm256_cmpgt_epi32(_mm256_xor_si256(joined, sign), _mm256_xor_si256(beside, sign));
    rises = _mm256_and_si256(rises, i == 0 ? _mm256_or_si256(above, _mm256_set_epi32(0, 0, 0, 0, 0, 0, 0, -1)) : above);
    steps = _mm256_add_epi32(steps, _mm256_set1_epi32(8));
  }
  bool ascends = _mm256_movemask_epi8(rises) == -1 && (i == 0 || out[0] >= base);
  for (; i < count; ++i) {
    out[i] = base + (((places[i] - static_cast<std::uint32_t>(i)) << width) | lower[i]);
    ascends = ascends && out[i] >= base && (i == 0 || out[i] > out[i - 1]);
  }
  return ascends;
}

// For each byte, how many of its bits are set below each.
struct Ranks {
  std::uint8_t of[256][8];
};

constexpr Ranks kRanks = [] {
  Ranks ranks{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned below = 0;
    for (unsigned bit = 0; bit < 8; ++bit) {
      ranks.of[byte][bit] = static_cast<std::uint8_t>(below);
      below += byte >> bit & 1U;
    }
  }
  return ranks;
}();

std::size_t unpack_truncated(const std::uint8_t* in, unsigned width, std::uint32_t shorts, const std::uint8_t* lasts,
                             std::size_t count, std::uint32_t* out) {
  if (width > kWidest) return kScalarKernels.unpack_truncated(in, width, shorts, lasts, count, out);
  const Unpacker unpacker(width);
  const __m256i bound = _mm256_set1_epi32(static_cast<int>(shorts));
  const __m256i lanes = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
  std::size_t longer = 0;
  for (std::size_t i = 0; i < count; i += 8, in += width) {
    const __m256i first = unpacker.eight(in);
    const __m256i whole = _mm256_cmpgt_epi32(bound, first);
    unsigned goes_on = ~static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(whole))) & 0xFF;
    if (count - i < 8) goes_on &= (1U << (count - i)) - 1;
    std::uint16_t next;
    __builtin_memcpy(&next, lasts + longer / 8, sizeof next);
    // Each of those takes the bit of its rank.
    const __m256i ranks =
        _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(kRanks.of[goes_on])));
    const __m256i spread = _mm256_srlv_epi32(_mm256_set1_epi32(next >> longer % 8), lanes);
    const __m256i last = _mm256_and_si256(_mm256_permutevar8x32_epi32(spread, ranks), _mm256_set1_epi32(1));
    const __m256i more = _mm256_add_epi32(_mm256_sub_epi32(first, bound), last);
    const __m256i made = _mm256_add_epi32(first, _mm256_andnot_si256(whole, more));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), made);
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

// The numbers from `at` on, where there are fewer than eight filled up with the greatest.
__m256i eight(const std::uint32_t* numbers, std::size_t at, std::size_t count) {
  if (at + 8 <= count) return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(numbers + at));
  std::uint32_t rest[8] = {~0U, ~0U, ~0U, ~0U, ~0U, ~0U, ~0U, ~0U};
  for (std::size_t i = at; i < count; ++i) rest[i - at] = numbers[i];
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rest));
}

// Compares eight numbers of each with all eight of the other, then leaves behind those that cannot
// be there any more.
std::size_t shared(const std::uint32_t* a, std::size_t a_count, const std::uint32_t* b, std::size_t b_count,
                   std::uint32_t* places) {
  if (a_count == 0 || b_count == 0) return 0;
  const __m256i turn = _mm256_set_epi32(0, 7, 6, 5, 4, 3, 2, 1);
  std::size_t count = 0;
  std::size_t i = 0;
  std::size_t j = 0;
  unsigned found = 0;  // a bit for each of the eight
  __m256i left = eight(a, 0, a_count);
  __m256i right = eight(b, 0, b_count);
  while (true) {
    __m256i turned = right;
    __m256i same = _mm256_cmpeq_epi32(left, turned);
    for (int k = 0; k < 7; ++k) {
      turned = _mm256_permutevar8x32_epi32(turned, turn);
      same = _mm256_or_si256(same, _mm256_cmpeq_epi32(left, turned));
    }
    found |= static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(same)));
    const std::size_t a_end = i + 8 < a_count ? i + 8 : a_count;
    const std::size_t b_end = j + 8 < b_count ? j + 8 : b_count;
    const std::uint32_t last_left = a[a_end - 1];
    const std::uint32_t last_right = b[b_end - 1];
    if (last_left <= last_right || b_end == b_count) {
      if (a_end - i < 8) found &= (1U << (a_end - i)) - 1;
      for (; found != 0; found &= found - 1) {
        places[count++] = static_cast<std::uint32_t>(i) + static_cast<std::uint32_t>(__builtin_ctz(found));
      }
      if (last_left > last_right || a_end == a_count) return count;
      i = a_end;
      left = eight(a, i, a_count);
    }
    if (last_right <= last_left) {
      if (b_end == b_count) return count;
      j = b_end;
      right = eight(b, j, b_count);
    }
  }
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

constexpr Kernels kAvx2{"avx2", unpack, ascend, join, unpack_truncated, between, expand_bits, shared, dot, hamming, hamming_rows};

}  // namespace

const Kernels* avx2_kernels() { return &kAvx2; }

}  // namespace prse
#else
namespace prse {
const Kernels* avx2_kernels() { return nullptr; }
}  // namespace prse
#endif
