#include "phrase.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace prse {
namespace {

// Of the positions of all fields, those of one.
std::span<const std::uint32_t> of_field(std::span<const FieldCount> fields,
                                        std::span<const std::uint32_t> positions,
                                        std::uint32_t wanted) {
  std::size_t begin = 0;
  for (const FieldCount& field : fields) {
    if (field.field == wanted) return positions.subspan(begin, field.times);
    begin += field.times;
  }
  return {};
}

}  // namespace

void PhraseCursor::Word::load(std::uint32_t number) {
  list.read_block(number, block);
  next_block = number + 1;
  at = 0;
  positions_open = false;
}

// From the current document on; false at the end.
bool PhraseCursor::Word::seek(std::uint32_t doc) {
  if (next_block == 0 || block.docs[block.size - 1] < doc) {
    std::uint32_t number = next_block;
    if (list.table().blocks() > 0) number = list.table().find(doc, number);
    if (number == list.blocks()) return false;
    load(number);
    if (block.docs[block.size - 1] < doc) return false;  // a list of one block has no table
  }
  at = block.find(doc, at);
  return true;
}

void PhraseCursor::Word::open_positions() {
  if (!positions_open) positions.open(list, next_block - 1, block);
  positions_open = true;
}

std::optional<PhraseCursor> PhraseCursor::open(const Segment& segment,
                                               std::span<const std::string> terms) {
  segment.verify_positions();
  std::vector<Word> words;
  words.reserve(terms.size());
  for (const std::string& term : terms) {
    const std::string key = kWordKey + term;
    const auto found = segment.terms().find(key);
    if (!found.valid()) return std::nullopt;
    words.emplace_back(segment.postings(key, found.value()));
  }
  return PhraseCursor(std::move(words));
}

PhraseCursor::PhraseCursor(std::vector<Word> words)
    : words_(std::move(words)), by_rarity_(words_.size()) {
  std::iota(by_rarity_.begin(), by_rarity_.end(), 0);
  std::stable_sort(by_rarity_.begin(), by_rarity_.end(), [this](std::uint32_t a, std::uint32_t b) {
    return words_[a].list.documents() < words_[b].list.documents();
  });
}

// From where the rarest stands, moves all to the next document that all share.
bool PhraseCursor::align() {
  Word& lead = words_[by_rarity_.front()];
  while (true) {
    doc_ = lead.doc();
    std::uint32_t next = doc_;
    for (std::size_t i = 1; next == doc_ && i < by_rarity_.size(); ++i) {
      Word& word = words_[by_rarity_[i]];
      if (!word.seek(doc_)) return false;
      next = word.doc();
    }
    if (next == doc_) return true;
    if (!lead.seek(next)) return false;
  }
}

// Where each word stands once in the document, and in the same field, which is most often so:
// whether it is the right distance.
bool PhraseCursor::once_each() {
  const FieldCount first = words_.front().fields().front();
  std::uint32_t begin = 0;
  for (std::uint32_t i = 0; i < words_.size(); ++i) {
    Word& word = words_[i];
    const std::uint32_t position = word.positions.one(word.positions.begin(word.at));
    if (i == 0) begin = position;
    if (position != begin + i) return false;
  }
  fields_.push_back({first.field, 1});
  return true;
}

bool PhraseCursor::stands_here() {
  fields_.clear();
  bool simple = true;
  bool possible = false;
  for (const FieldCount& field : words_.front().fields()) {
    possible = possible || std::all_of(words_.begin() + 1, words_.end(), [&](const Word& word) {
      const auto fields = word.fields();
      return std::any_of(fields.begin(), fields.end(),
                         [&](const FieldCount& other) { return other.field == field.field; });
    });
  }
  if (!possible) return false;
  for (Word& word : words_) {
    word.open_positions();
    simple = simple && word.fields().size() == 1 && word.fields().front().times == 1;
  }
  if (simple) return once_each();
  count_in_document();
  return !fields_.empty();
}

void PhraseCursor::count_in_document() {
  for (Word& word : words_) {
    word.found.clear();
    word.positions.read(word.at, word.fields(), word.found);
  }
  for (const FieldCount& field : words_.front().fields()) {
    std::uint32_t times = 0;
    for (const std::uint32_t begin :
         of_field(words_.front().fields(), words_.front().found, field.field)) {
      bool complete = true;
      for (std::uint32_t i = 1; complete && i < words_.size(); ++i) {
        const auto positions = of_field(words_[i].fields(), words_[i].found, field.field);
        complete = std::binary_search(positions.begin(), positions.end(), begin + i);
      }
      times += complete ? 1 : 0;
    }
    if (times > 0) fields_.push_back({field.field, times});
  }
}

bool PhraseCursor::next() {
  if (!begun_) return seek(0);
  return doc_ < UINT32_MAX && seek(doc_ + 1);
}

bool PhraseCursor::seek(std::uint32_t doc) {
  begun_ = true;
  while (words_[by_rarity_.front()].seek(doc) && align()) {
    if (stands_here()) return true;
    if (doc_ == UINT32_MAX) return false;
    doc = doc_ + 1;
  }
  return false;
}

}  // namespace prse
