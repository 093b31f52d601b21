#include "pruned.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <string>

#include "conjunction.h"
#include "disjunction.h"
#include "word_matcher.h"

namespace prse {
namespace {

constexpr int kNoTier = 5;

// A bit for each document of a segment.
using Bits = std::vector<std::uint64_t>;

}  // namespace

bool PrunedSearch::can_answer(const Query& query) {
  const std::vector<QueryNode>* leaves = &query.root.children;
  if (leaves->size() == 1 && leaves->front().kind == QueryNode::Kind::kAny) {
    leaves = &leaves->front().children;
  }
  return leaves->size() == query.words.size() && query.words.size() <= kMostPrunedWords &&
         std::all_of(leaves->begin(), leaves->end(),
                     [](const QueryNode& node) {
                       return node.kind == QueryNode::Kind::kWord && !node.demanded;
                     }) &&
         std::none_of(query.words.begin(), query.words.end(),
                      [](const QueryWord& word) { return word.phrase; });
}

PrunedSearch::PrunedSearch(const SearchState& state, const Query& query,
                           std::span<const std::vector<NearTag>> near,
                           std::span<const SegmentScorer* const> scorers)
    : state_(state), query_(query), near_(near), scorers_(scorers) {
  segments_.reserve(state.snapshot->segments.size());
  for (std::uint32_t i = 0; i < state.snapshot->segments.size(); ++i) open(i);
  for (std::size_t w = 0; w < query.words.size(); ++w) settle_idf(w);
  for (SegmentSearch& search : segments_) search.idf = &idf_;
}

void PrunedSearch::add(SegmentSearch& search, WordLists& word, const Dictionary::Cursor& term,
                       prse_via via, float similarity, const std::string& text) const {
  const PostingList list = search.view->segment->postings(term.key(), term.value());
  const std::uint32_t documents = state_.living(*search.view, term.value(), list);
  if (documents == 0) return;
  word.lists.emplace_back(list, via, similarity, documents, term.key(), text);
  word.documents += documents;
}

void PrunedSearch::open(std::uint32_t number) {
  const SegmentView& view = state_.snapshot->segments[number];
  const Dictionary& terms = view.segment->terms();
  SegmentSearch& search = segments_.emplace_back();
  search.view = &view;
  search.scorer = scorers_[number];
  search.number = number;
  search.words.resize(query_.words.size());
  for (std::size_t w = 0; w < query_.words.size(); ++w) {
    const QueryWord& word = query_.words[w];
    WordLists& lists = search.words[w];
    const std::string key = kWordKey + word.terms.front();
    std::vector<Dictionary::Cursor> forms;
    if (word.forms) forms = view.segment->forms(word.terms.front(), word.stem);
    for (const Dictionary::Cursor& form : forms) {
      add(search, lists, form, PRSE_FORM, 1, form.key().substr(1));
    }
    for (auto term = terms.lower_bound(key);
         term.valid() && (word.prefixes ? term.key().starts_with(key) : term.key() == key); term.next()) {
      const bool is_form = std::any_of(forms.begin(), forms.end(), [&](const Dictionary::Cursor& form) {
        return form.key() == term.key();
      });
      if (is_form) continue;
      const prse_via via = term.key() == key ? PRSE_EXACT : PRSE_PREFIX;
      add(search, lists, term, via, 1, term.key().substr(1));
    }
    for (const NearTag& tag : near_[w]) {
      const auto found = terms.find(kTagKey + tag.key);
      if (found.valid()) add(search, lists, found, PRSE_NEIGHBOUR, tag.similarity, tag.text);
    }
  }
}

// How many documents have the word or a form of it.
std::uint64_t PrunedSearch::bearing(std::size_t word) const {
  std::uint64_t count = 0;
  for (const SegmentSearch& search : segments_) {
    std::vector<const PostingList*> lists;
    std::uint32_t documents = 0;
    for (const WordList& list : search.words[word].lists) {
      if (tier(list.via) > kFormTier) continue;
      lists.push_back(&list.list);
      documents = list.documents;
    }
    if (lists.size() > 1) {
      documents = state_.living_of_stem(search.number, query_.words[word].stem, lists);
    }
    count += documents;
  }
  return count;
}

// Where no document has the word or a form of it, by the most frequent of the nearest lists in which any document has the word; what a term has
// in several segments is one list.
void PrunedSearch::settle_idf(std::size_t word) {
  int nearest = kNoTier;
  for (const SegmentSearch& search : segments_) {
    for (const WordList& list : search.words[word].lists) nearest = std::min(nearest, tier(list.via));
  }
  std::uint64_t most = 0;
  if (nearest <= kFormTier) {
    most = bearing(word);
  } else if (segments_.size() == 1) {
    for (const WordList& list : segments_[0].words[word].lists) {
      if (tier(list.via) == nearest) most = std::max<std::uint64_t>(most, list.documents);
    }
  } else {
    std::map<std::string_view, std::uint64_t> documents;
    for (const SegmentSearch& search : segments_) {
      for (const WordList& list : search.words[word].lists) {
        if (tier(list.via) == nearest) documents[list.key] += list.documents;
      }
    }
    for (const auto& [key, count] : documents) most = std::max(most, count);
  }
  nearest_tier_.push_back(nearest);
  documents_.push_back(most);
  idf_.push_back(inverse_document_frequency(state_.statistics.documents, most));
}

// Of a single word, no list ranks among those of a nearer tier (a form among the word itself may):
// where the nearer ones are enough, the others need not be looked at.
void PrunedSearch::drop_what_cannot_win(std::size_t wanted) {
  if (documents_[0] < wanted) return;
  const int last = nearest_tier_[0] <= kFormTier ? kFormTier : nearest_tier_[0];
  for (SegmentSearch& search : segments_) {
    std::erase_if(search.words[0].lists, [=](const WordList& list) { return tier(list.via) > last; });
  }
}

bool PrunedSearch::has_several_lists() const {
  return std::any_of(segments_.begin(), segments_.end(), [](const SegmentSearch& search) {
    return std::any_of(search.words.begin(), search.words.end(),
                       [](const WordLists& word) { return word.lists.size() > 1; });
  });
}

Proximity PrunedSearch::proximity_of(const SegmentSearch& search) const {
  Proximity proximity(query_, idf_, *search.view->segment);
  for (std::size_t w = 0; w < search.words.size() && !proximity.empty(); ++w) {
    for (const WordList& list : search.words[w].lists) {
      if (tier(list.via) <= kFormTier) proximity.add(w, list.list, *search.scorer);
    }
  }
  return proximity;
}

double PrunedSearch::nearness(const RankedHit& hit) const {
  return proximity_of(segments_[hit.segment]).of(hit.doc);
}

// The most that the other words add to a score of a segment.
double PrunedSearch::most_of_others(SegmentSearch& search, std::size_t without) const {
  double sum = 0;
  for (std::size_t w = 0; w < search.words.size(); ++w) {
    if (w == without) continue;
    double most = 0;
    for (const Worth& entry : read_short_lists(search, search.words[w])) most = std::max(most, entry.worth);
    for (WordList& list : search.words[w].lists) {
      if (list.list.table().blocks() == 0) continue;
      list.prepare_bounds(*search.scorer);
      most = std::max(most, list.worth(list.most()));
    }
    sum += most * idf_[w];
  }
  return sum;
}

// Finds those documents alone that have each word itself, or a form of it: no farther list of a word says more of
// them. True where no other could be among the best.
bool PrunedSearch::find_near(TopHits& top) {
  bool only = true;
  for (SegmentSearch& search : segments_) {
    // The farther lists, which stand behind the nearer ones, are set aside.
    std::vector<std::vector<WordList>> far(search.words.size());
    std::vector<std::uint64_t> documents;
    for (std::size_t w = 0; w < search.words.size(); ++w) {
      WordLists& word = search.words[w];
      documents.push_back(word.documents);
      const auto begin = std::find_if(word.lists.begin(), word.lists.end(),
                                      [](const WordList& list) { return tier(list.via) > kFormTier; });
      far[w].assign(std::make_move_iterator(begin), std::make_move_iterator(word.lists.end()));
      word.lists.erase(begin, word.lists.end());
      for (const WordList& list : far[w]) word.documents -= list.documents;
    }
    Proximity proximity = proximity_of(search);
    find_all(search, proximity, top);
    // Words that stand there in no form are near to none.
    const double near = search.words.size() > 2 ? proximity.most() : 0;
    for (std::size_t w = 0; w < search.words.size(); ++w) {
      double most = 0;
      for (const WordList& list : far[w]) {
        most = std::max(most, list.worth(std::numeric_limits<double>::max()));
      }
      if (only && !far[w].empty()) {
        const double bound = (most * idf_[w] + most_of_others(search, w) + near) * kSlack;
        only = top.full() && !top.wants(static_cast<float>(bound));
      }
    }
    for (std::size_t w = 0; w < search.words.size(); ++w) {
      std::vector<WordList>& lists = search.words[w].lists;
      lists.insert(lists.end(), std::make_move_iterator(far[w].begin()), std::make_move_iterator(far[w].end()));
      search.words[w].documents = documents[w];
    }
    if (!only) return false;
  }
  return true;
}

std::vector<RankedHit> PrunedSearch::find(bool all, std::size_t wanted) {
  if (query_.words.size() == 1) drop_what_cannot_win(wanted);
  TopHits top(wanted);
  if (all && query_.words.size() > 1) {
    if (find_near(top)) return top.take();
    top = TopHits(wanted);
  }
  for (SegmentSearch& search : segments_) {
    Proximity proximity = proximity_of(search);
    if (all || query_.words.size() == 1) {
      find_all(search, proximity, top);
    } else {
      find_any(search, proximity, top);
    }
  }
  return top.take();
}

std::uint64_t PrunedSearch::count(bool all) const {
  std::uint64_t count = 0;
  PostingBlock block;
  for (const SegmentSearch& search : segments_) {
    if (query_.words.size() == 1 && search.words[0].lists.size() < 2) {
      count += search.words[0].documents;
      continue;
    }
    const LiveSet& alive = search.view->liveness->documents;
    const std::size_t size = (std::size_t{alive.size()} + 63) / 64;
    Bits matching(size, all ? ~std::uint64_t{0} : 0);
    Bits of_word(size);
    for (std::size_t w = 0; w < search.words.size(); ++w) {
      const WordLists& word = search.words[w];
      std::fill(of_word.begin(), of_word.end(), 0);
      for (const WordList& list : word.lists) list.list.add_to(of_word, block);
      for (std::size_t i = 0; i < size; ++i) {
        matching[i] = all ? matching[i] & of_word[i] : matching[i] | of_word[i];
      }
    }
    for (std::size_t i = 0; i < size; ++i) {
      count += static_cast<std::uint64_t>(__builtin_popcountll(matching[i] & alive.word(i)));
    }
  }
  return count;
}

std::vector<PrunedSearch::Found> PrunedSearch::lists_of(std::size_t word, const RankedHit& hit) const {
  const SegmentSearch& search = segments_[hit.segment];
  std::vector<Found> found;
  double best = 0;
  std::size_t best_at = 0;
  PostingBlock block;
  for (const WordList& list : search.words[word].lists) {
    const BlockTable& table = list.list.table();
    const std::uint32_t number = table.blocks() > 0 ? table.find(hit.doc) : 0;
    if (number == list.list.blocks()) continue;
    list.list.read_block(number, block);
    const std::uint32_t at = block.find(hit.doc);
    if (at == block.size || block.docs[at] != hit.doc) continue;
    const auto counts = block.fields(at, list.list.shapes());
    const double worth = list.worth(search.scorer->sum(hit.doc, counts));
    found.push_back({&list, {counts.begin(), counts.end()}, worth, false});
    if (worth > best) {
      best = worth;
      best_at = found.size() - 1;
    }
  }
  if (!found.empty()) found[best_at].best = true;
  return found;
}

}  // namespace prse
