#include "searcher.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "evaluator.h"
#include "neighbours.h"
#include "parallel.h"
#include "phrase_words.h"
#include "proximity.h"
#include "pruned.h"
#include "query.h"
#include "top_hits.h"
#include "word_matcher.h"

namespace prse {
namespace {

// Below this, starting a thread costs more than it saves.
constexpr std::uint32_t kLargeSegmentDocuments = 16'384;

// Hits are sorted by the values of this field where they are by name.
constexpr std::string_view kNameField = "filename";

// For more hits than this, looking at everything costs no more.
constexpr std::size_t kMostPruned = 10'000;
// The same where each hit must be compared with those held.
constexpr std::size_t kMostPrunedOfSeveral = 256;

std::size_t threads_for(const Snapshot& snapshot, std::uint32_t wanted) {
  if (wanted != 0) return wanted;
  const auto large = std::count_if(
      snapshot.segments.begin(), snapshot.segments.end(),
      [](const SegmentView& view) { return view.segment->documents() >= kLargeSegmentDocuments; });
  return large < 2 ? 1 : std::min<std::size_t>(static_cast<std::size_t>(large),
                                                std::thread::hardware_concurrency());
}

// The living tags that a word is a neighbour of, by key; where two keys lead to one tag, the
// nearer.
std::vector<NearTag> find_near_tags(const Snapshot& snapshot, const QueryWord& word) {
  std::vector<NearTag> tags;
  for (const SegmentView& view : snapshot.segments) {
    for (const std::string& key : word.neighbour_keys) {
      view.segment->neighbours().find(key, view.liveness->tags, tags);
    }
  }
  std::sort(tags.begin(), tags.end(), [](const NearTag& a, const NearTag& b) {
    return a.key != b.key ? a.key < b.key : a.similarity > b.similarity;
  });
  const auto last = std::unique(tags.begin(), tags.end(),
                                [](const NearTag& a, const NearTag& b) { return a.key == b.key; });
  tags.erase(last, tags.end());
  return tags;
}

class Search {
 public:
  Search(const SearchState& state, std::string_view query, const SearchOptions& options)
      : state_(state),
        snapshot_(*state.snapshot),
        options_(options),
        query_(parse_query(query, state.field_names, state.snapshot->manifest.language, options.strict, options.plain)) {}

  SearchResult run() {
    SearchResult result;
    if (query_.empty()) return result;
    prepare_scorers();
    find_near();
    if (prune(result)) return result;
    threads_ = threads_for(snapshot_, options_.threads);
    weigh_phrases();
    match_words();
    std::vector<RankedHit> ranked = rank(false, result);
    if (result.total == 0 && can_relax(query_.root)) {
      ranked = rank(true, result);
      result.relaxed = result.total > 0;
    }
    for (std::size_t i = options_.skip; i < ranked.size(); ++i) {
      FoundHit& hit = result.hits.emplace_back(FoundHit{ranked[i].id, ranked[i].shown, 0, {}});
      if (options_.explain) explain(ranked[i], hit);
    }
    return result;
  }

 private:
  // A scorer for each segment and field that a word names.
  void prepare_scorers() {
    for (const SegmentView& view : snapshot_.segments) view.segment->verify_documents();
    std::vector<std::string_view> scopes;
    for (const QueryWord& word : query_.words) {
      const auto found = std::find(scopes.begin(), scopes.end(), word.field);
      scope_.push_back(static_cast<std::size_t>(found - scopes.begin()));
      if (found == scopes.end()) scopes.push_back(word.field);
    }
    scorers_.resize(scopes.size());
    const bool default_weights = options_.weights.empty();
    std::optional<Weights> weights;
    if (!default_weights || scopes.size() > 1 || (scopes.size() == 1 && !scopes[0].empty())) {
      weights.emplace(options_.weights);
    }
    for (std::size_t scope = 0; scope < scopes.size(); ++scope) {
      for (std::size_t i = 0; i < snapshot_.segments.size(); ++i) {
        if (default_weights && scopes[scope].empty()) {
          scorers_[scope].push_back(&state_.scorers[i]);
          continue;
        }
        own_scorers_.push_back(std::make_unique<SegmentScorer>(
            *snapshot_.segments[i].segment, state_.statistics, weights->within(scopes[scope])));
        scorers_[scope].push_back(own_scorers_.back().get());
      }
    }
  }

  WordMatcher matcher(std::size_t segment, std::size_t word) const {
    return {snapshot_.segments[segment], *scorers_[scope_[word]][segment]};
  }

