// An immutable part of the index, in one file: documents sorted by id with their postings, and
// the vectors and tags that were set along with them. FORMAT.md draws the file.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dictionary.h"
#include "file_system.h"
#include "liveness.h"
#include "neighbours.h"
#include "postings.h"
#include "vectors.h"

namespace prse {

enum SectionId : std::uint32_t {
  kIds = 0,     // u64 each, ascending
  kOrders,      // i64 each
  kFields,      // names and totals of the fields
  kLengths,     // of each field, the number of words of each document
  kTerms,       // dictionary to postings
  kPostings,
  kPositions,
  kSpaces,
  kVectors,
  kTags,
  kNeighbours,
  kBounds,      // tables over long posting lists; from format 2 on
  kSectionCount
};
constexpr std::uint32_t kSectionCountOfFormat1 = kBounds;

// The dictionary holds two kinds of keys: a word that stands in a text, and a whole value of the
// field "tags", its folded words with a space between.
constexpr char kWordKey = 'w';
constexpr char kTagKey = 't';
inline constexpr std::string_view kTagsField = "tags";

class Segment {
 public:
  struct Field {
    std::string_view name;
    std::uint64_t words;      // of all documents, the dead included
    std::uint32_t documents;  // with at least one word
    std::uint8_t width;       // bytes of one length
    std::string_view lengths;
  };

  // Verifies every checksum. PRSE_CORRUPT, naming `path`.
  Segment(std::shared_ptr<const FileBytes> file, std::uint64_t number, std::string path);
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  std::uint64_t number() const { return number_; }
  // Of the head, and by it of everything: tells two files of one number apart.
  std::uint32_t checksum() const { return checksum_; }
  std::uint64_t file_bytes() const { return file_->bytes().size(); }
  const std::string& path() const { return path_; }

  std::uint32_t documents() const { return documents_; }
  std::uint64_t id(std::uint32_t doc) const { return load<std::uint64_t>(sections_[kIds], doc); }
  std::int64_t order(std::uint32_t doc) const {
    return load<std::int64_t>(sections_[kOrders], doc);
  }
  std::optional<std::uint32_t> find(std::uint64_t id) const;
  // The first document whose id is above `id`.
  std::uint32_t first_above(std::uint64_t id) const;

  const std::vector<Field>& fields() const { return fields_; }
  std::uint32_t length(std::uint32_t field, std::uint32_t doc) const {
    const Field& column = fields_[field];
    if (column.width == 1) return load<std::uint8_t>(column.lengths, doc);
    return column.width == 2 ? load<std::uint16_t>(column.lengths, doc)
                             : load<std::uint32_t>(column.lengths, doc);
  }

  const Dictionary& terms() const { return terms_; }
  // `value` is a term's in the dictionary.
  PostingsCursor postings(std::string_view value) const;

  const std::vector<StoredSpace>& spaces() const { return spaces_; }
  std::uint32_t vectors() const;
  const StoredNeighbours& neighbours() const { return neighbours_; }

  // Everything alive.
  Liveness all_alive() const;

 private:
  void read_sections();
  void read_fields();

  std::shared_ptr<const FileBytes> file_;
  std::uint64_t number_;
  std::string path_;
  std::array<std::string, kSectionCount> section_paths_;
  std::uint32_t checksum_ = 0;
  std::uint32_t documents_ = 0;
  std::array<std::string_view, kSectionCount> sections_;
  std::vector<Field> fields_;
  Dictionary terms_;
  std::vector<StoredSpace> spaces_;
  StoredNeighbours neighbours_;
};

// Verifies what a reader takes for granted beyond the checksums: orders, ranges, and that every
// list can be read. PRSE_CORRUPT says where.
void check_segment(const Segment& segment);

// Puts a segment's bytes together from its sections. `documents` is their number.
std::string encode_segment(const std::array<std::string, kSectionCount>& sections,
                           std::uint32_t documents, std::uint64_t number);

}  // namespace prse
