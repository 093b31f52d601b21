#include "windows.h"

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>

#include "contenders.h"

namespace prse {
namespace {

constexpr std::uint32_t kLeastWindow = 4'096;
constexpr std::uint32_t kMostWindow = 32'768;
// So many documents of the rarest word there should be in a window.
constexpr std::uint64_t kEnough = 256;
constexpr std::uint64_t kTooFew = 32;
constexpr std::size_t kMostLists = 64;

std::uint64_t least_documents(const SegmentSearch& search) {
  std::uint64_t least = UINT64_MAX;
  for (const WordLists& word : search.words) {
    least = std::min(least, word.documents);
  }
  return least;
}

std::uint32_t window_of(const SegmentSearch& search) {
  const std::uint64_t documents = search.view->segment->documents();
  const std::uint64_t rarest = std::max<std::uint64_t>(least_documents(search), 1);
  std::uint32_t window = kLeastWindow;
  while (window < kMostWindow && rarest * window < kEnough * documents) window *= 2;
  return window;
}

class Windows {
 public:
  Windows(SegmentSearch& search, Proximity& proximity, TopHits& top)
      : search_(search),
        proximity_(proximity),
        contenders_(search, proximity, top),
        documents_(search.view->segment->documents()),
        window_(window_of(search)),
        marks_(window_),
        places_(window_),
        found_(window_ + 1) {
    for (std::size_t w = 0; w < search.words.size(); ++w) words_.push_back(open(w));
    rarest_first_.resize(words_.size());
    std::iota(rarest_first_.begin(), rarest_first_.end(), 0);
    std::stable_sort(rarest_first_.begin(), rarest_first_.end(), [&](std::size_t a, std::size_t b) {
      return search.words[a].documents < search.words[b].documents;
    });
  }

  void run() {
    struct Entry {
      double bound;
      std::uint32_t window;
    };
    std::vector<Entry> queue;
    for (std::uint32_t window = 0; window < (std::uint64_t{documents_} + window_ - 1) / window_; ++window) {
      const double most = bound(window);
      if (most > 0 && contenders_.wants(most)) queue.push_back({most, window});
    }
    std::stable_sort(queue.begin(), queue.end(), [](const Entry& a, const Entry& b) { return a.bound > b.bound; });
    for (const Entry& entry : queue) {
      if (!contenders_.wants(entry.bound)) break;
      visit(entry.window);
    }
    contenders_.settle();
  }

 private:
  // A list with a table, and its blocks of the window.
  struct Long {
    WordList* list = nullptr;
    std::size_t source = Proximity::kNoSource;  // of the proximity
    std::uint32_t next = 0;  // where the next window's blocks are sought from
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::vector<std::unique_ptr<PostingBlock>> blocks;
  };
  // A document of a list without a table.
  struct Short {
    std::uint32_t doc;
    std::uint32_t at;
    std::size_t source;
    double worth;
  };
  struct Word {
    double idf;
    std::vector<Long> longs;
    std::vector<Short> shorts;  // of all such lists, ascending
    std::vector<double> worths;  // of the window's documents with all words
  };

  Word open(std::size_t number) {
    Word word;
    word.idf = (*search_.idf)[number];
    std::size_t source = proximity_.first_source(number);
    const std::size_t end = source + proximity_.sources(number);
    PostingBlock block;
    // Those that proximity has come first.
    for (WordList& list : search_.words[number].lists) {
      const std::size_t here = source < end ? source++ : Proximity::kNoSource;
      if (list.list.table().blocks() > 0) {
        list.prepare_bounds(*search_.scorer);
        Long& of = word.longs.emplace_back();
        of.list = &list;
        of.source = here;
        continue;
      }
      list.list.read_block(0, block);
      for (std::uint32_t i = 0; i < block.size; ++i) {
        word.shorts.push_back({block.docs[i], i, here, worth_at(list, *search_.scorer, block, i)});
      }
    }
    std::stable_sort(word.shorts.begin(), word.shorts.end(),
                     [](const Short& a, const Short& b) { return a.doc < b.doc; });
    return word;
  }

