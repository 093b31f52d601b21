#include "pruned.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "word_matcher.h"

namespace prse {
namespace {

constexpr std::uint32_t kWindowBits = 10;
constexpr std::uint32_t kWindow = 1U << kWindowBits;
constexpr std::size_t kMostWords = 16;
constexpr int kNoTier = 4;
// Bounds and scores are computed in another order, so they may differ by rounding.
constexpr double kSlack = 1 + 1e-6;

double saturate_bound(double weighted) {
  return std::isinf(weighted) ? 1 : SegmentScorer::saturate(weighted);
}

std::uint32_t living(const SegmentView& view, PostingsCursor cursor) {
  if (view.liveness->documents.dead() == 0) return cursor.documents();
  std::uint32_t count = 0;
  while (cursor.next()) count += view.alive(cursor.doc()) ? 1 : 0;
  return count;
}

}  // namespace

// One way in which a word is in a segment.
struct PrunedSearch::Way {
  PostingsCursor cursor;
  prse_via via;
  float similarity;
  std::uint32_t documents;            // living
  std::vector<double> bounds;         // by block, of a list with a table: of the score

  double worth(double saturated) const {
    switch (via) {
      case PRSE_PREFIX: return worth_of_prefix(saturated);
      case PRSE_NEIGHBOUR: return worth_of_neighbour(saturated, similarity);
      default: return worth_of_exact(saturated);
    }
  }
};

struct PrunedSearch::SegmentWays {
  std::uint32_t number = 0;
  std::vector<std::vector<Way>> of_word;

