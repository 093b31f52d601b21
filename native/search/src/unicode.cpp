#include "unicode.h"

#include <algorithm>

namespace prse {
namespace {

#include "unicode_table.inc"

constexpr char32_t kPageBits = 7;
constexpr std::int32_t kExpansionBit = 1 << 30;
enum Action : std::uint16_t { kSeparates = 0, kMark = 1 };

static_assert(std::size(kBlockOfPage) << kPageBits == 0x110000);

// Hangul syllables decompose by arithmetic (The Unicode Standard, section 3.12).
constexpr char32_t kSyllables = 0xAC00, kSyllableCount = 11172;
constexpr char32_t kLeads = 0x1100, kVowels = 0x1161, kTails = 0x11A7;
constexpr char32_t kVowelCount = 21, kTailCount = 28;

Folded fold_hangul(char32_t syllable) {
  const char32_t tail = syllable % kTailCount;
  const char32_t vowel = syllable / kTailCount % kVowelCount;
  const char32_t lead = syllable / kTailCount / kVowelCount;
  return {tail == 0 ? 2U : 3U, {kLeads + lead, kVowels + vowel, kTails + tail}};
}

struct Range {
  char32_t first;
  char32_t last;
};

// Kept equal to the list in ANALYSIS.md.
constexpr Range kStandAlone[] = {
    {0x3005, 0x3007}, {0x3021, 0x3029}, {0x3031, 0x3035}, {0x3038, 0x303C},   {0x3041, 0x30FF},
    {0x31F0, 0x31FF}, {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xF900, 0xFAFF},   {0x1AFF0, 0x1B16F},
    {0x20000, 0x3FFFF},
};

}  // namespace

Folded fold(char32_t code_point) {
  if (code_point - kSyllables < kSyllableCount) return fold_hangul(code_point - kSyllables);
  const std::size_t block = kBlockOfPage[code_point >> kPageBits];
  const std::uint16_t action =
      kActionOfCodePoint[(block << kPageBits) | (code_point & ((1U << kPageBits) - 1))];
  if (action == kSeparates) return {1, {kSeparator}};
  if (action == kMark) return {0, {}};
  const std::int32_t value = kActions[action];
  if (value < kExpansionBit) return {1, {static_cast<char32_t>(static_cast<std::int32_t>(code_point) + value)}};
  const std::uint32_t* expansion = kExpansions + (value & ~kExpansionBit);
  Folded folded{expansion[0], {}};
  std::copy_n(expansion + 1, expansion[0], folded.letters);
  return folded;
}

bool stands_alone(char32_t letter) {
  if (letter < kStandAlone[0].first) return false;
  return std::any_of(std::begin(kStandAlone), std::end(kStandAlone),
                     [=](Range range) { return range.first <= letter && letter <= range.last; });
}

char32_t take_code_point(std::string_view& text) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = at(0);
  std::size_t length = 1;
  char32_t code_point = first;
  char32_t least = 0;
  if (first >= 0xF0 && first < 0xF5) {
    length = 4, code_point = first & 0x07, least = 0x10000;
  } else if (first >= 0xE0 && first < 0xF0) {
    length = 3, code_point = first & 0x0F, least = 0x800;
  } else if (first >= 0xC0 && first < 0xE0) {
    length = 2, code_point = first & 0x1F, least = 0x80;
  }
  bool valid = (first < 0x80 || length > 1) && text.size() >= length;
  for (std::size_t i = 1; valid && i < length; ++i) {
    valid = (at(i) & 0xC0) == 0x80;
    code_point = (code_point << 6) | (at(i) & 0x3FU);
  }
  valid = valid && code_point >= least && code_point < 0x110000 &&
          (code_point < 0xD800 || code_point > 0xDFFF);
  text.remove_prefix(valid ? length : 1);
  return valid ? code_point : kReplacement;
}

std::u32string code_points(std::string_view text) {
  std::u32string points;
  while (!text.empty()) points.push_back(take_code_point(text));
  return points;
}

}  // namespace prse
