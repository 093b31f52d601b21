#include "truncated.h"

#include <array>
#include <bit>
#include <cassert>

#include "packed.h"

namespace prse {

std::uint8_t Truncated::code_below(std::uint32_t greatest) {
  const auto width = static_cast<unsigned>(std::bit_width(greatest));
  const std::uint32_t spare = static_cast<std::uint32_t>((std::uint64_t{1} << width) - 1 - greatest);
  return static_cast<std::uint8_t>(width * kSteps + (spare >> (width > kStepBits ? width - kStepBits : 0)));
}

void pack_truncated(std::string& out, std::span<const std::uint32_t> numbers, std::uint8_t code) {
  const Truncated truncated(code);
  if (truncated.shorts == 0) {
    pack(out, numbers, truncated.width);
    return;
  }
  std::array<std::uint32_t, kMostTruncated> firsts;
  std::array<std::uint32_t, kMostTruncated> lasts;
  assert(numbers.size() <= kMostTruncated);
  std::size_t longer = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const bool goes_on = numbers[i] >= truncated.shorts;
    const std::uint32_t raised = numbers[i] + truncated.shorts;
    firsts[i] = goes_on ? raised / 2 : numbers[i];
    lasts[longer] = raised % 2;
    longer += goes_on ? 1 : 0;
  }
  pack(out, std::span(firsts).first(numbers.size()), truncated.width);
  pack(out, std::span(lasts).first(longer), 1);
}

}  // namespace prse
