// A snapshot with what every search of it needs, made once.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "scorer.h"
#include "snapshot.h"

namespace prse {

class SearchState {
 public:
  explicit SearchState(std::shared_ptr<const Snapshot> of);

  const std::shared_ptr<const Snapshot> snapshot;
  const Statistics statistics;
  const std::vector<std::string_view> field_names;
  const std::vector<SegmentScorer> scorers;  // by segment, with the default weights

  // How many living documents a term's list has; `value` is the term's in the segment's
  // dictionary. Where some are dead, what was counted once is remembered.
  std::uint32_t living(const SegmentView& view, std::string_view value, const PostingList& list) const;

  // How many living documents are in any of several lists of a segment, which are those of a stem.
  std::uint32_t living_of_stem(std::uint32_t segment, const std::string& stem,
                               std::span<const PostingList* const> lists) const;

 private:
  mutable std::mutex mutex_;
  mutable std::map<std::pair<std::uint32_t, std::string>, std::uint32_t> living_of_stems_;
  mutable std::unordered_map<const char*, std::uint32_t> living_;  // by where the value lies
};

}  // namespace prse
