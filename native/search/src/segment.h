// An immutable part of the index, in one file: documents in the order of document_ids.h with their postings, and
// the vectors and tags that were set along with them. FORMAT.md draws the file.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dictionary.h"
#include "document_ids.h"
#include "file_system.h"
#include "liveness.h"
#include "neighbours.h"
#include "packed.h"
#include "postings.h"
#include "stems.h"
#include "stored_values.h"
#include "vectors.h"

namespace prse {

enum SectionId : std::uint32_t {
  kIds = 0,     // document_ids.h
  kOrders,      // packed.h draws the column
  kFields,      // names and totals of the fields
  kLengths,     // of each field, the number of words of each document
  kShapes,      // shapes.h
  kTerms,       // dictionary to postings
  kPostings,
  kPositions,
  kTables,      // over long posting lists
  kStems,       // stems.h
  kStored,      // stored_values.h
  kSpaces,
  kVectors,
  kTags,
  kNeighbours,
  kSectionCount
};

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

  // Verifies the checksums of the head and of small sections; those of large ones when they are
  // first used. PRSE_CORRUPT, naming `path`.
  Segment(std::shared_ptr<const FileBytes> file, std::uint64_t number, std::string path);
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  std::uint64_t number() const { return number_; }
  // Of the head, and by it of everything: tells two files of one number apart.
  std::uint32_t checksum() const { return checksum_; }
  std::uint64_t file_bytes() const { return file_->bytes().size(); }
  const std::string& path() const { return path_; }

  std::uint32_t documents() const { return documents_; }
  // `verify_documents` must have been called before these four.
  std::uint64_t id(std::uint32_t doc) const { return ids_[doc]; }
  std::int64_t order(std::uint32_t doc) const {
    // Stored so that they compare as numbers without a sign.
    return static_cast<std::int64_t>(orders_[doc] ^ (std::uint64_t{1} << 63));
  }
  const std::vector<Field>& fields() const { return fields_; }
  std::uint32_t length(std::uint32_t field, std::uint32_t doc) const {
    const Field& column = fields_[field];
    if (column.width == 1) return load<std::uint8_t>(column.lengths, doc);
    return column.width == 2 ? load<std::uint16_t>(column.lengths, doc)
                             : load<std::uint32_t>(column.lengths, doc);
  }
  // The lengths of a field where each is one byte; else null.
  const std::uint8_t* byte_lengths(std::uint32_t field) const {
    const Field& column = fields_[field];
    return column.width == 1 ? reinterpret_cast<const std::uint8_t*>(column.lengths.data()) : nullptr;
  }
  void verify_documents() const {
    for (const SectionId id : {kIds, kOrders, kLengths}) verify(id);
  }

  // Verified: all of the documents, and which of them has an id.
  const DocumentIds& ids() const {
    verify(kIds);
    return ids_;
  }
  std::optional<std::uint32_t> find(std::uint64_t id) const { return ids().find(id); }
  // What the documents are ordered by.
  DocumentKey key(std::uint32_t doc) const;

  const Dictionary& terms() const {
    verify(kTerms);
    return terms_;
  }
  // The words that have the stem of a word, as they stand in the dictionary, without the word itself.
  std::vector<Dictionary::Cursor> forms(std::string_view word, std::string_view stem) const;
  // The words of a stem, as far as the segment lists them, and of others the stem itself if it is a word.
  std::vector<Dictionary::Cursor> words_of_stem(std::string_view stem) const;
  // `key` and `value` are a term's in the dictionary.
  PostingList postings(std::string_view key, std::string_view value) const;

  const Shapes& shapes() const { return shapes_; }

  const StoredValues& stored() const {
    verify(kStored);
    return stored_;
  }

  const std::vector<StoredSpace>& spaces() const { return spaces_; }
  // To be called before a vector is looked at.
  void verify_vectors() const { verify(kVectors); }
  std::uint32_t vectors() const;
  const StoredNeighbours& neighbours() const {
    verify(kTags);
    verify(kNeighbours);
    return neighbours_;
  }
  // To be called before positions are read.
  void verify_positions() const { verify(kPositions); }

  // Everything alive.
  Liveness all_alive() const;

 private:
  void read_sections();
  void read_fields();
  void verify(SectionId id) const {
    if (!verified_[id].load(std::memory_order_acquire)) verify_now(id);
  }
  void verify_now(SectionId id) const;

  std::shared_ptr<const FileBytes> file_;
  std::uint64_t number_;
  std::string path_;
  std::array<std::string, kSectionCount> section_paths_;
  std::uint32_t checksum_ = 0;
  std::uint32_t documents_ = 0;
  std::array<std::string_view, kSectionCount> sections_;
  std::array<std::uint32_t, kSectionCount> checksums_{};
  mutable std::array<std::atomic<bool>, kSectionCount> verified_{};
  std::vector<Field> fields_;
  DocumentIds ids_;
  PackedColumn orders_;
  Shapes shapes_;
  PostingSections posting_sections_;
  Dictionary terms_;
  Stems stems_;
  StoredValues stored_;
  std::vector<StoredSpace> spaces_;
  StoredNeighbours neighbours_;
};

// Verifies what a reader takes for granted beyond the checksums: orders, ranges, and that every
// list can be read. PRSE_CORRUPT says where.
void check_segment(const Segment& segment, Language language);

// Puts a segment's bytes together from its sections. `documents` is their number.
std::string encode_segment(const std::array<std::string, kSectionCount>& sections,
                           std::uint32_t documents, std::uint64_t number);

}  // namespace prse
