#include "conjunction.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <span>

#include "contenders.h"
#include "length_limits.h"
#include "prober.h"
#include "windows.h"

namespace prse {
namespace {

class Conjunction {
 public:
  Conjunction(SegmentSearch& search, Proximity& proximity, TopHits& top)
      : search_(search),
        proximity_(proximity),
        top_(top),
        limits_(*search.view->segment, *search.scorer),
        most_of_others_(proximity.most()),
        contenders_(search, proximity, top) {
    lead_ = search.words.size();
    for (std::size_t w = 0; w < search.words.size(); ++w) {
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
    for (Prober& prober : probers_) rarest_first_.push_back(&prober);
    std::stable_sort(rarest_first_.begin(), rarest_first_.end(), [](const Prober* a, const Prober* b) {
      return a->documents() < b->documents();
    });
    for (std::size_t w = 0; w < search.words.size(); ++w) {
      sources_[w] = proximity.sources(w) == 1 ? proximity.first_source(w) : Proximity::kNoSource;
    }
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
      if (!wants(entry.bound)) break;
      take(entry, lists[entry.list]);
    }
    contenders_.settle();
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

  float worst() const { return contenders_.worst(); }
  bool wants(double score) const { return contenders_.wants(score); }

  void push(std::uint32_t list, std::uint32_t number, Step step, double bound) {
    if (wants(bound)) queue_.push_back({bound, list, number, step});
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
      if (!wants(narrowed)) return;
    }
    visit(list, entry.number, of_others);
  }

  // Of the block's documents those that could win, then of these the ones that have all words.
  void visit(const WordList& list, std::uint32_t number, double of_others) {
    list.list.read_documents(number, block_);
    std::size_t count = block_.size;
    double least = least_worth(of_others);
    // Looking documents up takes more than telling which are worth enough, where those are few. With nearness,
    // which may add as much as a word, they are not.
    if ((least > 0 && proximity_.empty()) || rarest_first_.empty()) {
      list.list.read_codes(block_);
      count = limits_.pass(block_, 0, block_.size, list.least_weighted(least), places_.data());
      if (count == 0) return;
    } else {
      std::iota(places_.begin(), places_.begin() + static_cast<std::ptrdiff_t>(count), 0);
    }
    for (Prober& prober : probers_) prober.begin();
    if (!rarest_first_.empty()) {
      for (std::size_t k = 0; k < count; ++k) docs_[k] = block_.docs[places_[k]];
      for (Prober* prober : rarest_first_) {
        count = prober->keep(docs_.data(), places_.data(), count);
        if (count == 0) return;
      }
    }
    list.list.read_codes(block_);
    float before = worst();
    for (std::size_t k = 0; k < count; ++k) {
      const std::uint32_t i = places_[k];
      const std::uint32_t doc = block_.docs[i];
      const double worth = worth_at(list, *search_.scorer, block_, i);
      if (worth < least || !search_.view->alive(doc)) continue;
      consider(doc, worth, {number, i});
      if (worst() == before) continue;
      before = worst();
      least = least_worth(of_others);
    }
  }

  // The least worth of the leading word with which a document could still be among the best.
  double least_worth(double of_others) const {
    const float least = worst();
    if (least == -std::numeric_limits<float>::infinity()) return 0;
    return (static_cast<double>(least) / kSlack - of_others) / idf_;
  }

  // Adds up what the words are worth. Nearness costs more: it waits until all others are known, which
  // may be worth enough without it.
  void consider(std::uint32_t doc, double worth_of_lead, Spot of_lead) {
    worths_[lead_] = worth_of_lead;
    for (std::size_t i = 0; i < others_.size(); ++i) {
      const double worth = probers_[i].worth(doc);
      if (worth == 0) return;
      worths_[others_[i]] = worth;
    }
    double sum = 0;
    for (std::size_t w = 0; w < search_.words.size(); ++w) sum += (*search_.idf)[w] * worths_[w];
    if (!wants(sum + proximity_.most())) return;
    if (!once_ || proximity_.empty()) {
      offer(doc, sum);
      return;
    }
    const std::span<Spot> spots = contenders_.add(doc, sum);
    if (sources_[lead_] != Proximity::kNoSource) spots[sources_[lead_]] = of_lead;
    for (std::size_t i = 0; i < others_.size(); ++i) {
      const std::size_t w = others_[i];
      if (sources_[w] == Proximity::kNoSource) continue;
      spots[sources_[w]] = worths_[w] > 0 ? probers_[i].spot() : Spot{Spot::kAbsent};
    }
  }

  void offer(std::uint32_t doc, double sum) {
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
  std::vector<Prober*> rarest_first_;
  double most_of_others_;
  std::vector<Entry> queue_;
  PostingBlock block_;
  // Of its documents those that still may have all words, and their places in the block.
  std::array<std::uint32_t, kBlockDocs> docs_;
  std::array<std::uint32_t, kBlockDocs> places_;
  std::array<double, kMostPrunedWords> worths_;
  Contenders contenders_;
  std::array<std::size_t, kMostPrunedWords> sources_;  // of the proximity, by word that has one alone
};

}  // namespace

void find_all(SegmentSearch& search, Proximity& proximity, TopHits& top) {
  for (const WordLists& word : search.words) {
    if (word.lists.empty()) return;
  }
  if (suits_windows(search)) {
    find_all_in_windows(search, proximity, top);
  } else {
    Conjunction(search, proximity, top).run();
  }
}

}  // namespace prse