  std::uint32_t begin_of(std::uint32_t window) const { return window * window_; }
  std::uint32_t end_of(std::uint32_t window) const {
    return documents_ - begin_of(window) > window_ ? begin_of(window) + window_ : documents_;
  }

  std::span<const Short> shorts_of(const Word& word, std::uint32_t window) const {
    const auto before = [](const Short& entry, std::uint32_t doc) { return entry.doc < doc; };
    const auto begin = std::lower_bound(word.shorts.begin(), word.shorts.end(), begin_of(window), before);
    return {begin, std::lower_bound(begin, word.shorts.end(), end_of(window), before)};
  }

  // The most that a document of the window may score; 0 where none can have all words. Windows must ascend.
  double bound(std::uint32_t window) {
    double sum = proximity_.most();
    for (Word& word : words_) {
      double most = 0;
      for (const Short& entry : shorts_of(word, window)) most = std::max(most, entry.worth);
      for (Long& of : word.longs) {
        const BlockTable& table = of.list->list.table();
        of.next = table.find(begin_of(window), of.next);
        if (of.next == table.blocks()) continue;
        const std::uint32_t last = std::min(table.find(end_of(window) - 1, of.next), table.blocks() - 1);
        most = std::max(most, of.list->worth(of.list->most_of_blocks(of.next, last)));
      }
      if (most == 0) return 0;
      sum += most * word.idf * kSlack;
    }
    return sum * kSlack;
  }

  void read_blocks(Long& of, std::uint32_t window) {
    const BlockTable& table = of.list->list.table();
    of.first = table.find(begin_of(window));
    of.count = 0;
    for (std::uint32_t number = of.first; number < table.blocks(); ++number) {
      if (of.count == of.blocks.size()) of.blocks.push_back(std::make_unique<PostingBlock>());
      of.list->list.read_documents(number, *of.blocks[of.count++]);
      if (table.last_doc(number) >= end_of(window) - 1) break;
    }
  }

  // The places of a block's documents that the window has.
  struct Part {
    std::uint32_t begin;
    std::uint32_t end;
  };
  Part part_of(const PostingBlock& block, std::uint32_t window) const {
    const std::uint32_t last = end_of(window) - 1;
    const std::uint32_t begin = block.docs[0] < begin_of(window) ? block.find(begin_of(window)) : 0;
    return {begin, block.docs[block.size - 1] <= last ? block.size : block.find(last + 1, begin)};
  }

  // Marks the documents that have the words before this one, the `number`th, for having it too; of the last
  // one these have all and are written to `found_`.
  template <bool kLast>
  void mark(std::size_t number, std::uint32_t window) {
    const auto before = static_cast<std::uint8_t>(number);
    // In registers, which a byte that is written could otherwise change.
    const std::uint32_t begin = begin_of(window);
    std::uint8_t* const marks = marks_.data();
    std::uint32_t* const found = found_.data();
    std::size_t count = count_;
    const auto see = [begin, marks, found, before, &count](std::uint32_t doc) {
      std::uint8_t& mark = marks[doc - begin];
      const bool goes_on = mark == before;
      mark = static_cast<std::uint8_t>(mark + (goes_on ? 1 : 0));
      if constexpr (kLast) {
        found[count] = doc;
        count += goes_on ? 1 : 0;
      }
    };
    Word& word = words_[rarest_first_[number]];
    for (const Short& entry : shorts_of(word, window)) see(entry.doc);
    for (Long& of : word.longs) {
      read_blocks(of, window);
      for (std::uint32_t b = 0; b < of.count; ++b) {
        const PostingBlock& block = *of.blocks[b];
        const Part part = part_of(block, window);
        for (std::uint32_t i = part.begin; i < part.end; ++i) see(block.docs[i]);
      }
    }
    count_ = count;
  }

  void visit(std::uint32_t window) {
    std::fill(marks_.begin(), marks_.end(), std::uint8_t{0});
    count_ = 0;
    const std::size_t last = rarest_first_.size() - 1;
    for (std::size_t number = 0; number < last; ++number) mark<false>(number, window);
    mark<true>(last, window);
    leave_out_dead(window);
    if (count_ == 0) return;
    spots_.assign(count_ * proximity_.sources(), Spot{Spot::kAbsent});
    for (Word& word : words_) {
      word.worths.assign(count_, 0.0);
      weigh(word, window);
    }
    for (std::size_t i = 0; i < count_; ++i) consider(i);
  }

