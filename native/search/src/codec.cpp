#include "codec.h"

#include <algorithm>
#include <bit>

namespace prse {

void pack_ascending(std::string& out, std::int64_t before, std::span<const std::uint32_t> numbers) {
  std::uint32_t widest = 0;
  std::int64_t last = before;
  for (const std::uint32_t number : numbers) {
    widest |= static_cast<std::uint32_t>(number - last - 1);
    last = number;
  }
  const auto width = static_cast<unsigned>(std::bit_width(widest));
  out.push_back(static_cast<char>(width));
  std::uint64_t pending = 0;
  unsigned bits = 0;
  last = before;
  for (const std::uint32_t number : numbers) {
    pending |= static_cast<std::uint64_t>(number - last - 1) << bits;
    bits += width;
    last = number;
    for (; bits >= 8; bits -= 8, pending >>= 8) out.push_back(static_cast<char>(pending));
  }
  if (bits > 0) out.push_back(static_cast<char>(pending));
}

namespace {

std::string_view take_packed(ByteReader& in, unsigned& width, std::size_t count) {
  width = in.byte();
  if (width > 32) in.fail("a width of more than 32 bits");
  return in.take((count * width + 7) / 8);
}

}  // namespace

void skip_packed(ByteReader& in, std::size_t count) {
  unsigned width = 0;
  take_packed(in, width, count);
}

void unpack_ascending(ByteReader& in, std::int64_t before, std::span<std::uint32_t> numbers) {
  unsigned width = 0;
  const std::string_view packed = take_packed(in, width, numbers.size());
  const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
  std::uint64_t pending = 0;
  unsigned bits = 0;
  std::size_t next = 0;
  std::int64_t last = before;
  for (std::uint32_t& number : numbers) {
    while (bits < width) {
      pending |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(packed[next++])) << bits;
      bits += 8;
    }
    last += 1 + static_cast<std::int64_t>(pending & mask);
    pending >>= width;
    bits -= width;
    number = static_cast<std::uint32_t>(last);
  }
  if (last > UINT32_MAX) in.fail("a document number of more than 32 bits");
}

}  // namespace prse
