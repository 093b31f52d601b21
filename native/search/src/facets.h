// How many of the documents that match have each value of a field.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "evaluator.h"
#include "snapshot.h"

namespace prse {

// Not a field of the index: the year of a document's order.
inline constexpr std::string_view kYearFacet = "year";

struct FacetCount {
  std::string field;
  std::string value;
  std::uint64_t count;
};

// Counts for fields whose values are stored (stored_values.h), and kYearFacet, over all segments.
class FacetCounter {
 public:
  // PRSE_INVALID for a field that cannot be counted. All must outlive it.
  FacetCounter(const Snapshot& snapshot, std::span<const std::string_view> fields);

  // Counts a segment's documents. Segments may be counted at once, each by one thread.
  void count(std::size_t segment, std::span<const ScoredDocument> documents);

  // Of each field the `most` most frequent, the most frequent first, then by value; in the order of
  // the fields.
  std::vector<FacetCount> take(std::size_t most) const;

 private:
  const Snapshot& snapshot_;
  std::span<const std::string_view> fields_;
  // By segment, then field: by the value's place, or by the year.
  std::vector<std::vector<std::vector<std::uint64_t>>> counts_;
};

}  // namespace prse