  void find_near() {
    for (const QueryWord& word : query_.words) near_.push_back(find_near_tags(snapshot_, word));
  }

  // Answers where it can be done without looking at every document that matches.
  bool prune(SearchResult& result) const {
    const std::size_t wanted = options_.skip + std::min(options_.capacity, SIZE_MAX - options_.skip);
    if (options_.sort != PRSE_BY_SCORE || !options_.facets.empty() || wanted == 0 || wanted > kMostPruned ||
        scorers_.size() != 1 || !PrunedSearch::can_answer(query_) ||
        !std::all_of(scorers_[0].begin(), scorers_[0].end(),
                     [](const SegmentScorer* scorer) { return scorer->searches_all(); })) {
      return false;
    }
    PrunedSearch pruned(state_, query_, near_, scorers_[0]);
    if (wanted > kMostPrunedOfSeveral && pruned.has_several_lists()) return false;
    for (std::size_t w = 0; w < query_.words.size(); ++w) {
      if (options_.typos && query_.words[w].typos && !pruned.is_known(w)) return false;
    }
    bool all = query_.root.children.front().kind != QueryNode::Kind::kAny;
    if (options_.count) result.total = pruned.count(all);
    std::vector<RankedHit> ranked = pruned.find(all, wanted);
    if (ranked.empty() && can_relax(query_.root)) {
      if (has_chunks(query_.root)) return false;
      all = false;
      if (options_.count) result.total = pruned.count(all);
      ranked = pruned.find(all, wanted);
      result.relaxed = !ranked.empty();
    }
    if (!options_.count) result.total = ranked.size();
    result.hits.reserve(ranked.size());
    for (std::size_t i = options_.skip; i < ranked.size(); ++i) {
      FoundHit& hit = result.hits.emplace_back(FoundHit{ranked[i].id, ranked[i].score, 0, {}});
      if (options_.explain) explain(pruned, ranked[i], hit);
    }
    return true;
  }

  void explain(const PrunedSearch& pruned, const RankedHit& hit, FoundHit& out) const {
    const SegmentScorer& scorer = *scorers_[0][hit.segment];
    for (std::size_t w = 0; w < query_.words.size(); ++w) {
      std::vector<PrunedSearch::Found> found = pruned.lists_of(w, hit);
      const auto best = std::find_if(found.begin(), found.end(), [](const auto& one) { return one.best; });
      if (best == found.end()) continue;
      const double score = pruned.idf(w) * best->worth;
      const WordList* const best_list = best->list;
      if (best->list->via == PRSE_NEIGHBOUR) {
        std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
          return a.list->similarity > b.list->similarity;
        });
      } else {
        found = {*best};
      }
      for (const PrunedSearch::Found& one : found) {
        tell(out.explanations, hit, scorer, w, one.fields, {one.list->via, "", one.list->text, one.list->similarity},
             one.list == best_list ? score : 0);
      }
    }
    out.proximity = static_cast<float>(pruned.nearness(hit));
  }

  // A way in which a hit has a word, for each field; the score is divided as the fields' weights are.
  void tell(std::vector<Explanation>& out, const RankedHit& hit, const SegmentScorer& scorer,
            std::size_t word, std::span<const FieldCount> counts, const Way& way, double score) const {
    const auto& fields = snapshot_.segments[hit.segment].segment->fields();
    const double whole = scorer.sum(hit.doc, counts);
    for (const FieldCount& count : counts) {
      if (!scorer.searches(count.field)) continue;
      const double share = scorer.weighted(hit.doc, count.field, count.times) / whole;
      out.push_back({std::string(fields[count.field].name), query_.words[word].typed, way.word, way.via,
                     way.similarity, static_cast<float>(score * share)});
    }
  }

  void weigh_phrases() {
    phrases_.resize(query_.words.size());
    for (std::size_t w = 0; w < query_.words.size(); ++w) {
      const QueryWord& word = query_.words[w];
      if (word.phrase) phrases_[w] = weigh_phrase(state_, word.terms);
    }
  }

  void match_words() {
    const std::size_t segments = snapshot_.segments.size();
    const std::vector<QueryWord>& words = query_.words;
    matches_.resize(segments);
    run_parallel(segments, threads_, [&](std::size_t i) {
      for (std::size_t w = 0; w < words.size(); ++w) {
        matches_[i].push_back(matcher(i, w).match(words[w], near_[w], phrases_[w]));
      }
    });
    for (std::size_t w = 0; w < words.size(); ++w) {
      if (!options_.typos || !words[w].typos || words[w].phrase || is_known(w)) continue;
      run_parallel(segments, threads_,
                   [&](std::size_t i) { matcher(i, w).add_typos(words[w], matches_[i][w]); });
    }
    for (std::size_t w = 0; w < words.size(); ++w) idf_.push_back(word_idf(w));
  }

