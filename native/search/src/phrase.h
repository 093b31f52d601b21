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
  // Moves to the first such document that is not below `doc`.
  bool seek(std::uint32_t doc);
  std::uint32_t doc() const { return cursors_.front().doc(); }
  // In which fields, and how often.
  std::span<const PostingsCursor::FieldCount> fields() const { return fields_; }

 private:
  explicit PhraseCursor(std::vector<PostingsCursor> cursors);
  bool align();
  void count_in_document();

  std::vector<PostingsCursor> cursors_;  // in the order of the words
  std::size_t rarest_ = 0;               // the one that leads
  std::vector<PostingsCursor::FieldCount> fields_;
  // Of the current document, by word: reused, since most documents have no phrase.
  std::vector<std::vector<std::uint32_t>> positions_;
  std::vector<std::span<const std::uint32_t>> spans_;
};

}  // namespace prse
