// The documents that bear a term: which, in which fields, how often and where.
//
// A term's value in the dictionary begins with varint (documents - 1) << 1 | alone. A term of one
// document is alone, and all of it lies in the value:
//   varint document; its shape spelt out (shapes.h); its positions, each a varint difference
// Otherwise follows the place, as a varint, of its list in the section of postings; and for a list of more
// than one block those of its table (block_table.h), and for a word of its positions.
//
// A list is cut into blocks of 128 documents, the last one shorter. A block is
//   u8   how documents are coded: 0..32, the width of their differences less one; 64 + n: split, with
//        n lower bits; or 128 + n: a set of bits in n words of 8 bytes, from above the last document
//        of the block before on
//   u8   how the shapes' codes are: the width, 0 to 16; + 32: in ones; + 64: the least is another than 1
//   u16  the least, where it is another
//   u8   where documents are split and the list has no table: the bytes of the upper parts
//   the documents: packed, or split, or the set; the codes, less the least: packed or in ones; then the
//   shapes that are spelt out, one for each code 0
//
// Split, by Elias and Fano ("Partitioned Elias-Fano indexes", Ottaviano and Venturini, SIGIR 2014, has
// them for lists): documents less the one after the last of the block before, each cut into lower bits,
// which are packed behind, and an upper part, for which one bit is set: that of the upper part and the
// document's place in the block together. Where there is a table it tells the last document and by it
// how many bits these are. In ones: for each code so many bits 0 as it is, then a bit 1, filled up to a byte.
//
// Its positions, for each document and field, are differences from the one before (from 0 at
// first), and stand in truncated binary (truncated.h), 128 of them at a time: a u8 code for each such part,
// then the parts. They stand in a section of their own, so that what asks for none need not read them; but
// those of a list of one block right behind it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "block_table.h"
#include "bytes.h"
#include "kernels.h"
#include "shapes.h"
#include "truncated.h"

namespace prse {

// The words of each document in a field, and the average over those that have any.
struct FieldLengths {
  FieldLengths(std::vector<std::uint32_t> lengths_of_all, double average_length);
  // 1 - b + b length / average, inverted.
  double norm(std::uint32_t doc) const {
    const std::uint32_t length = lengths[doc];
    return length < norms.size() ? norms[length] : norm_of(length);
  }

  std::vector<std::uint32_t> lengths;
  double average;

 private:
  double norm_of(std::uint32_t length) const;
  std::array<double, 128> norms;  // of short ones
};

class PostingsWriter {
 public:
  // From which the impacts are computed; must outlive what is written.
  explicit PostingsWriter(const std::vector<FieldLengths>& lengths) : lengths_(lengths) {}

  void begin_term(bool with_positions);
  // Documents must ascend; each must get at least one field, and its fields must ascend.
  void begin_document(std::uint32_t doc);
  // Without positions it still counts `times`.
  void add_field(std::uint32_t field, std::uint32_t times, std::span<const std::uint32_t> positions);
  // Returns the term's value in the dictionary: what PostingList needs.
  std::string end_term();

  std::uint32_t documents() const { return documents_; }

  std::string postings;
  std::string positions;
  BlockTableWriter tables;
  ShapeWriter shapes;

 private:
  void end_document();
  // `has_table`: the list has more blocks than this.
  void end_block(bool has_table);
  std::uint8_t choose_coding(std::uint32_t last, bool has_table);
  void put_documents(std::uint8_t coding, std::uint32_t last, bool has_table);
  std::string value_of_one() const;

  const std::vector<FieldLengths>& lengths_;
  bool with_positions_ = false;
  std::uint64_t postings_begin_ = 0;
  std::uint64_t positions_begin_ = 0;
  std::uint32_t documents_ = 0;
  std::uint32_t before_ = UINT32_MAX;  // the last document of the block before; one less than 0
  std::vector<std::uint32_t> docs_;
  std::vector<std::uint32_t> codes_;
  std::vector<std::uint32_t> deltas_;  // of positions
  std::vector<FieldCount> shape_;      // of the current document
  std::string spelt_out_;
  std::vector<std::uint32_t> gaps_;
  std::string set_;
  std::string upper_;
};

// The sections of a segment in which lists lie, and what limits the numbers in them. Each section
// has kReadAhead bytes more than are used.
struct PostingSections {
  std::string_view postings;
  std::string_view positions;
  std::string_view tables;
  const Shapes* shapes = nullptr;
  std::uint32_t documents = 0;
  std::uint32_t fields = 0;
  const char* where = "";
};

// One block of a list, decoded. Large: to be kept and used again.
struct PostingBlock {
  std::uint32_t size = 0;
  // Shapes that were spelt out: of the i-th document those from begins[i] to begins[i + 1]. Empty
  // where there is none.
  std::vector<FieldCount> spelt_out;
  std::vector<std::uint32_t> begins;
  // What the codes are still to be read from.
  bool codes_wait = false;
  // And the documents, where they are a set of bits from `set_begin` on (`read_set_or_documents`).
  bool documents_wait = false;
  std::string_view set;
  std::uint32_t set_begin = 0;
  std::string_view packed_codes;
  std::string_view behind;  // the codes, once these were read
  std::uint8_t code_width = 0;
  bool codes_in_ones = false;
  std::uint32_t least_code = 0;
  std::array<std::uint32_t, kBlockDocs + kWriteAhead> docs;
  std::array<std::uint32_t, kBlockDocs + kWriteAhead> codes;

