#include "disjunction.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <utility>

namespace prse {
namespace {

constexpr std::uint32_t kWindowBits = 10;
constexpr std::uint32_t kWindow = 1U << kWindowBits;

class Disjunction {
 public:
  Disjunction(SegmentSearch& search, Proximity& proximity, TopHits& top)
      : search_(search),
        proximity_(proximity),
        top_(top),
        windows_((search.view->segment->documents() + kWindow - 1) >> kWindowBits),
        bounds_(windows_) {
    for (std::size_t w = 0; w < search.words.size(); ++w) add_word(w);
  }

  void run() {
    struct Entry {
      double bound;
      std::uint32_t window;
      bool operator<(const Entry& other) const { return bound < other.bound; }
    };
    std::vector<Entry> queue;
    for (std::uint32_t i = 0; i < windows_; ++i) {
      if (bounds_[i] > 0) queue.push_back({bounds_[i] + proximity_.most(), i});
    }
    std::make_heap(queue.begin(), queue.end());
    while (!queue.empty() && top_.wants(static_cast<float>(queue.front().bound))) {
      visit(queue.front().window);
      std::pop_heap(queue.begin(), queue.end());
      queue.pop_back();
    }
  }

 private:
  struct Word {
    std::size_t number = 0;
    double idf = 0;
    std::vector<Worth> short_lists;
    std::vector<std::uint32_t> starts;   // those of window i from starts[i] on
    std::vector<const WordList*> long_lists;
    std::vector<double> bounds;          // by window: of the score
    std::array<double, kWindow> worths;  // in the window that is visited; 0 where it is not
  };

  void add_word(std::size_t number) {
    words_.push_back(std::make_unique<Word>());
    Word& word = *words_.back();
    word.number = number;
    word.idf = (*search_.idf)[number];
    word.worths.fill(0);
    word.bounds.resize(windows_);
    word.short_lists = read_short_lists(search_, search_.words[number]);
    word.starts.resize(windows_ + 1);
    for (const Worth& entry : word.short_lists) {
      const std::uint32_t window = entry.doc >> kWindowBits;
      ++word.starts[window + 1];
      word.bounds[window] = std::max(word.bounds[window], entry.worth);
    }
    for (std::uint32_t i = 0; i < windows_; ++i) word.starts[i + 1] += word.starts[i];
    for (WordList& list : search_.words[number].lists) {
      const BlockTable& table = list.list.table();
      if (table.blocks() == 0) continue;
      list.prepare_bounds(*search_.scorer);
      word.long_lists.push_back(&list);
      std::uint32_t first = 0;
      for (std::uint32_t block = 0; block < table.blocks(); ++block) {
        const double bound = list.worth(list.most_of_block(block));
        const std::uint32_t last = std::min(table.last_doc(block) >> kWindowBits, windows_ - 1);
        for (std::uint32_t i = first; i <= last; ++i) {
          word.bounds[i] = std::max(word.bounds[i], bound);
        }
        first = (table.last_doc(block) + 1) >> kWindowBits;
      }
    }
    for (std::uint32_t i = 0; i < windows_; ++i) {
      word.bounds[i] *= word.idf * kSlack;
      bounds_[i] += word.bounds[i];
    }
  }

  void visit(std::uint32_t window) {
    begin_ = window << kWindowBits;
    end_ = std::min(begin_ + kWindow, search_.view->segment->documents());
    by_bound_.clear();
    double rest = proximity_.most();
    for (const auto& word : words_) {
      if (word->bounds[window] == 0) continue;
      by_bound_.push_back(word.get());
      rest += word->bounds[window];
    }
    std::sort(by_bound_.begin(), by_bound_.end(), [=](const Word* a, const Word* b) {
      return a->bounds[window] > b->bounds[window];
    });
    for (Word* word : by_bound_) {
      rest_ = std::max(0.0, rest - word->bounds[window]);
      // Whether a document that has none of the words so far can still win.
      open_ = top_.wants(static_cast<float>(rest));
      for (const WordList* list : word->long_lists) take_list(*word, *list);
      const auto begin = word->short_lists.begin();
      for (auto entry = begin + word->starts[window]; entry != begin + word->starts[window + 1]; ++entry) {
        const std::uint32_t at = entry->doc - begin_;
        if (open_ || is_touched(at)) take(*word, at, entry->worth);
      }
      rest = rest_;
      if (!any_touched() && !top_.wants(static_cast<float>(rest))) break;
    }
    rank();
  }

