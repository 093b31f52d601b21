// Finds words that stand side by side within one value of a field.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "postings.h"
#include "segment.h"

namespace prse {

class PhraseCursor {
 public:
  // Null when one of the words is not in the segment.
  static std::optional<PhraseCursor> open(const Segment& segment,
                                          std::span<const std::string> terms);

  // Moves to the next document that bears the phrase, whether alive or dead.
  bool next();
  // Moves to the first such document from the current one on that is not below `doc`.
  bool seek(std::uint32_t doc);
  std::uint32_t doc() const { return doc_; }
  // In which fields, and how often.
  std::span<const FieldCount> fields() const { return fields_; }
  // The same of one of the words by itself, wherever it stands in the document.
  std::span<const FieldCount> fields_of_word(std::uint32_t place) const { return words_[place].fields(); }

 private:
  // One of the words, with the block of its list in which the search stands.
  struct Word {
    explicit Word(PostingList of_word) : list(of_word) {}
    bool seek(std::uint32_t doc);
    void load(std::uint32_t number);
    std::uint32_t doc() const { return block.docs[at]; }
    std::span<const FieldCount> fields() const { return block.fields(at, list.shapes()); }
    void open_positions();

    PostingList list;
    std::uint32_t next_block = 0;
    std::uint32_t at = 0;
    bool positions_open = false;
    PostingBlock block;
    PositionReader positions;
    std::vector<std::uint32_t> found;  // positions in the current document, by field
  };

  explicit PhraseCursor(std::vector<Word> words);
  bool share_blocks();
  bool align();
  bool stands_here();
  std::uint32_t count_pairs(std::uint32_t firsts, std::uint32_t seconds);
  std::uint32_t count_in_field(std::uint32_t field);

  std::vector<Word> words_;              // in the order of the phrase
  std::vector<std::uint32_t> by_rarity_;  // their places, the rarest first: that one leads
  // The documents that the current blocks of the leading word and of the next one share: their places in
  // either, and which of them is next.
  std::vector<std::uint32_t> shared_;
  std::vector<std::uint32_t> shared_in_other_;
  std::size_t shared_count_ = 0;
  std::size_t next_shared_ = 0;
  std::uint32_t behind_ = 0;  // the first document that neither of the two blocks holds
  std::uint32_t doc_ = 0;
  bool begun_ = false;
  std::vector<FieldCount> fields_;
};

}  // namespace prse
