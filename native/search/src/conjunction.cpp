#include "conjunction.h"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <numeric>

#include "length_limits.h"

namespace prse {
namespace {

// So many documents are sought in a block one by one.
constexpr std::size_t kFew = 6;

// Looks single documents up in one word's lists.
class Prober {
 public:
  Prober(SegmentSearch& search, std::size_t word)
      : search_(search), idf_((*search.idf)[word]), documents_(search.words[word].documents), short_(read_short_lists(search, search.words[word])) {
    for (const Worth& entry : short_) most_short_ = std::max(most_short_, entry.worth * idf_);
    for (WordList& list : search.words[word].lists) {
      if (list.list.table().blocks() == 0) continue;
      list.prepare_bounds(*search.scorer);
      long_.push_back({&list, list.worth(list.most()) * idf_ * kSlack, 0, nullptr});
    }
  }

  // How many documents its lists have, those in several of them counted several times.
  std::uint64_t documents() const { return documents_; }
  // The most it can add to a score, anywhere or between two documents.
  double most() const {
    double most = most_short_ * kSlack;
    for (const Long& of : long_) most = std::max(most, of.most);
    return most;
  }
  double most_between(std::uint32_t first, std::uint32_t last) const {
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

  // Of so many documents, ascending, with a number for each: keeps those that have the word, and
  // returns how many.
  std::size_t keep(std::uint32_t* docs, std::uint32_t* numbers, std::size_t count) {
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

  // What it is worth in a document, without the idf; 0 where it is not there.
  double worth(std::uint32_t doc) {
    double best = 0;
    if (!short_.empty()) {
      const auto found = std::lower_bound(short_.begin(), short_.end(), doc, before);
      if (found != short_.end() && found->doc == doc) best = found->worth;
    }
    for (Long& of : long_) best = std::max(best, worth_in(of, doc));
    return best;
  }

 private:
  struct Long {
    WordList* list;
    double most;
    std::uint32_t at;                     // in the block
    std::unique_ptr<PostingBlock> block;  // the one that was read last
    std::uint32_t number = 0;
  };

  // Reads the first block from the current one on, or from the first where it lies before, that
  // may have the document. False behind the last.
  bool stand_at(Long& of, std::uint32_t doc) {
    const bool read = of.block != nullptr;
    if (read && doc >= of.block->docs[0] && doc <= of.block->docs[of.block->size - 1]) return true;
    const PostingList& list = of.list->list;
    const bool behind = read && doc > of.block->docs[0];
    const std::uint32_t number = list.table().find(doc, behind ? of.number + 1 : 0);
    if (number == list.table().blocks()) return false;
    if (!read) of.block = std::make_unique<PostingBlock>();
    if (!read || number != of.number) {
      of.number = number;
      list.read_documents(number, *of.block);
    }
    of.at = 0;
    return true;
  }

  // The places of those documents that a list has.
  std::size_t find_in(Long& of, const std::uint32_t* docs, std::size_t count, std::uint32_t* places) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < count && stand_at(of, docs[i]);) {
      const PostingBlock& block = *of.block;
      const auto end = static_cast<std::size_t>(
          std::upper_bound(docs + i, docs + count, block.docs[block.size - 1]) - docs);
      std::uint32_t* const out = places + found;
      std::size_t here = 0;
      if (end - i < kFew) {
        std::uint32_t at = 0;
        for (std::size_t k = i; k < end; ++k) {
          at = block.find(docs[k], at);
          if (block.docs[at] == docs[k]) out[here++] = static_cast<std::uint32_t>(k - i);
        }
      } else {
        here = kernels().shared(docs + i, end - i, block.docs.data(), block.size, out);
      }
      for (std::size_t k = 0; k < here; ++k) out[k] += static_cast<std::uint32_t>(i);
      found += here;
      i = end;
    }
    return found;
  }

