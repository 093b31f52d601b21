#include "facets.h"

#include <algorithm>
#include <map>
#include <utility>

#include "query_dates.h"
#include "status.h"

namespace prse {
namespace {

// Beyond these, an order is no year that anybody asks for.
constexpr int kFirstYear = 1;
constexpr int kLastYear = 9999;

}  // namespace

FacetCounter::FacetCounter(const Snapshot& snapshot, std::span<const std::string_view> fields)
    : snapshot_(snapshot), fields_(fields), counts_(snapshot.segments.size()) {
  for (const std::string_view field : fields) {
    if (field != kYearFacet && !is_stored_field(field)) {
      fail_invalid("field \"" + std::string(field) +
                   "\" cannot be counted: there are camera, filename, folder, lens, place, tags and year");
    }
  }
}

void FacetCounter::count(std::size_t number, std::span<const ScoredDocument> documents) {
  const Segment& segment = *snapshot_.segments[number].segment;
  for (const std::string_view name : fields_) {
    std::vector<std::uint64_t>& counts = counts_[number].emplace_back();
    if (name == kYearFacet) {
      counts.resize(kLastYear + 1);
      for (const ScoredDocument& hit : documents) {
        const int year = year_of(segment.order(hit.doc));
        if (year >= kFirstYear && year <= kLastYear) ++counts[static_cast<std::size_t>(year)];
      }
      continue;
    }
    const StoredValues::Field* field = segment.stored().find(name);
    if (field == nullptr) continue;
    counts.resize(field->values.size());
    for (const ScoredDocument& hit : documents) {
      field->of(hit.doc, [&](std::uint32_t place) { ++counts[place]; });
    }
  }
}

std::vector<FacetCount> FacetCounter::take(std::size_t most) const {
  std::vector<FacetCount> out;
  for (std::size_t f = 0; f < fields_.size(); ++f) {
    std::map<std::string, std::uint64_t> totals;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i].size() <= f) continue;
      const std::vector<std::uint64_t>& counts = counts_[i][f];
      for (std::uint32_t place = 0; place < counts.size(); ++place) {
        if (counts[place] == 0) continue;
        if (fields_[f] == kYearFacet) {
          totals[std::to_string(place)] += counts[place];
          continue;
        }
        const Dictionary& values = snapshot_.segments[i].segment->stored().find(fields_[f])->values;
        totals[std::string(value_of_key(values.at(place).key()))] += counts[place];
      }
    }
    std::vector<std::pair<std::string, std::uint64_t>> sorted(totals.begin(), totals.end());
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    for (std::size_t i = 0; i < std::min(most, sorted.size()); ++i) {
      out.push_back({std::string(fields_[f]), std::move(sorted[i].first), sorted[i].second});
    }
  }
  return out;
}

}  // namespace prse
