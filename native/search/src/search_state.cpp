#include "search_state.h"

#include <utility>

namespace prse {
namespace {

std::vector<std::string_view> names_of(const Statistics& statistics) {
  std::vector<std::string_view> names;
  for (const auto& [name, field] : statistics.fields) names.push_back(name);
  return names;
}

std::vector<SegmentScorer> default_scorers(const Snapshot& snapshot, const Statistics& statistics) {
  const Weights weights{{}};
  std::vector<SegmentScorer> scorers;
  for (const SegmentView& view : snapshot.segments) {
    scorers.emplace_back(*view.segment, statistics, weights);
  }
  return scorers;
}

}  // namespace

SearchState::SearchState(std::shared_ptr<const Snapshot> of)
    : snapshot(std::move(of)),
      statistics(collect_statistics(snapshot->segments)),
      field_names(names_of(statistics)),
      scorers(default_scorers(*snapshot, statistics)) {}

std::uint32_t SearchState::living(const SegmentView& view, std::string_view value,
                                  const PostingList& list) const {
  if (view.liveness->documents.dead() == 0) return list.documents();
  {
    const std::lock_guard lock(mutex_);
    const auto known = living_.find(value.data());
    if (known != living_.end()) return known->second;
  }
  std::uint32_t count = 0;
  PostingBlock block;
  for (std::uint32_t number = 0; number < list.blocks(); ++number) {
    list.read_documents(number, block);
    for (std::uint32_t i = 0; i < block.size; ++i) count += view.alive(block.docs[i]) ? 1 : 0;
  }
  const std::lock_guard lock(mutex_);
  living_.emplace(value.data(), count);
  return count;
}

}  // namespace prse
