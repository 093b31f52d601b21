// Tables over long posting lists: where each block lies, so that a cursor can jump to it, and how
// much a document in it can be worth at most, so that a search can leave it out.
//
//   u8 fields; so many u8: the fields in which the term stands, ascending
//   for each block: u32 its last document; u32 where it begins in the list; u32 where its
//   positions begin in the term's
//   for each block and field: u16 impact
//
// A field's impact in a document is times / (1 - b + b length / average), the average being the
// segment's own. It is stored rounded up: 2^((impact - 24576) / 4096), or anything where it is 65535,
// and nothing where it is 0: no document of the block has the term there.
// Where the average over all segments is another, A in place of a, no impact grows by more than
// max(1, A / a).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.h"

namespace prse {

// Of BM25: how much a field's length counts.
constexpr double kLengthShare = 0.75;

double impact_of(std::uint32_t times, std::uint32_t length, double average_length);
std::uint16_t encode_impact(double impact);
double decode_impact(std::uint16_t code);  // infinite for 65535

struct BlockBound {
  std::uint32_t last_doc;
  std::uint32_t postings_begin;
  std::uint32_t positions_begin;
};

class BoundsTable {
 public:
  BoundsTable() = default;
  // `place` is where the table begins in the section; PRSE_CORRUPT if it does not fit.
  BoundsTable(std::string_view section, std::uint64_t place, std::uint32_t blocks, const char* where);

  std::uint32_t blocks() const { return blocks_; }
  std::string_view fields() const { return fields_; }
  BlockBound block(std::uint32_t block) const { return load<BlockBound>(entries_, block); }
  std::uint16_t impact(std::uint32_t block, std::size_t field) const {
    return load<std::uint16_t>(impacts_, block * fields_.size() + field);
  }
  // The first block whose last document is not below `doc`; blocks() when there is none.
  std::uint32_t find(std::uint32_t doc) const;

 private:
  std::uint32_t blocks_ = 0;
  std::string_view fields_;
  std::string_view entries_;
  std::string_view impacts_;
};

// Gathers the table of one list at a time.
class BoundsWriter {
 public:
  void add(std::uint32_t field, double impact);
  void end_block(std::uint64_t last_doc, std::uint64_t postings_begin, std::uint64_t positions_begin);
  // Returns the place of the table in the section plus one, or 0 where there is none: for a list
  // of one block, or one too large for it.
  std::uint64_t end_list();

  std::string section;

 private:
  static constexpr std::size_t kFields = 64;
  std::array<double, kFields> most_{};
  std::uint64_t in_block_ = 0;  // a bit for each field
  std::uint64_t in_list_ = 0;
  bool fits_ = true;
  std::vector<BlockBound> blocks_;
  std::vector<std::array<std::uint16_t, kFields>> impacts_;
};

}  // namespace prse
