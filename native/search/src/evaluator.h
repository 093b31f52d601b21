// Combines what a query's words match in one segment, as its groups, ORs and exclusions say.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query.h"
#include "snapshot.h"
#include "word_matcher.h"

namespace prse {

struct ScoredDocument {
  std::uint32_t doc;
  double score;
};

// Whether "all words" may become "any of them": there are at least two that may be missing.
bool can_relax(const QueryNode& root);

// Whether some of the words stay together then.
bool has_chunks(const QueryNode& root);

class Evaluator {
 public:
  // `matches` and `idf` by the query's words; all must outlive it.
  Evaluator(const SegmentView& view, std::span<const WordMatches> matches, std::span<const double> idf)
      : view_(view), matches_(matches), idf_(idf) {}

  // The living documents that match, ascending, with the sum of what their words are worth.
  // `relaxed`: of the root's children that are not demanded, any is enough.
  std::vector<ScoredDocument> evaluate(const QueryNode& root, bool relaxed) const {
    return all_of(root.children, relaxed);
  }

 private:
  using Documents = std::vector<ScoredDocument>;
  Documents of(const QueryNode& node) const;  // negation not minded
  Documents of_word(std::size_t word) const;
  Documents all_of(const std::vector<QueryNode>& children, bool relaxed) const;
  Documents any_of(const std::vector<QueryNode>& children) const;
  Documents living() const;
  bool in_time(const QueryNode& node, std::uint32_t doc) const;

  const SegmentView& view_;
  std::span<const WordMatches> matches_;
  std::span<const double> idf_;
};

}  // namespace prse
