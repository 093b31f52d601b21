// Exact search for the nearest vectors of a space.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "snapshot.h"
#include "top_hits.h"

namespace prse {

// The living documents nearest to a vector, nearest first. A space that nobody uses is empty.
// PRSE_INVALID when the space has another dimension.
std::vector<RankedHit> find_nearest(const Snapshot& snapshot, std::string_view space,
                                    std::span<const float> values, std::size_t capacity);

// The same for a document's own vector, without the document. PRSE_NOT_FOUND when it has none.
std::vector<RankedHit> find_similar(const Snapshot& snapshot, std::string_view space,
                                    std::uint64_t id, std::size_t capacity);

}  // namespace prse
