// Search for the nearest vectors of a space.
//
// Few vectors are all compared. Of many, the signs of all rows are compared first, an eighth of the
// bytes; those that differ in the fewest are compared wholly: "Similarity estimation techniques from
// rounding algorithms", Charikar, STOC 2002, says why signs tell the angle. So the answer is that of
// comparing all but for what signs miss, which a measurement beside it tells (tests/bench).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "snapshot.h"
#include "top_hits.h"

namespace prse {

// The living documents nearest to each of some vectors of one dimension, one after the other in
// `values`, nearest first. A space that nobody uses is empty. `exact`: all are compared.
// PRSE_INVALID when the space has another dimension.
std::vector<std::vector<RankedHit>> find_nearest(const Snapshot& snapshot, std::string_view space,
                                                 std::span<const float> values, std::size_t dimension,
                                                 std::size_t capacity, bool exact);

// The same for a document's own vector, without the document. PRSE_NOT_FOUND when it has none.
std::vector<RankedHit> find_similar(const Snapshot& snapshot, std::string_view space,
                                    std::uint64_t id, std::size_t capacity);

}  // namespace prse
