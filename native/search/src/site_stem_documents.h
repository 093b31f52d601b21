// The documents of a stem, and where it stands in them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "site_together.h"
#include "site_uses.h"

namespace prse {

// Words are near up to so many words apart. Nearness is 4 for the next word, 1 for the fourth, 0 beyond.
inline constexpr std::uint32_t kFarthest = 4;
inline constexpr std::uint32_t kNearnesses = kFarthest + 1;

class StemDocuments {
 public:
  struct Document {
    std::uint32_t number;  // among all documents
    std::uint32_t uses;    // the number of its uses
    std::uint32_t first;   // of its places, which end where the next one's begin
  };
  // A position in a field, such that those of two fields lie far apart.
  using Place = std::uint64_t;

  // The postings' ids are numbers among all documents.
  StemDocuments(const SiteStem& stem, const WeightOf& weight_of);
  StemDocuments(StemDocuments&&) = default;

  const std::string& text() const { return text_; }
  std::uint32_t weight() const { return weight_; }
  const std::string& word(std::uint32_t number) const { return words_[number]; }

  std::size_t size() const { return all_.size() - 1; }
  std::span<const Document> all() const { return std::span(all_).first(size()); }
  std::span<const Place> places(const Document& document) const {
    return std::span(places_).subspan(document.first, (&document + 1)->first - document.first);
  }

  // Uses that some document has, numbered as they come.
  const StemUses& uses(std::uint32_t number) const { return *uses_[number]; }
  // What the stem is worth to documents that have them.
  std::int64_t worth_of(std::uint32_t number) const { return worths_[number]; }

  // Prepares `find` among so many documents; takes 12 bytes for each 64 of them.
  void make_findable(std::size_t documents);
  bool findable() const { return !bits_.empty(); }
  // Null where it has no word of the stem.
  const Document* find(std::uint32_t number) const {
    const std::uint64_t before = bits_[number / 64] << (63 - number % 64);
    if (before >> 63 == 0) return nullptr;
    return &all_[ranks_[number / 64] + static_cast<std::uint32_t>(std::popcount(before)) - 1];
  }

 private:
  std::uint32_t number_of(const StemUses& uses);

  std::string text_;
  std::uint32_t weight_;
  std::vector<std::string> words_;
  std::vector<Document> all_;  // ascending; then one that only tells where the last one's places end
  std::vector<Place> places_;  // by document
  std::map<StemUses, std::uint32_t> numbers_;
  std::vector<const StemUses*> uses_;
  std::vector<std::int64_t> worths_;
  std::vector<std::uint64_t> bits_;   // by document, whether it is one of these
  std::vector<std::uint32_t> ranks_;  // how many there are before each 64
};

// How a word of one stem stands to one of another in a document.
struct StemsApart {
  std::uint8_t near;   // of the nearest two
  bool ahead = false;  // whether one of the second stem is the next word after one of the first
  bool behind = false;
};

inline StemsApart apart(std::span<const StemDocuments::Place> a, std::span<const StemDocuments::Place> b) {
  StemsApart found{};
  std::uint64_t nearest = kNearnesses;
  for (const StemDocuments::Place one : a) {
    for (const StemDocuments::Place other : b) {
      const std::uint64_t words = one < other ? other - one : one - other;
      if (words == 0) continue;
      nearest = std::min(nearest, words);
      if (words == 1) (one < other ? found.ahead : found.behind) = true;
    }
  }
  found.near = static_cast<std::uint8_t>(kNearnesses - nearest);
  return found;
}

}  // namespace prse
