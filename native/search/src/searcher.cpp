#include "searcher.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "neighbours.h"
#include "parallel.h"
#include "query.h"
#include "top_hits.h"
#include "word_matcher.h"

namespace prse {
namespace {

// Below this, starting a thread costs more than it saves.
constexpr std::uint32_t kLargeSegmentDocuments = 16'384;

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

struct ScoredDocument {
  std::uint32_t doc;
  double score;
};

// Adds a word's worths to the scores so far: of the documents that have both, or either.
std::vector<ScoredDocument> add_word(const std::vector<ScoredDocument>& scored,
                                     const std::vector<WordMatch>& matches, double idf, bool both) {
  std::vector<ScoredDocument> out;
  auto a = scored.begin();
  auto b = matches.begin();
  while (a != scored.end() && b != matches.end()) {
    if (a->doc == b->doc) {
      out.push_back({a->doc, a->score + idf * b->worth});
      ++a;
      ++b;
    } else if (a->doc < b->doc) {
      if (!both) out.push_back(*a);
      ++a;
    } else {
      if (!both) out.push_back({b->doc, idf * b->worth});
      ++b;
    }
  }
  if (both) return out;
  out.insert(out.end(), a, scored.end());
  for (; b != matches.end(); ++b) out.push_back({b->doc, idf * b->worth});
  return out;
}

class Search {
 public:
  Search(const Snapshot& snapshot, const Statistics& statistics, std::string_view query,
         const SearchOptions& options)
      : snapshot_(snapshot),
        statistics_(statistics),
        options_(options),
        weights_(options.weights),
        words_(parse_query(query)),
        threads_(threads_for(snapshot, options.threads)) {}

  SearchResult run() {
    SearchResult result;
    if (words_.empty()) return result;
    match_words();
    std::vector<RankedHit> ranked = rank(true, result.total);
    if (result.total == 0 && words_.size() > 1) {
      ranked = rank(false, result.total);
      result.relaxed = result.total > 0;
    }
    for (std::size_t i = options_.skip; i < ranked.size(); ++i) {
      result.hits.push_back({ranked[i].id, ranked[i].score, {}});
      if (options_.explain) explain(ranked[i], result.hits.back().explanations);
    }
    return result;
  }

 private:
  void match_words() {
    const std::size_t segments = snapshot_.segments.size();
    std::vector<std::vector<NearTag>> near;
    for (const QueryWord& word : words_) near.push_back(find_near_tags(snapshot_, word));
    for (const SegmentView& view : snapshot_.segments) {
      scorers_.emplace_back(*view.segment, statistics_, weights_);
    }
    matches_.resize(segments);
    run_parallel(segments, threads_, [&](std::size_t i) {
      const WordMatcher matcher(snapshot_.segments[i], scorers_[i]);
      for (std::size_t w = 0; w < words_.size(); ++w) {
        matches_[i].push_back(matcher.match(words_[w], near[w]));
      }
    });
    for (std::size_t w = 0; w < words_.size(); ++w) idf_.push_back(word_idf(w));
  }

  // By the most frequent of the nearest ways in which any document has the word.
  double word_idf(std::size_t word) const {
    std::map<std::pair<int, std::string_view>, std::uint64_t> documents;
    for (const auto& segment : matches_) {
      const WordMatches& matches = segment[word];
      for (std::size_t i = 0; i < matches.ways.size(); ++i) {
        const Way& way = matches.ways[i];
        if (matches.document_counts[i] > 0) {
          documents[{way.via, way.key}] += matches.document_counts[i];
        }
      }
    }
    std::uint64_t most = 0;
    for (const auto& [way, count] : documents) {
      if (way.first == documents.begin()->first.first) most = std::max(most, count);
    }
    return inverse_document_frequency(statistics_.documents, most);
  }

  std::vector<ScoredDocument> score_segment(std::size_t segment, bool all_words) const {
    std::vector<ScoredDocument> scored;
    for (std::size_t w = 0; w < words_.size(); ++w) {
      scored = add_word(scored, matches_[segment][w].documents, idf_[w], all_words && w > 0);
    }
    return scored;
  }

  std::vector<RankedHit> rank(bool all_words, std::uint64_t& total) const {
    const std::size_t segments = snapshot_.segments.size();
    const std::size_t wanted = options_.skip + std::min(options_.capacity, SIZE_MAX - options_.skip);
    std::vector<std::vector<RankedHit>> best(segments);
    std::vector<std::uint64_t> totals(segments);
    run_parallel(segments, threads_, [&](std::size_t i) {
      const Segment& segment = *snapshot_.segments[i].segment;
      const std::vector<ScoredDocument> scored = score_segment(i, all_words);
      totals[i] = scored.size();
      TopHits top(wanted);
      for (const ScoredDocument& hit : scored) {
        const auto score = static_cast<float>(hit.score);
        if (!top.wants(score)) continue;
        top.offer({score, segment.order(hit.doc), segment.id(hit.doc),
                   static_cast<std::uint32_t>(i), hit.doc});
      }
      best[i] = top.take();
    });
    TopHits top(wanted);
    for (std::size_t i = 0; i < segments; ++i) {
      total += totals[i];
      for (const RankedHit& hit : best[i]) top.offer(hit);
    }
    return top.take();
  }

  void explain(const RankedHit& hit, std::vector<Explanation>& out) const {
    const SegmentView& view = snapshot_.segments[hit.segment];
    const WordMatcher matcher(view, scorers_[hit.segment]);
    for (std::size_t w = 0; w < words_.size(); ++w) {
      const WordMatches& matches = matches_[hit.segment][w];
      const auto found =
          std::lower_bound(matches.documents.begin(), matches.documents.end(), hit.doc,
                           [](const WordMatch& match, std::uint32_t doc) { return match.doc < doc; });
      if (found == matches.documents.end() || found->doc != hit.doc) continue;
      for (const Way* way : ways_to_tell(matches, matches.ways[found->way])) {
        for (const std::uint32_t field : matcher.fields(words_[w], *way, hit.doc)) {
          out.push_back({std::string(view.segment->fields()[field].name), words_[w].typed,
                         way->word, way->via, way->similarity});
        }
      }
    }
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

  const Snapshot& snapshot_;
  const Statistics& statistics_;
  const SearchOptions& options_;
  Weights weights_;
  std::vector<QueryWord> words_;
  std::size_t threads_;
  std::vector<SegmentScorer> scorers_;              // by segment
  std::vector<std::vector<WordMatches>> matches_;   // by segment, then word
  std::vector<double> idf_;                         // by word
};

}  // namespace

SearchResult search(const Snapshot& snapshot, const Statistics& statistics, std::string_view query,
                    const SearchOptions& options) {
  return Search(snapshot, statistics, query, options).run();
}

}  // namespace prse