  // Whether any document has the word, or one that it begins.
  bool is_known(std::size_t word) const {
    return std::any_of(matches_.begin(), matches_.end(), [=](const auto& segment) {
      const WordMatches& matches = segment[word];
      for (std::size_t i = 0; i < matches.ways.size(); ++i) {
        if (matches.document_counts[i] > 0 && tier(matches.ways[i].via) <= kKnownTier) return true;
      }
      return false;
    });
  }

  // Of a phrase, that of its words; else by how many documents have the word or a form of it; where none
  // has, by the most frequent of the nearest ways in which any document has it.
  double word_idf(std::size_t word) const {
    if (query_.words[word].phrase) return phrases_[word].idf;
    std::uint64_t bearing = 0;
    for (const auto& segment : matches_) bearing += segment[word].bearing;
    if (bearing > 0) return inverse_document_frequency(state_.statistics.documents, bearing);
    std::map<std::pair<int, std::string_view>, std::uint64_t> documents;
    for (const auto& segment : matches_) {
      const WordMatches& matches = segment[word];
      for (std::size_t i = 0; i < matches.ways.size(); ++i) {
        const Way& way = matches.ways[i];
        if (matches.document_counts[i] > 0) {
          documents[{tier(way.via), way.key}] += matches.document_counts[i];
        }
      }
    }
    std::uint64_t most = 0;
    for (const auto& [way, count] : documents) {
      if (way.first == documents.begin()->first.first) most = std::max(most, count);
    }
    return inverse_document_frequency(state_.statistics.documents, most);
  }

  Proximity proximity_of(std::size_t segment) const {
    const Segment& of = *snapshot_.segments[segment].segment;
    Proximity proximity(query_, idf_, of);
    for (std::size_t w = 0; w < query_.words.size() && !proximity.empty(); ++w) {
      for (const Way& way : matches_[segment][w].ways) {
        if (tier(way.via) > kFormTier || way.key.empty()) continue;
        const PostingList list = of.postings(way.key, of.terms().find(way.key).value());
        proximity.add(w, list, *scorers_[scope_[w]][segment]);
      }
    }
    return proximity;
  }

  std::vector<RankedHit> rank(bool relaxed, SearchResult& result) const {
    const std::size_t segments = snapshot_.segments.size();
    const std::size_t wanted = options_.skip + std::min(options_.capacity, SIZE_MAX - options_.skip);
    std::vector<std::vector<RankedHit>> best(segments);
    std::vector<std::uint64_t> totals(segments);
    FacetCounter facets(snapshot_, options_.facets);
    const bool by_name = options_.sort == PRSE_BY_NAME;
    run_parallel(segments, threads_, [&](std::size_t i) {
      const Segment& segment = *snapshot_.segments[i].segment;
      const Evaluator evaluator(snapshot_.segments[i], matches_[i], idf_);
      const std::vector<ScoredDocument> scored = evaluator.evaluate(query_.root, relaxed);
      totals[i] = scored.size();
      facets.count(i, scored);
      const StoredValues::Field* names = by_name ? segment.stored().find(kNameField) : nullptr;
      Proximity proximity = proximity_of(i);
      TopHits top(wanted);
      const bool by_score = options_.sort == PRSE_BY_SCORE;
      for (const ScoredDocument& hit : scored) {
        if (by_score && !top.wants(static_cast<float>(hit.score + proximity.most()))) continue;
        // Where hits are sorted by something else, it is added to those that are told.
        const auto score = static_cast<float>(hit.score + (by_score ? proximity.of(hit.doc) : 0));
        const float key = by_score ? score : 0;
        if (!top.wants(key)) continue;
        // The lowest first is the highest first of the negated.
        std::int64_t order = segment.order(hit.doc);
        if (by_name) order = name_of(names, hit.doc);
        top.offer({key, options_.sort == PRSE_BY_ORDER_UP || by_name ? ~order : order, segment.id(hit.doc),
                   static_cast<std::uint32_t>(i), hit.doc, score});
      }
      best[i] = top.take();
      for (RankedHit& hit : best[i]) {
        if (by_score || proximity.empty()) break;
        const auto found = std::lower_bound(
            scored.begin(), scored.end(), hit.doc,
            [](const ScoredDocument& one, std::uint32_t doc) { return one.doc < doc; });
        hit.shown = static_cast<float>(found->score + proximity.of(hit.doc));
      }
    });
    result.facets = facets.take(options_.facet_limit);
    for (const std::uint64_t of_segment : totals) result.total += of_segment;
    if (by_name) return merge_by_name(best, wanted);
    TopHits top(wanted);
    for (std::size_t i = 0; i < segments; ++i) {
      for (const RankedHit& hit : best[i]) top.offer(hit);
    }
    return top.take();
  }

