#include "nearest.h"

#include <string>

#include "status.h"
#include "vectors.h"

namespace prse {
namespace {

constexpr std::uint64_t kNobody = 0;  // no document has this id

std::vector<RankedHit> scan(const Snapshot& snapshot, std::string_view space,
                            const QueryVector& query, std::uint64_t without,
                            std::size_t capacity) {
  TopHits top(capacity);
  for (const SegmentView& view : snapshot.segments) {
    for (const StoredSpace& stored : view.segment->spaces()) {
      if (stored.name != space || stored.dimension != query.dimension()) continue;
      for (std::uint32_t row = 0; row < stored.rows; ++row) {
        if (!view.liveness->vectors.alive(stored.first_row + row)) continue;
        const float cosine = query.cosine(stored.values(row), stored.inverse_norm(row));
        if (!top.wants(cosine)) continue;
        const std::uint64_t id = stored.id(row);
        // A vector may be there before its document is.
        if (id != without && snapshot.has_document(id)) top.offer({cosine, 0, id});
      }
    }
  }
  return top.take();
}

}  // namespace

std::vector<RankedHit> find_nearest(const Snapshot& snapshot, std::string_view space,
                                    std::span<const float> values, std::size_t capacity) {
  for (const SegmentView& view : snapshot.segments) {
    for (const StoredSpace& stored : view.segment->spaces()) {
      if (stored.name != space || stored.dimension == values.size()) continue;
      for (std::uint32_t row = 0; row < stored.rows; ++row) {
        if (!view.liveness->vectors.alive(stored.first_row + row)) continue;
        fail_invalid("space \"" + std::string(space) + "\" has " +
                     std::to_string(stored.dimension) + " dimensions, not " +
                     std::to_string(values.size()));
      }
    }
  }
  return scan(snapshot, space, QueryVector(values), kNobody, capacity);
}

std::vector<RankedHit> find_similar(const Snapshot& snapshot, std::string_view space,
                                    std::uint64_t id, std::size_t capacity) {
  for (const SegmentView& view : snapshot.segments) {
    for (const StoredSpace& stored : view.segment->spaces()) {
      if (stored.name != space) continue;
      const auto row = stored.find(id);
      if (!row.has_value() || !view.liveness->vectors.alive(stored.first_row + *row)) continue;
      if (!snapshot.has_document(id)) break;
      return scan(snapshot, space, QueryVector(stored.copy(*row)), id, capacity);
    }
  }
  throw Error(PRSE_NOT_FOUND, "document " + std::to_string(id) + " has no vector in space \"" +
                                  std::string(space) + "\"");
}

}  // namespace prse