  std::size_t find_in_any(const std::uint32_t* docs, std::size_t count) {
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

  double worth_in(Long& of, std::uint32_t doc) {
    if (!stand_at(of, doc)) return 0;
    PostingBlock& block = *of.block;
    of.at = block.find(doc, block.docs[of.at] <= doc ? of.at : 0);
    if (of.at == block.size) return of.at = 0;
    if (block.docs[of.at] != doc) return 0;
    const PostingList& list = of.list->list;
    list.read_codes(block);
    return of.list->worth(weighted_at(*search_.scorer, block, of.at, list.shapes()));
  }

  static bool before(const Worth& entry, std::uint32_t doc) { return entry.doc < doc; }

  SegmentSearch& search_;
  double idf_;
  std::uint64_t documents_;
  std::vector<Worth> short_;
  double most_short_ = 0;
  std::vector<Long> long_;
  std::array<std::uint32_t, kBlockDocs + kWriteAhead> places_;
};

class Conjunction {
 public:
  Conjunction(SegmentSearch& search, Proximity& proximity, TopHits& top)
      : search_(search), proximity_(proximity), top_(top), limits_(*search.view->segment, *search.scorer), most_of_others_(proximity.most()) {
    lead_ = search.words.size();
    for (std::size_t w = 0; w < search.words.size(); ++w) {
      if (search.words[w].optional) continue;
      if (lead_ == search.words.size() || search.words[w].documents < search.words[lead_].documents) lead_ = w;
    }
    probers_.reserve(search.words.size());
    for (std::size_t w = 0; w < search.words.size(); ++w) {
      if (w == lead_) continue;
      others_.push_back(w);
      probers_.emplace_back(search, w);
      most_of_others_ += probers_.back().most();
    }
    idf_ = (*search.idf)[lead_];
    for (std::size_t i = 0; i < others_.size(); ++i) {
      if (!search.words[others_[i]].optional) demanded_.push_back(&probers_[i]);
    }
    std::stable_sort(demanded_.begin(), demanded_.end(), [](const Prober* a, const Prober* b) {
      return a->documents() < b->documents();
    });
  }

  void run() {
    std::vector<WordList>& lists = search_.words[lead_].lists;
    once_ = lists.size() == 1;
    for (const WordList& list : lists) {
      if (list.list.table().blocks() == 0) visit(list, 0, most_of_others_);
    }
    for (std::uint32_t i = 0; i < lists.size(); ++i) {
      if (lists[i].list.table().blocks() == 0) continue;
      lists[i].prepare_bounds(*search_.scorer);
      for (std::uint32_t group = 0; group < groups_of(lists[i].list.blocks()); ++group) {
        push(i, group, Step::kGroup, bound(lists[i], lists[i].most_of_group(group)) + most_of_others_);
      }
    }
    std::make_heap(queue_.begin(), queue_.end());
    while (!queue_.empty()) {
      std::pop_heap(queue_.begin(), queue_.end());
      const Entry entry = queue_.back();
      queue_.pop_back();
      if (!top_.wants(static_cast<float>(entry.bound))) return;
      take(entry, lists[entry.list]);
    }
  }

 private:
  enum class Step : std::uint8_t { kGroup, kBlock, kNarrowed };
  struct Entry {
    double bound;
    std::uint32_t list;
    std::uint32_t number;
    Step step;
    bool operator<(const Entry& other) const { return bound < other.bound; }
  };

  double bound(const WordList& list, double weighted) const {
    return list.worth(weighted) * idf_ * kSlack;
  }

  void push(std::uint32_t list, std::uint32_t number, Step step, double bound) {
    if (top_.wants(static_cast<float>(bound))) queue_.push_back({bound, list, number, step});
  }

  // A group falls apart into its blocks; a block's bound is narrowed by what the other words have
  // between its documents, and then it is visited.
  void take(const Entry& entry, const WordList& list) {
    if (entry.step == Step::kGroup) {
      const std::uint32_t begin = entry.number * kGroupBlocks;
      const std::uint32_t end = std::min(begin + kGroupBlocks, list.list.blocks());
      for (std::uint32_t block = begin; block < end; ++block) {
        const std::size_t before = queue_.size();
        push(entry.list, block, others_.empty() ? Step::kNarrowed : Step::kBlock,
             bound(list, list.most_of_block(block)) + most_of_others_);
        if (queue_.size() > before) std::push_heap(queue_.begin(), queue_.end());
      }
      return;
    }
    double of_others = most_of_others_;
    if (entry.step == Step::kBlock) {
      const BlockTable& table = list.list.table();
      const std::uint32_t first = entry.number == 0 ? 0 : table.last_doc(entry.number - 1) + 1;
      of_others = proximity_.most();
      for (const Prober& prober : probers_) {
        of_others += prober.most_between(first, table.last_doc(entry.number));
      }
      const double narrowed = bound(list, list.most_of_block(entry.number)) + of_others;
      if (!top_.wants(static_cast<float>(narrowed))) return;
    }
    visit(list, entry.number, of_others);
  }

