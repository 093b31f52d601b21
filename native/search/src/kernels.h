// The inner loops that a processor's wide instructions make faster, each in a scalar form and in
// one for every instruction set that is worth it (kernels_scalar.cpp, kernels_avx2.cpp,
// kernels_avx512.cpp). All forms give the same results for every input; which is used is decided
// once, when the first is asked for: the best that the processor has, or the one that the
// environment names (PICTURERAIL_SEARCH_ISA = scalar, avx2 or avx512), if it has that.
#pragma once

#include <cstddef>
#include <cstdint>

namespace prse {

// Packed numbers are read in steps of a whole register: so many bytes behind them must be
// readable. What they hold does not matter.
constexpr std::size_t kReadAhead = 64;
// And so many numbers behind the last one may be overwritten in what is unpacked.
constexpr std::size_t kWriteAhead = 32;

struct Kernels {
  const char* name;
  // Unpacks `count` numbers of `width` bits (0 to 32), the lowest bits of the first byte first.
  void (*unpack)(const std::uint8_t* in, unsigned width, std::size_t count, std::uint32_t* out);
  // Turns differences less one into the numbers that ascend from above `before`, modulo 2^32.
  void (*ascend)(std::uint32_t before, std::size_t count, std::uint32_t* numbers);
  // Joins numbers that are split (postings.h): of each there is the place of its bit among the upper parts and
  // its lower part of `width` bits, below 32; to all `base` is added. False where they do not ascend from there.
  bool (*join)(std::uint32_t base, unsigned width, std::size_t count, const std::uint32_t* places,
               const std::uint32_t* lower, std::uint32_t* out);
  // Unpacks numbers in truncated binary (truncated.h), `width` being that of their first bits, at most 30: of
  // these each n that is not below `shorts` becomes 2 n - shorts, plus the next of `lasts`; how many did.
  std::size_t (*unpack_truncated)(const std::uint8_t* in, unsigned width, std::uint32_t shorts,
                                  const std::uint8_t* lasts, std::size_t count, std::uint32_t* out);
  // Writes how many numbers there are between each and the next, plus `base`; all these numbers, without it,
  // or'ed. `places` has one more than `count`.
  std::uint32_t (*between)(std::uint32_t base, std::size_t count, const std::uint32_t* places, std::uint32_t* out);
  // Writes `base` plus the place of each bit that is set, ascending; how many.
  std::size_t (*expand_bits)(const std::uint8_t* bits, std::size_t bytes, std::uint32_t base,
                             std::uint32_t* out);
  // Of two lists of ascending numbers below 2^32 - 1: writes the places in the first of those that
  // the second has too, ascending; how many. There must be room for all places of the first.
  std::size_t (*shared)(const std::uint32_t* a, std::size_t a_count, const std::uint32_t* b,
                        std::size_t b_count, std::uint32_t* places);
  // The product of two vectors of 8-bit integers, of at most 2^16 components.
  std::int32_t (*dot)(const std::int8_t* a, const std::int8_t* b, std::size_t count);
  // The number of bits in which two strings of bytes differ.
  std::uint32_t (*hamming)(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes);
  // The same of one string and each of `count` rows that follow each other; `bytes`, of each, is a
  // multiple of 8 and at most 8,184.
  void (*hamming_rows)(const std::uint8_t* a, const std::uint8_t* rows, std::size_t bytes,
                       std::size_t count, std::uint16_t* out);
};

// The one that is used.
const Kernels& kernels();

// Those that this processor can run; the scalar one is always there. Ends with a null.
const Kernels* const* all_kernels();

// What each source file offers; null where it was not built for this processor's family.
extern const Kernels kScalarKernels;
const Kernels* avx2_kernels();
const Kernels* avx512_kernels();

}  // namespace prse
