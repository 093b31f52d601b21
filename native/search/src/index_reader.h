// The index open for reading: one committed state at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "file_system.h"
#include "nearest.h"
#include "searcher.h"
#include "snapshot.h"

namespace prse {

class IndexReader {
 public:
  explicit IndexReader(std::unique_ptr<FileSystem> files);

  // Moves to the newest committed state; whether there was a newer one. Searches that run
  // meanwhile finish on the state they began with.
  bool refresh();

  prse_info info() const { return state()->snapshot->info(); }
  SearchResult search(std::string_view query, const SearchOptions& options) const;
  std::vector<std::vector<RankedHit>> nearest(std::string_view space, std::span<const float> values,
                                              std::size_t dimension, std::size_t capacity,
                                              bool exact) const;
  std::vector<RankedHit> similar(std::string_view space, std::uint64_t id,
                                 std::size_t capacity) const;
  // Fills `ids` with those of the first living documents above `after`, ascending; how many.
  std::size_t documents(std::uint64_t after, std::span<std::uint64_t> ids) const;

  // The state that searches begin with now.
  std::shared_ptr<const SearchState> state() const;

 private:

  std::unique_ptr<FileSystem> files_;
  mutable std::mutex mutex_;  // of `state_`
  std::shared_ptr<const SearchState> state_;
};

// Verifies every checksum and structure of the index. PRSE_CORRUPT says where.
void check_index(const FileSystem& files);

}  // namespace prse