  // Whether the set has a document not below `set_begin`.
  bool set_has(std::uint32_t doc) const {
    const std::uint32_t bit = doc - set_begin;
    return bit / 8 < set.size() && (static_cast<std::uint8_t>(set[bit / 8]) >> (bit % 8) & 1) != 0;
  }

  // In which fields a document of the block has the term; its codes must have been read.
  std::span<const FieldCount> fields(std::uint32_t at, const Shapes& shapes) const {
    if (codes[at] != kSpeltOut) return shapes[codes[at]];
    return std::span(spelt_out).subspan(begins[at], begins[at + 1] - begins[at]);
  }
  // The first document from `from` on that is not below `doc`; `size` when there is none.
  std::uint32_t find(std::uint32_t doc, std::uint32_t from = 0) const;
};

// A term's list. Reads nothing outside of its sections, whatever the bytes: PRSE_CORRUPT then.
class PostingList {
 public:
  PostingList() = default;
  // `value` is what `end_term` returned; the sections must outlive it.
  PostingList(std::string_view value, bool with_positions, const PostingSections& sections);

  // How many documents the list has, the dead included.
  std::uint32_t documents() const { return documents_; }
  std::uint32_t blocks() const { return blocks_of(documents_); }
  // Of a list of several blocks; else it has none.
  const BlockTable& table() const { return table_; }
  const Shapes& shapes() const { return *sections_->shapes; }

  void read_block(std::uint32_t block, PostingBlock& out) const;
  // The same without the shapes, which can be read behind it.
  void read_documents(std::uint32_t block, PostingBlock& out) const;
  void read_codes(PostingBlock& out) const;
  // The same of a list with a table, but where the documents are a set of bits they wait until they are read
  // by `read_documents_of_set`: a few can be looked up in the set itself.
  void read_set_or_documents(std::uint32_t block, PostingBlock& out) const;
  void read_documents_of_set(std::uint32_t block, PostingBlock& out) const;
  // The codes and the size alone: what documents it holds stays unknown.
  void read_only_codes(std::uint32_t block, PostingBlock& out) const;
  // Sets the bit of each of its documents; `bits` must have one for every document there is.
  void add_to(std::span<std::uint64_t> bits, PostingBlock& block) const;

 private:
  friend class PositionReader;
  // The parts of a block.
  struct Head {
    std::uint32_t count;
    std::uint32_t before;  // the last document of the block before; one less than 0
    std::uint8_t coding;
    std::uint8_t code_width;
    bool in_ones;
    std::uint32_t least_code;
    std::string_view documents;  // of those that are split, the upper parts
    std::string_view lower;
    std::string_view codes;  // and what is spelt out behind them
  };
  Head read_head(std::uint32_t block) const;
  void read_split(const Head& head, PostingBlock& out) const;
  void read_ones(PostingBlock& out) const;
  void check_codes(const PostingBlock& out) const;
  static void wait_for_codes(const Head& head, PostingBlock& out);
  void read_alone(PostingBlock& out) const;
  void read_alone_positions(std::uint64_t count, std::vector<std::uint32_t>& out) const;
  [[noreturn]] void fail(const char* what) const;

  const PostingSections* sections_ = nullptr;
  std::uint32_t documents_ = 0;
  std::string_view alone_;     // of a term of one document, what follows the first number
  std::string_view list_;      // from the list's beginning on, without what is read ahead
  std::uint64_t positions_begin_ = 0;
  BlockTable table_;
};

// Reads positions of the documents of one block.
class PositionReader {
 public:
  // `block` is that of this number in the list, its codes read. What the sections hold must stay.
  void open(const PostingList& list, std::uint32_t number, const PostingBlock& block);

  // Appends the positions of the block's `at`th document, which has the term in these fields:
  // those of each field after those of the field before.
  void read(std::uint32_t at, std::span<const FieldCount> fields, std::vector<std::uint32_t>& out) const;
  // The numbers of the `at`th document: of each field the first position, then differences.
  const std::uint32_t* numbers(std::uint32_t at) const { return numbers_.data() + begins_[at]; }

 private:
  static constexpr std::uint32_t kPart = 128;
  static_assert(kPart <= kBlockDocs && kPart <= kMostTruncated);
  std::array<std::uint32_t, kBlockDocs + 1> begins_;
  std::vector<std::uint32_t> numbers_;
};

// Walks a list document by document, for what must look at all of them.
class PostingsCursor {
 public:
  explicit PostingsCursor(PostingList list) : list_(list) {}

  std::uint32_t documents() const { return list_.documents(); }
  // Moves to the next document; false at the end. A new cursor stands before the first.
  bool next();
  // Moves to the first document from the current one on that is not below `doc`.
  bool seek(std::uint32_t doc);
  std::uint32_t doc() const { return block_.docs[at_]; }
  // Of the current document; valid until it moves.
  std::span<const FieldCount> fields() const { return block_.fields(at_, list_.shapes()); }
  // Appends the positions of each field, one after the other, in the order of `fields`.
  void positions(std::vector<std::uint32_t>& out);

 private:
  PostingList list_;
  std::uint32_t next_block_ = 0;
  std::uint32_t at_ = 0;
  PostingBlock block_;
  PositionReader positions_;
  bool positions_open_ = false;
};

}  // namespace prse
