#include "disjunction.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "length_limits.h"

namespace prse {
namespace {

constexpr unsigned kLeastWindowBits = 10;
constexpr unsigned kMostWindowBits = 13;
// So many documents of an average list are to lie in a window, or its blocks are read too often.
constexpr std::uint64_t kDocumentsInWindow = 2 * kBlockDocs;

// The bits of windows, which are as wide as the lists are sparse.
unsigned window_bits(const SegmentSearch& search) {
  std::uint64_t lists = 0;
  std::uint64_t documents = 0;
  for (const WordLists& word : search.words) {
    for (const WordList& list : word.lists) {
      if (list.list.table().blocks() == 0) continue;
      ++lists;
      documents += list.list.documents();
    }
  }
  unsigned bits = kLeastWindowBits;
  const std::uint64_t wanted = lists * kDocumentsInWindow * search.view->segment->documents();
  while (bits < kMostWindowBits && (documents << bits) < wanted) ++bits;
  return bits;
}

// Sets the bits of so many documents, ascending, from `begin` on. Four at once that are far from each other:
// those that follow one another are mostly in one word, and each would wait for the one before.
[[gnu::noinline]] void mark(std::uint64_t* bits, std::uint32_t begin, const std::uint32_t* docs, std::size_t count) {
  const auto set = [=](std::uint32_t doc) {
    bits[(doc - begin) / 64] |= std::uint64_t{1} << ((doc - begin) % 64);
  };
  const std::size_t quarter = count / 4;
  const std::uint32_t* const second = docs + quarter;
  const std::uint32_t* const third = second + quarter;
  const std::uint32_t* const fourth = third + quarter;
  for (std::size_t i = 0; i < quarter; ++i) {
    set(docs[i]);
    set(second[i]);
    set(third[i]);
    set(fourth[i]);
  }
  for (std::size_t i = 4 * quarter; i < count; ++i) set(docs[i]);
}

// Sets the bits of those documents of a block's set that are in the window.
void mark_set(std::span<std::uint64_t> bits, std::uint32_t begin, const PostingBlock& block) {
  const auto end = static_cast<std::int64_t>(bits.size() * 64);
  std::int64_t to = std::int64_t{block.set_begin} - begin;
  for (std::size_t i = 0; i < block.set.size() / 8 && to < end; ++i, to += 64) {
    const auto word = load<std::uint64_t>(block.set, i);
    if (to <= -64) continue;
    if (to < 0) {
      bits[0] |= word >> -to;
      continue;
    }
    const auto at = static_cast<std::size_t>(to / 64);
    bits[at] |= word << (to % 64);
    if (to % 64 != 0 && at + 1 < bits.size()) bits[at + 1] |= word >> (64 - to % 64);
  }
}

// Windows of documents are visited by what they can be worth at most, the best first. In each it is
// first seen which documents have which words, and only those are scored that have words enough:
// first what several words share, then documents of one word that is worth enough by itself.
class Disjunction {
 public:
  Disjunction(SegmentSearch& search, Proximity& proximity, TopHits& top)
      : search_(search),
        proximity_(proximity),
        top_(top),
        limits_(*search.view->segment, *search.scorer),
        bits_(window_bits(search)),
        windows_((search.view->segment->documents() + (1U << bits_) - 1) >> bits_),
        bounds_(windows_),
        once_((std::size_t{1} << bits_) / 64),
        twice_(once_.size()),
        chosen_(once_.size()) {
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
  // A block of a list that has documents in the window that is visited.
  struct Part {
    std::uint32_t number;
    double bound;       // of the score
    std::uint32_t at;   // the document that was looked up last
    std::uint32_t from;  // its documents in the window, once `open` has read them
    std::uint32_t to;
    bool opened;
    PostingBlock block;
  };
  struct Long {
    const WordList* list;
    // Of the window that is visited.
    std::size_t count = 0;
    std::size_t current = 0;
    std::vector<std::unique_ptr<Part>> parts;
  };
  struct Word {
    std::size_t number = 0;
    double idf = 0;
    std::vector<Worth> short_lists;
    std::vector<std::uint32_t> starts;  // those of window i from starts[i] on
    std::vector<Long> long_lists;
    std::vector<double> bounds;  // by window: of the score
    // Of the window that is visited.
    std::vector<std::uint64_t> there;  // a bit for each document that has it
    std::size_t next_short = 0;

    bool has_one_list() const { return short_lists.empty() && long_lists.size() == 1; }
  };

  void add_word(std::size_t number) {
    words_.push_back(std::make_unique<Word>());
    Word& word = *words_.back();
    word.number = number;
    word.idf = (*search_.idf)[number];
    word.there.resize(once_.size());
    word.bounds.resize(windows_);
    word.short_lists = read_short_lists(search_, search_.words[number]);
    word.starts.resize(windows_ + 1);
    for (const Worth& entry : word.short_lists) {
      const std::uint32_t window = entry.doc >> bits_;
      ++word.starts[window + 1];
      word.bounds[window] = std::max(word.bounds[window], entry.worth);
    }
    for (std::uint32_t i = 0; i < windows_; ++i) word.starts[i + 1] += word.starts[i];
    for (WordList& list : search_.words[number].lists) {
      const BlockTable& table = list.list.table();
      if (table.blocks() == 0) continue;
      list.prepare_bounds(*search_.scorer);
      word.long_lists.emplace_back().list = &list;
      std::uint32_t first = 0;
      for (std::uint32_t block = 0; block < table.blocks(); ++block) {
        const double bound = list.worth(list.most_of_block(block));
        const std::uint32_t last = std::min(table.last_doc(block) >> bits_, windows_ - 1);
        for (std::uint32_t i = first; i <= last; ++i) {
          word.bounds[i] = std::max(word.bounds[i], bound);
        }
        first = (table.last_doc(block) + 1) >> bits_;
      }
    }
    // What is found in the first may be worth more than the others can be.
    std::stable_sort(word.long_lists.begin(), word.long_lists.end(), [](const Long& a, const Long& b) {
      return a.list->worth(a.list->most()) > b.list->worth(b.list->most());
    });
    for (std::uint32_t i = 0; i < windows_; ++i) {
      word.bounds[i] *= word.idf * kSlack;
      bounds_[i] += word.bounds[i];
    }
  }

  void visit(std::uint32_t window) {
    window_ = window;
    begin_ = window << bits_;
    end_ = std::min(begin_ + (1U << bits_), search_.view->segment->documents());
    here_.clear();
    for (const auto& word : words_) {
      if (word->bounds[window] > 0) here_.push_back(word.get());
    }
    std::fill(once_.begin(), once_.end(), 0);
    std::fill(twice_.begin(), twice_.end(), 0);
    for (Word* word : here_) {
      find_documents(*word);
      for (std::size_t i = 0; i < once_.size(); ++i) {
        twice_[i] |= once_[i] & word->there[i];
        once_[i] |= word->there[i];
      }
    }
    choose_shared();
    score_chosen();
    by_bound_ = here_;
    std::sort(by_bound_.begin(), by_bound_.end(), [=](const Word* a, const Word* b) {
      return a->bounds[window] > b->bounds[window];
    });
    for (Word* word : by_bound_) {
      if (top_.wants(static_cast<float>(word->bounds[window]))) score_alone(*word);
    }
    score_chosen();
  }

  // Which documents of the window have the word.
  void find_documents(Word& word) {
    std::fill(word.there.begin(), word.there.end(), 0);
    for (Long& of : word.long_lists) {
      of.count = 0;
      const PostingList& list = of.list->list;
      const BlockTable& table = list.table();
      std::uint32_t first = begin_;
      for (std::uint32_t number = table.find(begin_); number < table.blocks() && first < end_; ++number) {
        if (of.count == of.parts.size()) of.parts.push_back(std::make_unique<Part>());
        Part& part = *of.parts[of.count++];
        part.number = number;
        part.bound = of.list->worth(of.list->most_of_block(number)) * word.idf * kSlack;
        part.opened = false;
        list.read_set_or_documents(number, part.block);
        if (part.block.documents_wait) {
          mark_set(word.there, begin_, part.block);
        } else {
          open(list, part);
          mark(word.there.data(), begin_, part.block.docs.data() + part.from, part.to - part.from);
        }
        first = table.last_doc(number) + 1;
      }
    }
    for (const Worth& entry : short_ones(word)) set(word.there, entry.doc - begin_);
  }

  // Reads the documents of a block that was found, if they wait, and which of them are in the window.
  void open(const PostingList& list, Part& part) {
    if (part.opened) return;
    part.opened = true;
    list.read_documents_of_set(part.number, part.block);
    part.from = part.block.docs[0] < begin_ ? part.block.find(begin_) : 0;
    part.to = list.table().last_doc(part.number) < end_ ? part.block.size : part.block.find(end_, part.from);
    part.at = part.from;
  }

  // Of documents with several words those that could be among the best. Of two or three words, each two
  // must be worth enough; of more, it is not looked at which they are.
  void choose_shared() {
    if (here_.size() != 3) {
      std::copy(twice_.begin(), twice_.end(), chosen_.begin());
      return;
    }
    for (std::size_t i = 0; i < 3; ++i) {
      const Word& a = *here_[i];
      const Word& b = *here_[(i + 1) % 3];
      const Word& other = *here_[(i + 2) % 3];
      const bool enough =
          top_.wants(static_cast<float>(a.bounds[window_] + b.bounds[window_] + proximity_.most()));
      for (std::size_t k = 0; k < chosen_.size(); ++k) {
        chosen_[k] |= a.there[k] & b.there[k] & (enough ? ~std::uint64_t{0} : other.there[k]);
      }
    }
  }

  // Adds up what words are worth in the documents that are chosen, and chooses none any more.
  void score_chosen() {
    for (Word* word : here_) begin(*word);
    for (std::uint32_t at64 = 0; at64 < chosen_.size(); ++at64) {
      for (std::uint64_t left = std::exchange(chosen_[at64], 0); left != 0; left &= left - 1) {
        const std::uint32_t at = at64 * 64 + static_cast<std::uint32_t>(std::countr_zero(left));
        const std::uint32_t doc = begin_ + at;
        if (!search_.view->alive(doc)) continue;
        found_.clear();
        double most = proximity_.most();  // of the score, by what is known
        for (Word* word : here_) {
          if (!is_set(word->there, at)) continue;
          found_.push_back(word);
          most += word->bounds[window_];
        }
        double sum = 0;
        bool wanted = top_.wants(static_cast<float>(most));
        // In the order of the query's words.
        for (std::size_t k = 0; wanted && k < found_.size(); ++k) {
          const double score = found_[k]->idf * worth_in(*found_[k], doc);
          sum += score;
          most += score - found_[k]->bounds[window_];
          wanted = top_.wants(static_cast<float>(most * kSlack));
        }
        if (!wanted || !top_.wants(static_cast<float>(sum + proximity_.most()))) continue;
        const auto score = static_cast<float>(sum + proximity_.of(doc));
        if (top_.wants(score)) top_.offer(search_.hit(doc, score));
      }
    }
  }

  void begin(Word& word) {
    word.next_short = word.starts[window_];
    for (Long& of : word.long_lists) {
      of.current = 0;
      for (std::size_t i = 0; i < of.count; ++i) {
        Part& part = *of.parts[i];
        if (part.opened) part.at = part.from;
      }
    }
  }

  // What a word is worth in a document; these ascend from `begin` on.
  double worth_in(Word& word, std::uint32_t doc) {
    double best = 0;
    const std::size_t end = word.starts[window_ + 1];
    while (word.next_short < end && word.short_lists[word.next_short].doc < doc) ++word.next_short;
    if (word.next_short < end && word.short_lists[word.next_short].doc == doc) {
      best = word.short_lists[word.next_short].worth;
    }
    for (Long& of : word.long_lists) {
      const BlockTable& table = of.list->list.table();
      while (of.current < of.count && table.last_doc(of.parts[of.current]->number) < doc) ++of.current;
      if (of.current == of.count) continue;
      Part& part = *of.parts[of.current];
      if (part.bound <= best * word.idf) continue;
      open(of.list->list, part);
      part.at = part.block.find(doc, part.at);
      if (part.block.docs[part.at] != doc) continue;
      of.list->list.read_codes(part.block);
      best = std::max(best, worth_at(*of.list, *search_.scorer, part.block, part.at));
    }
    return best;
  }

  // Documents that have this word alone: nothing is added to what it is worth there. Where it has several
  // lists they are chosen, for the best of these counts.
  void score_alone(Word& word) {
    const bool at_once = word.has_one_list();
    for (Long& of : word.long_lists) {
      for (std::size_t p = 0; p < of.count; ++p) {
        Part& part = *of.parts[p];
        if (!top_.wants(static_cast<float>(part.bound))) continue;
        open(of.list->list, part);
        of.list->list.read_codes(part.block);
        double least = least_worth(word.idf);
        const std::size_t count =
            limits_.pass(part.block, part.from, part.to, of.list->least_weighted(least), places_.data());
        for (std::size_t k = 0; k < count; ++k) {
          const std::uint32_t i = places_[k];
          const std::uint32_t doc = part.block.docs[i];
          if (is_set(twice_, doc - begin_)) continue;
          const double worth = worth_at(*of.list, *search_.scorer, part.block, i);
          if (worth < least) continue;
          if (!at_once) {
            set(chosen_, doc - begin_);
            continue;
          }
          const auto score = static_cast<float>(word.idf * worth);
          if (!search_.view->alive(doc) || !top_.wants(score)) continue;
          top_.offer(search_.hit(doc, score));
          least = least_worth(word.idf);
        }
      }
    }
    for (const Worth& entry : short_ones(word)) {
      if (!is_set(twice_, entry.doc - begin_)) set(chosen_, entry.doc - begin_);
    }
  }

  std::span<const Worth> short_ones(const Word& word) const {
    return std::span(word.short_lists)
        .subspan(word.starts[window_], word.starts[window_ + 1] - word.starts[window_]);
  }

  // The least worth of a word with which a document that has no other could still be among the best.
  double least_worth(double idf) const {
    if (!top_.full()) return 0;
    return static_cast<double>(top_.worst()) / kSlack / idf;
  }

  static void set(std::vector<std::uint64_t>& bits, std::uint32_t at) {
    bits[at / 64] |= std::uint64_t{1} << (at % 64);
  }
  static bool is_set(const std::vector<std::uint64_t>& bits, std::uint32_t at) {
    return (bits[at / 64] >> (at % 64) & 1) != 0;
  }

  SegmentSearch& search_;
  Proximity& proximity_;
  TopHits& top_;
  LengthLimits limits_;
  unsigned bits_;
  std::uint32_t windows_;
  std::vector<double> bounds_;  // by window
  std::vector<std::unique_ptr<Word>> words_;
  std::vector<Word*> here_;      // those that the window that is visited may have, in the query's order
  std::vector<Word*> found_;     // those of them that a document has
  std::vector<Word*> by_bound_;  // the same, those first that may be worth most
  // Of the window that is visited.
  std::uint32_t window_ = 0;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  std::vector<std::uint64_t> once_;    // a bit for each document that has any of the words
  std::vector<std::uint64_t> twice_;   // for each that has several
  std::vector<std::uint64_t> chosen_;  // for each that is scored
  std::array<std::uint32_t, kBlockDocs> places_;
};

}  // namespace

void find_any(SegmentSearch& search, Proximity& proximity, TopHits& top) {
  if (search.view->segment->documents() > 0) Disjunction(search, proximity, top).run();
}

}  // namespace prse