  // Of the block's documents those that have all words, then of these the ones that could win.
  void visit(const WordList& list, std::uint32_t number, double of_others) {
    list.list.read_documents(number, block_);
    std::size_t count = block_.size;
    if (!demanded_.empty()) {
      std::copy_n(block_.docs.begin(), count, docs_.begin());
      std::iota(places_.begin(), places_.begin() + static_cast<std::ptrdiff_t>(count), 0);
      for (Prober* prober : demanded_) {
        count = prober->keep(docs_.data(), places_.data(), count);
        if (count == 0) return;
      }
    }
    list.list.read_codes(block_);
    const SegmentScorer& scorer = *search_.scorer;
    const Shapes& shapes = list.list.shapes();
    double least = least_weighted(list, of_others);
    if (demanded_.empty()) count = limits_.pass(block_, 0, block_.size, least, places_.data());
    float worst = top_.worst();
    for (std::size_t k = 0; k < count; ++k) {
      const std::uint32_t i = places_[k];
      const std::uint32_t doc = block_.docs[i];
      const double weighted = weighted_at(scorer, block_, i, shapes);
      if (weighted < least || !search_.view->alive(doc)) continue;
      offer(doc, list.worth(weighted));
      if (top_.worst() == worst) continue;
      worst = top_.worst();
      least = least_weighted(list, of_others);
    }
  }

  // The least w of the leading word with which a document could still be among the best.
  double least_weighted(const WordList& list, double of_others) const {
    if (!top_.full()) return 0;
    const double wanted = static_cast<double>(top_.worst()) / kSlack - of_others;
    return list.least_weighted(wanted / idf_);
  }

  void offer(std::uint32_t doc, double worth_of_lead) {
    worths_[lead_] = worth_of_lead;
    for (std::size_t i = 0; i < others_.size(); ++i) {
      const double worth = probers_[i].worth(doc);
      if (worth == 0 && !search_.words[others_[i]].optional) return;
      worths_[others_[i]] = worth;
    }
    double sum = 0;
    // In the order in which looking at everything adds them up.
    for (const bool optional : {false, true}) {
      for (std::size_t w = 0; w < search_.words.size(); ++w) {
        if (search_.words[w].optional == optional) sum += (*search_.idf)[w] * worths_[w];
      }
    }
    if (!top_.wants(static_cast<float>(sum + proximity_.most()))) return;
    const auto score = static_cast<float>(sum + proximity_.of(doc));
    if (!top_.wants(score)) return;
    if (once_) {
      top_.offer(search_.hit(doc, score));
    } else {
      top_.offer_once(search_.hit(doc, score));
    }
  }

  SegmentSearch& search_;
  Proximity& proximity_;
  TopHits& top_;
  LengthLimits limits_;
  std::size_t lead_ = 0;
  double idf_ = 0;
  bool once_ = true;  // no document comes twice
  std::vector<std::size_t> others_;
  std::vector<Prober> probers_;   // of the others
  std::vector<Prober*> demanded_;  // of those that must be there, the rarest first
  double most_of_others_;
  std::vector<Entry> queue_;
  PostingBlock block_;
  // Of its documents those that still may have all words, and their places in the block.
  std::array<std::uint32_t, kBlockDocs> docs_;
  std::array<std::uint32_t, kBlockDocs> places_;
  std::array<double, kMostPrunedWords> worths_;
};

}  // namespace

void find_all(SegmentSearch& search, Proximity& proximity, TopHits& top) {
  for (const WordLists& word : search.words) {
    if (word.lists.empty() && !word.optional) return;
  }
  Conjunction(search, proximity, top).run();
}

}  // namespace prse
