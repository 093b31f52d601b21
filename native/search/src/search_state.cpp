#include "search_state.h"

#include <bit>
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

std::uint32_t SearchState::living_of_stem(std::uint32_t segment, const std::string& stem,
                                          std::span<const PostingList* const> lists) const {
  const std::pair key(segment, stem);
  {
    const std::lock_guard lock(mutex_);
    const auto known = living_of_stems_.find(key);
    if (known != living_of_stems_.end()) return known->second;
  }
  const LiveSet& alive = snapshot->segments[segment].liveness->documents;
  std::vector<std::uint64_t> bits((std::size_t{alive.size()} + 63) / 64);
  PostingBlock block;
  for (const PostingList* list : lists) list->add_to(bits, block);
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < bits.size(); ++i) {
    count += static_cast<std::uint32_t>(std::popcount(bits[i] & alive.word(i)));
  }
  const std::lock_guard lock(mutex_);
  living_of_stems_.emplace(key, count);
  return count;
}

}  // namespace prse
