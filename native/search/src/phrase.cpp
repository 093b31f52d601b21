#include "phrase.h"

#include <algorithm>
#include <utility>

namespace prse {
namespace {

// Of the positions of all fields, those of one.
std::span<const std::uint32_t> of_field(std::span<const PostingsCursor::FieldCount> fields,
                                        std::span<const std::uint32_t> positions,
                                        std::uint32_t wanted) {
  std::size_t begin = 0;
  for (const auto& field : fields) {
    if (field.field == wanted) return positions.subspan(begin, field.times);
    begin += field.times;
  }
  return {};
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

PhraseCursor::PhraseCursor(std::vector<PostingsCursor> cursors)
    : cursors_(std::move(cursors)), positions_(cursors_.size()), spans_(cursors_.size()) {
  for (std::size_t i = 1; i < cursors_.size(); ++i) {
    if (cursors_[i].documents() < cursors_[rarest_].documents()) rarest_ = i;
  }
}

// Moves all cursors to the next document that the rarest stands at or behind, and all share.
bool PhraseCursor::align() {
  while (true) {
    const std::uint32_t doc = cursors_[rarest_].doc();
    std::uint32_t next = doc;
    for (std::size_t i = 0; next == doc && i < cursors_.size(); ++i) {
      if (!cursors_[i].seek(doc)) return false;
      next = cursors_[i].doc();
    }
    if (next == doc) return true;
    if (!cursors_[rarest_].seek(next)) return false;
  }
}

void PhraseCursor::count_in_document() {
  fields_.clear();
  for (std::size_t i = 0; i < cursors_.size(); ++i) {
    positions_[i].clear();
    cursors_[i].positions(positions_[i]);
  }
  for (const auto& field : cursors_.front().fields()) {
    for (std::size_t i = 0; i < cursors_.size(); ++i) {
      spans_[i] = of_field(cursors_[i].fields(), positions_[i], field.field);
    }
    std::uint32_t times = 0;
    for (const std::uint32_t begin : spans_[0]) {
      bool complete = true;
      for (std::uint32_t i = 1; complete && i < spans_.size(); ++i) {
        complete = std::binary_search(spans_[i].begin(), spans_[i].end(), begin + i);
      }
      times += complete ? 1 : 0;
    }
    if (times > 0) fields_.push_back({field.field, times});
  }
}

bool PhraseCursor::next() {
  while (cursors_[rarest_].next() && align()) {
    count_in_document();
    if (!fields_.empty()) return true;
  }
  return false;
}

bool PhraseCursor::seek(std::uint32_t doc) {
  if (!cursors_[rarest_].seek(doc) || !align()) return false;
  count_in_document();
  return !fields_.empty() || next();
}

}  // namespace prse
