// Which documents a segment has, in what order, and where each is.
//
// A document's number in a segment is its place in this order: by how many words it has in all its
// fields, cut into classes that grow by an eighth to a quarter, the fewest first; within a class by id.
// A word is worth most where few others stand beside it, so the blocks of a list come nearly in the
// order of what they are worth at most, and those of many words need not be looked at. (Ordering
// documents by what they can be worth at best is as old as "Compressed inverted files with reduced
// decoding overheads", Anh and Moffat, SIGIR 1998; there by impact, here by length alone, which leaves
// one order for all words.) Neighbours by id, which are often alike, stay neighbours within a class.
//
//   varint number of runs; of each: varint documents. Ids ascend within a run; then a column (packed.h)
//   of all ids
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "packed.h"

namespace prse {

// The class of a document of so many words: below 8 the number itself, then four for each doubling.
constexpr std::uint32_t length_class(std::uint64_t words) {
  if (words < 8) return static_cast<std::uint32_t>(words);
  const auto width = static_cast<std::uint32_t>(std::bit_width(words));
  return 4 * (width - 2) + (static_cast<std::uint32_t>(words >> (width - 3)) & 3);
}
constexpr std::uint32_t kLengthClasses = length_class(UINT64_MAX) + 1;

// A document's place in the order: the lesser comes first.
struct DocumentKey {
  std::uint32_t length_class;
  std::uint64_t id;

  auto operator<=>(const DocumentKey&) const = default;
};

// `ids` by document.
std::string encode_document_ids(std::span<const std::uint64_t> ids);

class DocumentIds {
 public:
  DocumentIds() = default;
  // PRSE_CORRUPT, naming `where`, where it does not hold so many.
  DocumentIds(std::string_view section, std::uint32_t documents, const char* where);

  std::uint64_t operator[](std::uint32_t doc) const { return ids_[doc]; }
  std::optional<std::uint32_t> find(std::uint64_t id) const;

  // Documents from `begin` to before `end`, whose ids ascend.
  struct Run {
    std::uint32_t begin;
    std::uint32_t end;
  };
  const std::vector<Run>& runs() const { return runs_; }
  // The first document of a run whose id is above `id`; its end where there is none.
  std::uint32_t first_above(Run run, std::uint64_t id) const;

 private:
  PackedColumn ids_;
  std::vector<Run> runs_;
};

}  // namespace prse
