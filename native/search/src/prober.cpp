#include "prober.h"

#include <algorithm>

namespace prse {
namespace {

// So many documents are sought in a block one by one.
constexpr std::size_t kFew = 6;

bool before(const Worth& entry, std::uint32_t doc) { return entry.doc < doc; }

}  // namespace

Prober::Prober(SegmentSearch& search, std::size_t word)
    : search_(search),
      idf_((*search.idf)[word]),
      documents_(search.words[word].documents),
      short_(read_short_lists(search, search.words[word])) {
  for (const Worth& entry : short_) most_short_ = std::max(most_short_, entry.worth * idf_);
  for (WordList& list : search.words[word].lists) {
    if (list.list.table().blocks() == 0) continue;
    list.prepare_bounds(*search.scorer);
    Long& of = long_.emplace_back();
    of.list = &list;
    of.most = list.worth(list.most()) * idf_ * kSlack;
  }
  // What is found in the first may be worth more than the others can be.
  std::stable_sort(long_.begin(), long_.end(), [](const Long& a, const Long& b) { return a.most > b.most; });
}

double Prober::most() const {
  double most = most_short_ * kSlack;
  for (const Long& of : long_) most = std::max(most, of.most);
  return most;
}

double Prober::most_between(std::uint32_t first, std::uint32_t last) const {
  double most = most_short_ * kSlack;
  for (const Long& of : long_) {
    const BlockTable& table = of.list->list.table();
    const std::uint32_t begin = table.find(first);
    if (begin == table.blocks()) continue;
    const std::uint32_t end = std::min(table.find(last, begin), table.blocks() - 1);
    most = std::max(most, of.list->worth(of.list->most_of_blocks(begin, end)) * idf_ * kSlack);
  }
  return most;
}

void Prober::begin() {
  for (Long& of : long_) {
    of.next = 0;
    of.kept = false;
    of.count = of.current = 0;
    of.at = 0;
  }
}

std::size_t Prober::keep(std::uint32_t* docs, std::uint32_t* numbers, std::size_t count) {
  std::size_t kept = 0;
  if (short_.empty() && long_.size() == 1) {
    kept = find_in(long_.front(), docs, count, places_.data());
  } else {
    kept = find_in_any(docs, count);
  }
  for (std::size_t i = 0; i < kept; ++i) {
    docs[i] = docs[places_[i]];
    numbers[i] = numbers[places_[i]];
  }
  return kept;
}

double Prober::worth(std::uint32_t doc) {
  double best = 0;
  if (!short_.empty()) {
    const auto found = std::lower_bound(short_.begin(), short_.end(), doc, before);
    if (found != short_.end() && found->doc == doc) best = found->worth;
  }
  for (Long& of : long_) {
    if (of.most > best * idf_) best = std::max(best, worth_in(of, doc));
  }
  return best;
}

// Reads the first block from the next one on that may have the document, behind the others; false
// behind the last.
bool Prober::read_on(Long& of, std::uint32_t doc) {
  const PostingList& list = of.list->list;
  const std::uint32_t number = list.table().find(doc, of.next);
  of.next = number;
  if (number == list.table().blocks()) return false;
  of.next = number + 1;
  if (of.count == of.blocks.size()) {
    of.blocks.push_back(std::make_unique<PostingBlock>());
    of.numbers.push_back(0);
  }
  of.numbers[of.count] = number;
  list.read_set_or_documents(number, *of.blocks[of.count++]);
  return true;
}

// Makes the block current that may have the document; false where none of those that are needed does.
bool Prober::stand_at(Long& of, std::uint32_t doc) {
  const BlockTable& table = of.list->list.table();
  while (of.current < of.count && table.last_doc(of.numbers[of.current]) < doc) {
    ++of.current;
    of.at = 0;
  }
  if (of.current < of.count) return true;
  if (of.kept) return false;
  of.count = of.current = 0;
  of.at = 0;
  return read_on(of, doc);
}

// The places of those documents that a block has.
std::size_t Prober::find_in_block(const PostingBlock& block, const std::uint32_t* docs, std::size_t count,
                                  std::uint32_t* places) {
  std::size_t found = 0;
  if (block.documents_wait) {
    // Without a branch that could be guessed wrongly.
    for (std::uint32_t i = 0; i < count; ++i) {
      places[found] = i;
      found += block.set_has(docs[i]) ? 1 : 0;
    }
    return found;
  }
  if (count >= kFew) return kernels().shared(docs, count, block.docs.data(), block.size, places);
  std::uint32_t at = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    at = block.find(docs[i], at);
    if (block.docs[at] == docs[i]) places[found++] = i;
  }
  return found;
}

// The places of those documents that a list has.
std::size_t Prober::find_in(Long& of, const std::uint32_t* docs, std::size_t count, std::uint32_t* places) {
  of.kept = true;
  const BlockTable& table = of.list->list.table();
  std::size_t found = 0;
  for (std::size_t i = 0; i < count && read_on(of, docs[i]);) {
    const std::uint32_t last = table.last_doc(of.numbers[of.count - 1]);
    const auto end = static_cast<std::size_t>(std::upper_bound(docs + i, docs + count, last) - docs);
    std::uint32_t* const out = places + found;
    const std::size_t here = find_in_block(*of.blocks[of.count - 1], docs + i, end - i, out);
    for (std::size_t k = 0; k < here; ++k) out[k] += static_cast<std::uint32_t>(i);
    if (here == 0) --of.count;  // it is not needed
    found += here;
    i = end;
  }
  return found;
}

std::size_t Prober::find_in_any(const std::uint32_t* docs, std::size_t count) {
  std::array<bool, kBlockDocs> any{};
  for (Long& of : long_) {
    const std::size_t found = find_in(of, docs, count, places_.data());
    for (std::size_t i = 0; i < found; ++i) any[places_[i]] = true;
  }
  auto entry = short_.begin();
  for (std::size_t i = 0; i < count && entry != short_.end(); ++i) {
    if (any[i]) continue;
    entry = std::lower_bound(entry, short_.end(), docs[i], before);
    any[i] = entry != short_.end() && entry->doc == docs[i];
  }
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (any[i]) places_[found++] = static_cast<std::uint32_t>(i);
  }
  return found;
}

double Prober::worth_in(Long& of, std::uint32_t doc) const {
  if (!stand_at(of, doc)) return 0;
  PostingBlock& block = *of.blocks[of.current];
  const PostingList& list = of.list->list;
  list.read_documents_of_set(of.numbers[of.current], block);
  of.at = block.find(doc, of.at);
  if (block.docs[of.at] != doc) return 0;
  list.read_codes(block);
  return worth_at(*of.list, *search_.scorer, block, of.at);
}

}  // namespace prse
