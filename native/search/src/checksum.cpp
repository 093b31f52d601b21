#include "checksum.h"

#include <array>

#include "bytes.h"

namespace prse {
namespace {

// "Slicing by eight" (Kounavis and Berry, 2005): eight tables, so that eight bytes are folded
// in at once.
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
    tables[0][i] = crc;
  }
  for (std::size_t t = 1; t < 8; ++t) {
    for (std::size_t i = 0; i < 256; ++i) {
      const std::uint32_t before = tables[t - 1][i];
      tables[t][i] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

#if defined(__x86_64__)
// By the processor's own instruction, where it has it.
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::string_view bytes) {
  std::uint64_t crc = ~0U;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    crc = __builtin_ia32_crc32di(crc, load<std::uint64_t>(bytes, 0));
  }
  for (const char c : bytes) {
    crc = __builtin_ia32_crc32qi(static_cast<std::uint32_t>(crc), static_cast<unsigned char>(c));
  }
  return ~static_cast<std::uint32_t>(crc);
}
#endif

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return by_instruction(bytes);
#endif
  return crc32c_by_tables(bytes);
}

std::uint32_t crc32c_by_tables(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  while (bytes.size() >= 8) {
    const std::uint64_t x = load<std::uint64_t>(bytes, 0) ^ crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= kTables[7 - i][(x >> (8 * i)) & 0xff];
    bytes.remove_prefix(8);
  }
  for (const char c : bytes) crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<std::uint8_t>(c)) & 0xff];
  return ~crc;
}

}  // namespace prse
