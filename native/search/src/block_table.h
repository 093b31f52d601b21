// Tables over posting lists of more than one block: where each block lies, so that a cursor can
// jump to it, and how much a document in it can be worth at most, so that a search can leave it
// out.
//
//   u8 fields F; for each of them: u8 its number, f32 scale
//   the last document of each block, in 2, 3 or 4 bytes: as few as the segment's documents need; column of where each begins in the list; column of where its
//   positions begin in the term's
//   for each field: a u8 for each block, then a u8 for each 16 blocks
//
// A column is u8 2, u32 the place of each 16th block, u16 the difference of each block's from it; or, where one
// is too large, u8 4, u32 the place of each block.
//
// A field's impact in a document is times / (1 - b + b length / average), the average being the
// segment's own. Of each block, and of each 16 of them, the greatest is stored, rounded up, in
// units of the field's scale, which is a 255th of the list's greatest; 0 where no document has
// the term there. Where the average over all segments is another, A in place of a, no impact
// grows by more than max(1, A / a).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.h"
#include "shapes.h"

namespace prse {

// Of BM25: how much a field's length counts.
constexpr double kLengthShare = 0.75;

constexpr std::size_t kBlockDocs = 128;
constexpr std::uint32_t kGroupBlocks = 16;

constexpr std::uint32_t blocks_of(std::uint32_t documents) {
  return (documents + static_cast<std::uint32_t>(kBlockDocs) - 1) / static_cast<std::uint32_t>(kBlockDocs);
}
// How many bytes hold the number of any of so many documents, in a table.
constexpr std::uint32_t doc_bytes_of(std::uint32_t documents) {
  return documents <= 1U << 16 ? 2 : documents <= 1U << 24 ? 3 : 4;
}
constexpr std::uint32_t groups_of(std::uint32_t blocks) {
  return (blocks + kGroupBlocks - 1) / kGroupBlocks;
}

class BlockTable {
 public:
  struct Field {
    std::uint32_t number;
    double scale;
    const std::uint8_t* of_blocks;
    const std::uint8_t* of_groups;
  };

  BlockTable() = default;
  // `place` is where the table begins in the section, of a segment of so many documents; PRSE_CORRUPT if
  // it does not fit, or names a field not below `fields`.
  BlockTable(std::string_view section, std::uint64_t place, std::uint32_t blocks, std::uint32_t documents,
             std::uint32_t fields, const char* where);

  // 0 for a list that has no table.
  std::uint32_t blocks() const { return blocks_; }
  std::uint32_t last_doc(std::uint32_t block) const {
    std::uint32_t doc;  // what follows the column is readable
    std::memcpy(&doc, last_docs_.data() + std::size_t{block} * doc_bytes_, sizeof doc);
    return doc & doc_mask_;
  }
  std::uint32_t place(std::uint32_t block) const { return places_[block]; }
  std::uint32_t positions_place(std::uint32_t block) const { return position_places_[block]; }
  std::size_t field_count() const { return field_count_; }
  Field field(std::size_t index) const;

  // The first block from `from` on whose last document is not below `doc`; blocks() when there
  // is none.
  std::uint32_t find(std::uint32_t doc, std::uint32_t from = 0) const;

 private:
  struct Places {
    std::string_view wide;  // all of them; else empty
    std::string_view of_groups;
    std::string_view differences;

    std::uint32_t operator[](std::uint32_t block) const {
      if (!wide.empty()) return load<std::uint32_t>(wide, block);
      return load<std::uint32_t>(of_groups, block / kGroupBlocks) + load<std::uint16_t>(differences, block);
    }
  };
  static Places take_places(ByteReader& in, std::uint32_t blocks);

  std::uint32_t blocks_ = 0;
  std::size_t field_count_ = 0;
  std::string_view fields_;
  std::string_view last_docs_;
  std::uint32_t doc_bytes_ = 4;
  std::uint32_t doc_mask_ = UINT32_MAX;
  Places places_;
  Places position_places_;
  std::string_view impacts_;
};

// Gathers the table of one list at a time.
class BlockTableWriter {
 public:
  void add(std::uint32_t field, double impact) {
    const std::uint64_t bit = std::uint64_t{1} << field;
    if ((in_block_ & bit) == 0 || most_[field] < impact) most_[field] = impact;
    in_block_ |= bit;
  }
  void end_block(std::uint32_t last_doc, std::uint64_t place, std::uint64_t positions_place);
  // Returns the place of the table in the section, of a segment of so many documents; for a list of one
  // block nothing is written.
  std::uint64_t end_list(std::uint32_t documents);

  std::string section;

 private:
  std::array<double, kMostFields> most_{};
  std::uint64_t in_block_ = 0;  // a bit for each field
  std::uint64_t in_list_ = 0;
  std::vector<std::uint32_t> last_docs_;
  std::vector<std::uint32_t> places_;
  std::vector<std::uint32_t> position_places_;
  std::vector<std::array<double, kMostFields>> impacts_;  // by block
};

}  // namespace prse
