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
  list.read_documents(number, block);
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
    : words_(std::move(words)),
      by_rarity_(words_.size()),
      shared_(kBlockDocs + kWriteAhead),
      shared_in_other_(kBlockDocs + kWriteAhead) {
  std::iota(by_rarity_.begin(), by_rarity_.end(), 0);
  std::stable_sort(by_rarity_.begin(), by_rarity_.end(), [this](std::uint32_t a, std::uint32_t b) {
    return words_[a].list.documents() < words_[b].list.documents();
  });
}

// Moves the two rarest words to the next blocks that have documents in common; false at the end.
bool PhraseCursor::share_blocks() {
  Word& lead = words_[by_rarity_.front()];
  if (words_.size() == 1) {
    if (!lead.seek(behind_)) return false;
    shared_count_ = lead.block.size - lead.at;
    std::iota(shared_.begin(), shared_.begin() + static_cast<std::ptrdiff_t>(shared_count_), lead.at);
    behind_ = lead.block.docs[lead.block.size - 1] + 1;
    next_shared_ = 0;
    return true;
  }
  Word& other = words_[by_rarity_[1]];
  for (shared_count_ = 0; shared_count_ == 0;) {
    if (!lead.seek(behind_) || !other.seek(lead.doc())) return false;
    const PostingBlock& a = lead.block;
    const PostingBlock& b = other.block;
    const auto shared = [](const Word& one, const Word& two, std::uint32_t* out) {
      const std::size_t count =
          kernels().shared(one.block.docs.data() + one.at, one.block.size - one.at,
                           two.block.docs.data() + two.at, two.block.size - two.at, out);
      for (std::size_t i = 0; i < count; ++i) out[i] += one.at;
      return count;
    };
    shared_count_ = shared(lead, other, shared_.data());
    if (shared_count_ > 0) shared(other, lead, shared_in_other_.data());
    behind_ = std::min(a.docs[a.size - 1], b.docs[b.size - 1]) + 1;
  }
  next_shared_ = 0;
  return true;
}

// Moves all words to the next document that they share and that is not below `doc_`.
bool PhraseCursor::align() {
  Word& lead = words_[by_rarity_.front()];
  while (true) {
    if (next_shared_ == shared_count_) {
      behind_ = std::max(behind_, doc_);
      if (!share_blocks()) return false;
    }
    const std::size_t next = next_shared_++;
    const std::uint32_t doc = lead.block.docs[shared_[next]];
    if (doc < doc_) continue;
    lead.at = shared_[next];
    if (words_.size() > 1) words_[by_rarity_[1]].at = shared_in_other_[next];
    bool all = true;
    for (std::size_t i = 2; all && i < by_rarity_.size(); ++i) {
      Word& word = words_[by_rarity_[i]];
      if (!word.seek(doc)) return false;
      all = word.doc() == doc;
    }
    if (!all) continue;
    doc_ = doc;
    return true;
  }
}

// Of two words that stand in one field, so often each: how often the second follows the first.
std::uint32_t PhraseCursor::count_pairs(std::uint32_t firsts, std::uint32_t seconds) {
  for (Word& word : words_) word.open_positions();
  const std::uint32_t* first = words_[0].positions.numbers(words_[0].at);
  const std::uint32_t* second = words_[1].positions.numbers(words_[1].at);
  const std::uint32_t* const last_first = first + firsts - 1;
  const std::uint32_t* const last_second = second + seconds - 1;
  std::uint32_t times = 0;
  for (std::uint32_t a = *first, b = *second;;) {
    if (b <= a) {
      if (second == last_second) return times;
      b += *++second;
    } else {
      times += b == a + 1 ? 1 : 0;
      if (first == last_first) return times;
      a += *++first;
    }
  }
}

bool PhraseCursor::stands_here() {
  if (words_.size() == 1) {
    words_.front().list.read_codes(words_.front().block);
    fields_.assign(words_.front().fields().begin(), words_.front().fields().end());
    return true;
  }
  fields_.clear();
  for (Word& word : words_) word.list.read_codes(word.block);
  if (words_.size() == 2) {
    // Mostly each stands in one field alone.
    const Shapes& shapes = words_[0].list.shapes();
    const FieldCount a = shapes.single(words_[0].block.codes[words_[0].at]);
    const FieldCount b = shapes.single(words_[1].block.codes[words_[1].at]);
    if (a.times > 0 && b.times > 0) {
      const std::uint32_t times = a.field == b.field ? count_pairs(a.times, b.times) : 0;
      if (times > 0) fields_.push_back({a.field, times});
      return times > 0;
    }
  }
  const auto first = words_.front().fields();
  bool read = false;
  for (const FieldCount& field : first) {
    const bool possible = std::all_of(words_.begin() + 1, words_.end(), [&](const Word& word) {
      const auto fields = word.fields();
      return std::any_of(fields.begin(), fields.end(),
                         [&](const FieldCount& other) { return other.field == field.field; });
    });
    if (!possible) continue;
    for (Word& word : words_) {
      if (read) break;
      word.open_positions();
      word.found.clear();
      word.positions.read(word.at, word.fields(), word.found);
    }
    read = true;
    const std::uint32_t times = count_in_field(field.field);
    if (times > 0) fields_.push_back({field.field, times});
  }
  return !fields_.empty();
}

std::uint32_t PhraseCursor::count_in_field(std::uint32_t field) {
  std::uint32_t times = 0;
  const auto begins = of_field(words_.front().fields(), words_.front().found, field);
  const auto seconds = of_field(words_[1].fields(), words_[1].found, field);
  auto second = seconds.begin();
  for (const std::uint32_t begin : begins) {
    while (second != seconds.end() && *second <= begin) ++second;
    bool complete = second != seconds.end() && *second == begin + 1;
    for (std::uint32_t i = 2; complete && i < words_.size(); ++i) {
      const auto positions = of_field(words_[i].fields(), words_[i].found, field);
      complete = std::binary_search(positions.begin(), positions.end(), begin + i);
    }
    times += complete ? 1 : 0;
  }
  return times;
}

bool PhraseCursor::next() {
  if (!begun_) return seek(0);
  return doc_ < UINT32_MAX && seek(doc_ + 1);
}

bool PhraseCursor::seek(std::uint32_t doc) {
  begun_ = true;
  for (doc_ = doc; align(); ++doc_) {
    if (stands_here()) return true;
  }
  return false;
}

}  // namespace prse