  // Of each word, what its short lists hold, by window: those of window i from starts[i] on.
  struct Loose {
    struct Entry {
      std::uint32_t doc;
      double worth;
    };
    std::vector<Entry> entries;
    std::vector<std::uint32_t> starts;
  };
  std::vector<Loose> loose;
  std::vector<std::vector<double>> bounds;  // by word and window: of the score
};

bool PrunedSearch::can_answer(const Query& query) {
  const std::vector<QueryNode>* leaves = &query.root.children;
  if (leaves->size() == 1 && leaves->front().kind == QueryNode::Kind::kAny) {
    leaves = &leaves->front().children;
  }
  return leaves->size() == query.words.size() && query.words.size() <= kMostWords &&
         std::all_of(leaves->begin(), leaves->end(),
                     [](const QueryNode& node) {
                       return node.kind == QueryNode::Kind::kWord && !node.demanded;
                     }) &&
         std::none_of(query.words.begin(), query.words.end(),
                      [](const QueryWord& word) { return word.phrase; });
}

PrunedSearch::PrunedSearch(const Snapshot& snapshot, const Statistics& statistics,
                           const Query& query, std::span<const std::vector<NearTag>> near,
                           std::span<const SegmentScorer> scorers, std::size_t wanted)
    : snapshot_(snapshot),
      statistics_(statistics),
      query_(query),
      near_(near),
      scorers_(scorers),
      wanted_(wanted),
      worths_(query.words.size(), std::vector<double>(kWindow)),
      counts_(kWindow) {
  for (std::size_t i = 0; i < snapshot.segments.size(); ++i) open(i);
  settle_idf();
  if (query.words.size() == 1) drop_what_cannot_win();
}

PrunedSearch::~PrunedSearch() = default;

void PrunedSearch::open(std::size_t number) {
  const SegmentView& view = snapshot_.segments[number];
  const Segment& segment = *view.segment;
  SegmentWays& ways = segments_.emplace_back();
  ways.number = static_cast<std::uint32_t>(number);
  ways.of_word.resize(query_.words.size());
  ways.loose.resize(query_.words.size());
  ways.bounds.resize(query_.words.size());
  const auto add = [&](std::size_t word, std::string_view value, prse_via via, float similarity) {
    PostingsCursor cursor = segment.postings(value);
    const std::uint32_t documents = living(view, cursor);
    if (documents > 0) ways.of_word[word].push_back({std::move(cursor), via, similarity, documents, {}});
  };
  for (std::size_t w = 0; w < query_.words.size(); ++w) {
    const QueryWord& word = query_.words[w];
    const std::string key = kWordKey + word.terms.front();
    for (auto term = segment.terms().lower_bound(key);
         term.valid() && (word.prefixes ? term.key().starts_with(key) : term.key() == key); term.next()) {
      add(w, term.value(), term.key() == key ? PRSE_EXACT : PRSE_PREFIX, 1);
    }
    for (const NearTag& tag : near_[w]) {
      const auto found = segment.terms().find(kTagKey + tag.key);
      if (found.valid()) add(w, found.value(), PRSE_NEIGHBOUR, tag.similarity);
    }
  }
}

// By the most frequent of the nearest ways in which any document has the word. A way of several
// segments is the sum of what it is in each.
void PrunedSearch::settle_idf() {
  for (std::size_t w = 0; w < query_.words.size(); ++w) {
    int nearest = kNoTier;
    for (const SegmentWays& segment : segments_) {
      for (const Way& way : segment.of_word[w]) nearest = std::min(nearest, tier(way.via));
    }
    std::uint64_t most = 0;
    if (segments_.size() == 1) {
      for (const Way& way : segments_[0].of_word[w]) {
        if (tier(way.via) == nearest) most = std::max<std::uint64_t>(most, way.documents);
      }
    } else {
      std::map<std::string, std::uint64_t> documents;
      const std::string key = kWordKey + query_.words[w].terms.front();
      for (std::size_t i = 0; i < segments_.size(); ++i) {
        const SegmentView& view = snapshot_.segments[i];
        const Dictionary& terms = view.segment->terms();
        const auto count = [&](const Dictionary::Cursor& term) {
          documents[term.key()] += living(view, view.segment->postings(term.value()));
        };
        if (nearest == tier(PRSE_NEIGHBOUR)) {
          for (const NearTag& tag : near_[w]) {
            if (const auto found = terms.find(kTagKey + tag.key); found.valid()) count(found);
          }
        } else if (nearest != kNoTier) {
          for (auto term = terms.lower_bound(key); term.valid() && term.key().starts_with(key); term.next()) {
            if ((term.key() == key) == (nearest == tier(PRSE_EXACT))) count(term);
            if (nearest == tier(PRSE_EXACT)) break;
          }
        }
      }
      for (const auto& [name, count] : documents) most = std::max(most, count);
    }
    nearest_tier_.push_back(nearest);
    documents_.push_back(most);
    idf_.push_back(inverse_document_frequency(statistics_.documents, most));
  }
}

// Of a single word, no way ranks among those of a nearer tier: where the nearer ones are enough,
// the others need not be looked at.
void PrunedSearch::drop_what_cannot_win() {
  if (documents_[0] < wanted_) return;
  for (SegmentWays& segment : segments_) {
    std::erase_if(segment.of_word[0],
                  [&](const Way& way) { return tier(way.via) > nearest_tier_[0]; });
  }
}

std::vector<RankedHit> PrunedSearch::find(bool all) {
  TopHits top(wanted_);
  for (SegmentWays& segment : segments_) search_segment(segment, all, top);
  return top.take();
}

void PrunedSearch::search_segment(SegmentWays& ways, bool all, TopHits& top) {
  const SegmentView& view = snapshot_.segments[ways.number];
  const SegmentScorer& scorer = scorers_[ways.number];
  const std::size_t words = query_.words.size();
  const std::uint32_t windows = (view.segment->documents() + kWindow - 1) >> kWindowBits;
  std::vector<double> bounds(windows);
  std::vector<std::uint8_t> bearing(windows);
  for (std::size_t w = 0; w < words; ++w) {
    if (all && ways.of_word[w].empty()) return;
    std::vector<double>& of_word = ways.bounds[w];
    of_word.assign(windows, 0);
    SegmentWays::Loose& loose = ways.loose[w];
    loose.entries.clear();
    loose.starts.assign(windows + 1, 0);
    std::vector<SegmentWays::Loose::Entry> short_lists;
    for (Way& way : ways.of_word[w]) {
      const BoundsTable& table = way.cursor.bounds();
      way.bounds.resize(table.blocks());
      std::uint32_t first = 0;
      for (std::uint32_t b = 0; b < table.blocks(); ++b) {
        double weighted = 0;
        for (std::size_t f = 0; f < table.fields().size(); ++f) {
          if (table.impact(b, f) == 0) continue;
          weighted += scorer.bound(static_cast<std::uint8_t>(table.fields()[f]),
                                   decode_impact(table.impact(b, f)));
        }
        const double bound = way.worth(saturate_bound(weighted));
        way.bounds[b] = bound * idf_[w] * kSlack;
        const std::uint32_t last = std::min(table.block(b).last_doc >> kWindowBits, windows - 1);
        for (std::uint32_t i = first >> kWindowBits; i <= last; ++i) of_word[i] = std::max(of_word[i], bound);
        first = table.block(b).last_doc + 1;
      }
      if (table.blocks() > 0) continue;
      for (PostingsCursor cursor = way.cursor; cursor.next();) {
        const std::uint32_t doc = cursor.doc();
        if (!view.alive(doc)) continue;
        const double worth = way.worth(scorer.saturated(doc, cursor.fields()));
        short_lists.push_back({doc, worth});
        ++loose.starts[(doc >> kWindowBits) + 1];
        double& bound = of_word[doc >> kWindowBits];
        bound = std::max(bound, worth);
      }
    }
    for (std::uint32_t i = 0; i < windows; ++i) loose.starts[i + 1] += loose.starts[i];
    loose.entries.resize(short_lists.size());
    std::vector<std::uint32_t> next(loose.starts.begin(), loose.starts.end() - 1);
    for (const auto& entry : short_lists) loose.entries[next[entry.doc >> kWindowBits]++] = entry;
    for (std::uint32_t i = 0; i < windows; ++i) {
      bearing[i] += of_word[i] > 0 ? 1 : 0;
      of_word[i] *= idf_[w] * kSlack;
      bounds[i] += of_word[i];
    }
  }
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < windows; ++i) {
    if (all ? bearing[i] == words : bearing[i] > 0) order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return bounds[a] != bounds[b] ? bounds[a] > bounds[b] : a < b;
  });
  for (const std::uint32_t window : order) {
    if (!top.wants(static_cast<float>(bounds[window]))) break;
    visit(ways, window, all, top);
  }
}