  void leave_out_dead(std::uint32_t window) {
    const LiveSet& alive = search_.view->liveness->documents;
    std::size_t living = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      const std::uint32_t doc = found_[i];
      if (!alive.alive(doc)) {
        marks_[doc - begin_of(window)] = 0;
        continue;
      }
      places_[doc - begin_of(window)] = static_cast<std::uint32_t>(living);
      found_[living++] = doc;
    }
    count_ = living;
  }

  // What the word is worth in each of those found, and where it stands.
  void weigh(Word& word, std::uint32_t window) {
    const std::uint32_t begin = begin_of(window);
    const auto all = static_cast<std::uint8_t>(rarest_first_.size());
    const std::uint8_t* const marks = marks_.data();
    std::array<std::uint32_t, kBlockDocs> in_block;
    for (const Short& entry : shorts_of(word, window)) {
      if (marks[entry.doc - begin] == all) take(word, entry.doc - begin, entry.worth, entry.source, {0, entry.at});
    }
    for (Long& of : word.longs) {
      for (std::uint32_t b = 0; b < of.count; ++b) {
        PostingBlock& block = *of.blocks[b];
        const Part part = part_of(block, window);
        std::size_t count = 0;
        // Without a branch that could be guessed wrongly.
        for (std::uint32_t i = part.begin; i < part.end; ++i) {
          in_block[count] = i;
          count += marks[block.docs[i] - begin] == all ? 1 : 0;
        }
        if (count > 0) of.list->list.read_codes(block);
        for (std::size_t k = 0; k < count; ++k) {
          const std::uint32_t at = in_block[k];
          const double worth = worth_at(*of.list, *search_.scorer, block, at);
          take(word, block.docs[at] - begin, worth, of.source, {of.first + b, at});
        }
      }
    }
  }

  void take(Word& word, std::uint32_t in_window, double worth, std::size_t source, Spot spot) {
    const std::uint32_t place = places_[in_window];
    word.worths[place] = std::max(word.worths[place], worth);
    if (source != Proximity::kNoSource) spots_[place * proximity_.sources() + source] = spot;
  }

  void consider(std::size_t i) {
    double sum = 0;
    for (const Word& word : words_) sum += word.idf * word.worths[i];
    if (!contenders_.wants(sum + proximity_.most())) return;
    const std::size_t sources = proximity_.sources();
    std::ranges::copy(std::span(spots_).subspan(i * sources, sources), contenders_.add(found_[i], sum).begin());
  }

  SegmentSearch& search_;
  Proximity& proximity_;
  Contenders contenders_;
  std::uint32_t documents_;
  std::uint32_t window_;
  std::vector<Word> words_;
  std::vector<std::size_t> rarest_first_;  // their places
  // Of the window's documents, how many of the words they have; and of those that have all, which
  // place among those found.
  std::vector<std::uint8_t> marks_;
  std::vector<std::uint32_t> places_;
  // Those that have all, in no order; and where each stands, by list.
  std::vector<std::uint32_t> found_;
  std::size_t count_ = 0;
  std::vector<Spot> spots_;
};

}  // namespace

bool suits_windows(const SegmentSearch& search) {
  std::size_t lists = 0;
  std::size_t most = 0;
  for (const WordLists& word : search.words) {
    std::size_t longs = 0;
    for (const WordList& list : word.lists) longs += list.list.table().blocks() > 0 ? 1 : 0;
    lists += longs;
    most = std::max(most, longs);
  }
  return search.words.size() > 1 && most > 1 && lists <= kMostLists &&
         least_documents(search) * kMostWindow >= kTooFew * search.view->segment->documents();
}

void find_all_in_windows(SegmentSearch& search, Proximity& proximity, TopHits& top) {
  Windows(search, proximity, top).run();
}

}  // namespace prse
