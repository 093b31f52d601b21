// Where the words of a stem stand in a document, as far as it says what the document is worth.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "site_record.h"

namespace prse {

// That a word of a stem stands in a field so many times, and of how many words the field is.
struct StemUse {
  std::uint32_t word;  // its number among the stem's
  std::uint32_t field;
  std::uint32_t times;
  std::uint32_t words;
  bool operator==(const StemUse&) const = default;
  auto operator<=>(const StemUse&) const = default;
};
using StemUses = std::vector<StemUse>;  // ascending by word and field

// What a class of documents has of a word, where fields are as long as they are taken to be, before it is
// saturated.
using WeightOf = std::function<double(const SiteClass&)>;

// Whether no document is worth more for the uses `b` than for the uses `a`, whatever words and averages are worth.
bool covers(const StemUses& a, const StemUses& b);

// The least that covers both.
StemUses joined(const StemUses& a, const StemUses& b);

// What a stem is worth to documents with these uses, as a whole number, so that sums do not depend on their order:
// as much as the most of its words.
std::int64_t worth(const StemUses& uses, const WeightOf& weight_of);

// As many of these whole numbers as 1 has.
inline constexpr double kWorthUnits = 1024;

}  // namespace prse
