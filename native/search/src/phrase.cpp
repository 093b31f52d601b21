#include "phrase.h"

#include <algorithm>
#include <array>
#include <utility>

namespace prse {
namespace {

// Positions by field of the current document, of one word of the phrase.
using FieldPositions = std::array<std::span<const std::uint32_t>, kMostFields>;

FieldPositions split_by_field(std::span<const PostingsCursor::FieldCount> fields,
                              std::span<const std::uint32_t> positions) {
  FieldPositions split;
  std::size_t begin = 0;
  for (const auto& field : fields) {
    split[field.field] = positions.subspan(begin, field.times);
    begin += field.times;
  }
  return split;
}

}  // namespace

std::optional<PhraseCursor> PhraseCursor::open(const Segment& segment,
                                               std::span<const std::string> terms) {
  std::vector<PostingsCursor> cursors;
  for (const std::string& term : terms) {
    const auto found = segment.terms().find(kWordKey + term);
    if (!found.valid()) return std::nullopt;
    cursors.push_back(segment.postings(found.value()));
  }
  return PhraseCursor(std::move(cursors));
}

// Moves all cursors to the next document that the first stands at or behind, and all share.
bool PhraseCursor::align() {
  std::uint32_t doc = cursors_.front().doc();
  for (std::size_t agreeing = 0, i = 0; agreeing < cursors_.size(); i = (i + 1) % cursors_.size()) {
    if (!cursors_[i].seek(doc)) return false;
    if (cursors_[i].doc() == doc) {
      ++agreeing;
    } else {
      doc = cursors_[i].doc();
      agreeing = 1;
    }
  }
  return true;
}

void PhraseCursor::count_in_document() {
  fields_.clear();
  std::vector<std::vector<std::uint32_t>> positions(cursors_.size());
  std::vector<FieldPositions> by_field;
  for (std::size_t i = 0; i < cursors_.size(); ++i) {
    cursors_[i].positions(positions[i]);
    by_field.push_back(split_by_field(cursors_[i].fields(), positions[i]));
  }
  for (const auto& field : cursors_.front().fields()) {
    std::uint32_t times = 0;
    for (const std::uint32_t begin : by_field[0][field.field]) {
      bool complete = true;
      for (std::uint32_t i = 1; complete && i < by_field.size(); ++i) {
        const auto& places = by_field[i][field.field];
        complete = std::binary_search(places.begin(), places.end(), begin + i);
      }
      times += complete ? 1 : 0;
    }
    if (times > 0) fields_.push_back({field.field, times});
  }
}

bool PhraseCursor::next() {
  while (cursors_.front().next() && align()) {
    count_in_document();
    if (!fields_.empty()) return true;
  }
  return false;
}

bool PhraseCursor::seek(std::uint32_t doc) {
  if (!cursors_.front().seek(doc) || !align()) return false;
  count_in_document();
  return !fields_.empty() || next();
}

}  // namespace prse