  void take_list(Word& word, const WordList& list) {
    const BlockTable& table = list.list.table();
    const SegmentScorer& scorer = *search_.scorer;
    const Shapes& shapes = list.list.shapes();
    std::uint32_t first = begin_;
    for (std::uint32_t number = table.find(begin_); number < table.blocks() && first < end_; ++number) {
      const std::uint32_t last = std::min(table.last_doc(number), end_ - 1);
      const double bound = list.worth(list.most_of_block(number)) * word.idf * kSlack;
      const bool open = open_ && top_.wants(static_cast<float>(bound + rest_));
      if (!open && !any_touched(first - begin_, last - begin_)) {
        first = last + 1;
        continue;
      }
      list.list.read_block(number, block_);
      // What only this word has must be worth this much.
      const double least = open ? least_weighted(list, word.idf) : 0;
      for (std::uint32_t i = block_.find(first); i < block_.size && block_.docs[i] <= last; ++i) {
        const std::uint32_t doc = block_.docs[i];
        const bool touched = is_touched(doc - begin_);
        if (!touched && !open) continue;
        const FieldCount single = shapes.single(block_.codes[i]);
        const double weighted = single.times > 0 ? scorer.weighted(doc, single.field, single.times)
                                                 : scorer.sum(doc, block_.fields(i, shapes));
        if ((!touched && weighted < least) || !search_.view->alive(doc)) continue;
        take(word, doc - begin_, list.worth(weighted));
      }
      first = last + 1;
    }
  }

  double least_weighted(const WordList& list, double idf) const {
    if (!top_.full()) return 0;
    return list.least_weighted((static_cast<double>(top_.worst()) / kSlack - rest_) / idf);
  }

  void take(Word& word, std::uint32_t at, double worth) {
    touched_[at / 64] |= std::uint64_t{1} << (at % 64);
    word.worths[at] = std::max(word.worths[at], worth);
  }

  bool is_touched(std::uint32_t at) const { return (touched_[at / 64] >> (at % 64) & 1) != 0; }
  bool any_touched() const {
    return std::any_of(touched_.begin(), touched_.end(), [](std::uint64_t bits) { return bits != 0; });
  }
  // Between the two, both included; roughly: to the borders of words of 64.
  bool any_touched(std::uint32_t first, std::uint32_t last) const {
    return std::any_of(touched_.begin() + first / 64, touched_.begin() + last / 64 + 1,
                       [](std::uint64_t bits) { return bits != 0; });
  }

  // Adds up, in the order of the query's words, and leaves all as it was before the window.
  void rank() {
    for (std::uint32_t at64 = 0; at64 < touched_.size(); ++at64) {
      for (std::uint64_t left = std::exchange(touched_[at64], 0); left != 0; left &= left - 1) {
        const std::uint32_t at = at64 * 64 + static_cast<std::uint32_t>(std::countr_zero(left));
        double sum = 0;
        for (const auto& word : words_) {
          if (word->worths[at] > 0) sum += word->idf * word->worths[at];
          word->worths[at] = 0;
        }
        if (!top_.wants(static_cast<float>(sum + proximity_.most()))) continue;
        const auto score = static_cast<float>(sum + proximity_.of(begin_ + at));
        if (top_.wants(score)) top_.offer(search_.hit(begin_ + at, score));
      }
    }
  }

  SegmentSearch& search_;
  Proximity& proximity_;
  TopHits& top_;
  std::uint32_t windows_;
  std::vector<double> bounds_;  // by window
  std::vector<std::unique_ptr<Word>> words_;
  std::vector<Word*> by_bound_;
  // Of the window that is visited.
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  double rest_ = 0;   // what the words after this one can add
  bool open_ = true;
  std::array<std::uint64_t, kWindow / 64> touched_{};  // a bit for each document that has any word
  PostingBlock block_;
};

}  // namespace

void find_any(SegmentSearch& search, Proximity& proximity, TopHits& top) {
  if (search.view->segment->documents() > 0) Disjunction(search, proximity, top).run();
}

}  // namespace prse
