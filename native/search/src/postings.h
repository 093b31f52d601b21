// The documents that bear a term: which, in which fields, how often and where.
//
// A term's list is cut into blocks of 128 documents, each
//   varint  last document of the block less the last of the block before (less -1 at first)
//   varint  bytes of the counts; varint bytes of the positions
//   packed  the documents before the last (codec.h)
//   counts  per document its fields, ascending: varint field<<2 | once<<1 | more-fields-follow,
//           and unless `once` a varint with the number of times
// and, in the section of positions, for each document and field of the block the positions,
// each a varint difference from the one before.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bounds.h"
#include "bytes.h"
#include "codec.h"

namespace prse {

// A segment numbers its fields; more names than this in an index are refused.
constexpr std::size_t kMostFields = 64;

// The words of each document in a field, and the average over those that have any.
struct FieldLengths {
  std::vector<std::uint32_t> lengths;
  double average;
};

class PostingsWriter {
 public:
  // From which the bounds are computed; may be left out, then there are none.
  void set_lengths(const std::vector<FieldLengths>* lengths) { lengths_ = lengths; }

  void begin_term();
  // Documents must ascend; each must get at least one field, and its fields must ascend.
  void begin_document(std::uint32_t doc);
  // Without positions it still counts `times`.
  void add_field(std::uint32_t field, std::uint32_t times, std::span<const std::uint32_t> positions);
  // Returns the term's value in the dictionary: what PostingsCursor needs.
  std::string end_term();

  std::uint32_t documents() const { return documents_; }

  std::string postings;
  std::string positions;
  BoundsWriter bounds;

 private:
  struct FieldCount {
    std::uint32_t field;
    std::uint32_t times;
  };
  void end_document();
  void end_block();

  std::uint64_t postings_begin_ = 0;
  std::uint64_t positions_begin_ = 0;
  std::uint64_t block_positions_begin_ = 0;
  std::uint32_t documents_ = 0;
  std::int64_t last_doc_ = -1;
  std::vector<std::uint32_t> docs_;
  std::vector<FieldCount> fields_;
  std::string counts_;
  const std::vector<FieldLengths>* lengths_ = nullptr;
};

class PostingsCursor {
 public:
  struct FieldCount {
    std::uint32_t field;
    std::uint32_t times;
  };

  // Numbers from these on cannot be: a list that has one is PRSE_CORRUPT.
  struct Limits {
    std::uint32_t documents;
    std::uint32_t fields;
  };

  // `value` is what `end_term` returned; the sections and `where` must outlive the cursor.
  // `bounds` may be empty: without them it walks where it could jump.
  PostingsCursor(std::string_view value, std::string_view postings, std::string_view positions,
                 std::string_view bounds, Limits limits, const char* where);

  // How many documents the list has, the dead included.
  std::uint32_t documents() const { return documents_; }

  // Of a list of several blocks; empty where it has none.
  const BoundsTable& bounds() const { return bounds_; }

  // Moves to the next document; false at the end. A new cursor stands before the first.
  bool next();
  // Moves to the first document from the current one on that is not below `doc`.
  bool seek(std::uint32_t doc);
  // Of a list with bounds: the same from anywhere, also back.
  bool seek_anywhere(std::uint32_t doc);
  std::uint32_t doc() const { return docs_[at_]; }

  // Of the current document; valid until it moves.
  std::span<const FieldCount> fields();
  // Appends the positions of each field, one after the other, in the order of `fields`. At most
  // once for each document.
  void positions(std::vector<std::uint32_t>& out);

 private:
  bool read_block_head();
  void jump(std::uint32_t block);
  void skip_block();
  void read_block();
  void read_counts();
  void skip_counts();

  ByteReader in_;
  BoundsTable bounds_;
  std::string_view list_;  // from the list's beginning on
  std::uint64_t positions_begin_ = 0;
  ByteReader counts_;
  ByteReader positions_;
  std::string_view all_positions_;
  Limits limits_;
  const char* where_;
  std::uint32_t documents_ = 0;
  std::uint32_t seen_ = 0;         // documents in the blocks before the next
  std::int64_t last_doc_ = -1;     // of the block before
  std::int64_t block_last_ = -1;   // of the block whose head was read
  std::uint32_t block_size_ = 0;
  std::uint64_t count_bytes_ = 0;
  std::uint64_t position_bytes_ = 0;
  std::uint64_t positions_next_ = 0;  // where the next block's positions begin
  std::array<std::uint32_t, kBlockDocs> docs_{};
  std::uint32_t at_ = 0;
  std::uint32_t size_ = 0;            // of the block that was read; 0 before the first
  std::uint32_t counted_ = 0;         // documents of the block whose counts were read
  std::uint64_t positions_to_skip_ = 0;
  std::uint64_t current_positions_ = 0;
  std::vector<FieldCount> fields_;
};

}  // namespace prse