void PrunedSearch::visit(SegmentWays& ways, std::uint32_t window, bool all, TopHits& top) {
  const SegmentView& view = snapshot_.segments[ways.number];
  const SegmentScorer& scorer = scorers_[ways.number];
  const std::size_t words = query_.words.size();
  const std::uint32_t begin = window << kWindowBits;
  const std::uint32_t end = std::min(begin + kWindow, view.segment->documents());
  // Where all must match the rarest first: it leaves the fewest. Else what can be worth most
  // first: soon the rest cannot lift a document that has none of these ("MaxScore", Turtle and
  // Flood, "Query evaluation: strategies and optimizations", 1995).
  by_bound_.resize(words);
  double rest = 0;
  for (std::size_t w = 0; w < words; ++w) {
    by_bound_[w] = w;
    rest += ways.bounds[w][window];
  }
  std::sort(by_bound_.begin(), by_bound_.end(), [&](std::size_t a, std::size_t b) {
    if (all) return documents_[a] != documents_[b] ? documents_[a] < documents_[b] : a < b;
    const double bound_a = ways.bounds[a][window];
    const double bound_b = ways.bounds[b][window];
    return bound_a != bound_b ? bound_a > bound_b : a < b;
  });
  touched_.clear();
  std::uint8_t before = 0;
  bool complete = true;
  for (const std::size_t w : by_bound_) {
    std::vector<double>& worths = worths_[w];
    bool any = false;
    // Whether a document that has none of the words so far can still win.
    const bool open = before == 0 || (!all && top.wants(static_cast<float>(rest)));
    const auto can_win = [&](std::uint32_t at) {
      if (worths[at] > 0) return true;
      return all ? counts_[at] == before : open || counts_[at] > 0;
    };
    const auto take = [&](std::uint32_t at, double worth) {
      if (worths[at] == 0 && counts_[at]++ == 0) touched_.push_back(at);
      worths[at] = std::max(worths[at], worth);
      any = true;
    };
    const double others = rest - ways.bounds[w][window];
    for (Way& way : ways.of_word[w]) {
      const BoundsTable& table = way.cursor.bounds();
      std::uint32_t first = begin;
      for (std::uint32_t b = table.find(begin); b < table.blocks() && first < end; ++b) {
        const std::uint32_t last = table.block(b).last_doc;
        // Not even the best of the block can win, whatever the other words add.
        const bool skipped = before == 0 && !top.wants(static_cast<float>(way.bounds[b] + others));
        if (!skipped && way.cursor.seek_anywhere(first)) {
          do {
            const std::uint32_t doc = way.cursor.doc();
            if (doc >= end) break;
            if (!can_win(doc - begin) || !view.alive(doc)) continue;
            take(doc - begin, way.worth(scorer.saturated(doc, way.cursor.fields())));
          } while (way.cursor.doc() < last && way.cursor.next());
        }
        first = std::max(first, last + 1);
      }
    }
    const SegmentWays::Loose& loose = ways.loose[w];
    for (std::uint32_t i = loose.starts[window]; i < loose.starts[window + 1]; ++i) {
      const std::uint32_t at = loose.entries[i].doc - begin;
      if (can_win(at)) take(at, loose.entries[i].worth);
    }
    rest = others;
    ++before;
    if (all && !any) {
      complete = false;
      break;
    }
  }
  for (const std::uint32_t at : touched_) {
    const bool matches = complete && (!all || counts_[at] == words);
    double sum = 0;
    for (std::size_t w = 0; w < words; ++w) {
      if (matches && worths_[w][at] > 0) sum += idf_[w] * worths_[w][at];
      worths_[w][at] = 0;
    }
    counts_[at] = 0;
    const auto score = static_cast<float>(sum);
    if (!matches || !top.wants(score)) continue;
    const std::uint32_t doc = begin + at;
    top.offer({score, view.segment->order(doc), view.segment->id(doc), ways.number, doc, score});
  }
}

}  // namespace prse