  // The place of a document's name among those of its segment; behind all where it has none.
  static std::int64_t name_of(const StoredValues::Field* names, std::uint32_t doc) {
    std::int64_t place = std::numeric_limits<std::int64_t>::max();
    if (names != nullptr) {
      names->of(doc, [&](std::uint32_t at) { place = std::min<std::int64_t>(place, at); });
    }
    return place;
  }

  // Each segment's hits are in the order of their names; names of two segments compare as texts.
  std::vector<RankedHit> merge_by_name(const std::vector<std::vector<RankedHit>>& best,
                                       std::size_t wanted) const {
    struct Named {
      bool has_name;
      std::string key;
      RankedHit hit;
    };
    std::vector<Named> all;
    for (const auto& of_segment : best) {
      for (const RankedHit& hit : of_segment) {
        const StoredValues::Field* names = snapshot_.segments[hit.segment].segment->stored().find(kNameField);
        const std::int64_t place = ~hit.order;
        const bool has_name = names != nullptr && place < std::int64_t{names->values.size()};
        all.push_back({has_name, has_name ? names->values.at(static_cast<std::uint32_t>(place)).key() : "", hit});
      }
    }
    std::sort(all.begin(), all.end(), [](const Named& a, const Named& b) {
      if (a.has_name != b.has_name) return a.has_name;
      return a.key != b.key ? a.key < b.key : a.hit.id < b.hit.id;
    });
    std::vector<RankedHit> out;
    for (std::size_t i = 0; i < std::min(wanted, all.size()); ++i) out.push_back(all[i].hit);
    return out;
  }

  void explain(const RankedHit& hit, FoundHit& out) const {
    for (std::size_t w = 0; w < query_.words.size(); ++w) {
      if (query_.words[w].excluded) continue;
      const WordMatches& matches = matches_[hit.segment][w];
      const auto found =
          std::lower_bound(matches.documents.begin(), matches.documents.end(), hit.doc,
                           [](const WordMatch& match, std::uint32_t doc) { return match.doc < doc; });
      if (found == matches.documents.end() || found->doc != hit.doc) continue;
      const Way& best = matches.ways[found->way];
      for (const Way* way : ways_to_tell(matches, best)) {
        const std::vector<FieldCount> counts = matcher(hit.segment, w).fields(query_.words[w], *way, hit.doc);
        tell(out.explanations, hit, *scorers_[scope_[w]][hit.segment], w, counts, *way,
             way == &best ? idf_[w] * found->worth : 0);
      }
    }
    out.proximity = static_cast<float>(proximity_of(hit.segment).of(hit.doc));
  }

  // The best way; where that is a tag, every tag that may have led there, the nearest first.
  static std::vector<const Way*> ways_to_tell(const WordMatches& matches, const Way& best) {
    if (best.via != PRSE_NEIGHBOUR) return {&best};
    std::vector<const Way*> ways;
    for (const Way& way : matches.ways) {
      if (way.via == PRSE_NEIGHBOUR) ways.push_back(&way);
    }
    std::stable_sort(ways.begin(), ways.end(),
                     [](const Way* a, const Way* b) { return a->similarity > b->similarity; });
    return ways;
  }

  const SearchState& state_;
  const Snapshot& snapshot_;
  const SearchOptions& options_;
  Query query_;
  std::size_t threads_ = 1;
  std::vector<std::vector<NearTag>> near_;          // by word
  std::vector<std::size_t> scope_;                  // by word: which of a segment's scorers
  std::vector<std::vector<const SegmentScorer*>> scorers_;  // by scope, then segment
  std::vector<std::unique_ptr<SegmentScorer>> own_scorers_;
  std::vector<PhraseWords> phrases_;                // by word; empty for those that are no phrase
  std::vector<std::vector<WordMatches>> matches_;   // by segment, then word
  std::vector<double> idf_;                         // by word
};

}  // namespace

SearchResult search(const SearchState& state, std::string_view query, const SearchOptions& options) {
  return Search(state, query, options).run();
}

}  // namespace prse
