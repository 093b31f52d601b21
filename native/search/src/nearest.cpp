#include "nearest.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "kernels.h"
#include "status.h"
#include "vectors.h"

namespace prse {
namespace {

constexpr std::uint64_t kNobody = 0;  // no document has this id

// From so many vectors on, signs are compared first.
constexpr std::uint64_t kFewVectors = 16'384;
// How many are then compared wholly, at least: of all, one in so many; of those wanted, so many each.
constexpr std::uint64_t kLeastCandidates = 1'024;
constexpr std::uint64_t kCandidateShare = 200;
constexpr std::uint64_t kCandidatesEach = 32;
constexpr std::uint64_t kManySigns = 512;

// Rows whose signs several queries look at while they are in the cache.
constexpr std::uint32_t kRowsAtOnce = 4'096;
// Queries that are answered at once: each takes two bytes for each vector.
constexpr std::size_t kQueriesAtOnce = 16;

// The part of the space that a segment has.
struct Part {
  const SegmentView* view;
  const StoredSpace* space;
  bool alive(std::uint32_t row) const { return view->liveness->vectors.alive(space->first_row + row); }
};

std::vector<Part> parts_of(const Snapshot& snapshot, std::string_view space) {
  std::vector<Part> parts;
  for (const SegmentView& view : snapshot.segments) {
    for (const StoredSpace& stored : view.segment->spaces()) {
      if (stored.name != space) continue;
      view.segment->verify_vectors();
      parts.push_back({&view, &stored});
    }
  }
  return parts;
}

class Scan {
 public:
  Scan(const Snapshot& snapshot, std::vector<Part> parts, std::size_t capacity)
      : snapshot_(snapshot), parts_(std::move(parts)), capacity_(capacity) {
    for (const Part& part : parts_) rows_ += part.space->rows;
  }

  bool has_few() const { return rows_ < kFewVectors; }

  std::vector<RankedHit> compare_all(const QueryVector& query, std::uint64_t without) const {
    TopHits top(capacity_);
    for (const Part& part : parts_) {
      for (std::uint32_t row = 0; row < part.space->rows; ++row) compare(query, without, part, row, top);
    }
    return top.take();
  }

  // For each query; by signs first.
  std::vector<std::vector<RankedHit>> compare_likely(std::span<const QueryVector> queries,
                                                     std::uint64_t without) const {
    std::vector<std::vector<RankedHit>> out;
    while (!queries.empty()) {
      const std::size_t some = std::min(queries.size(), kQueriesAtOnce);
      const std::vector<std::vector<std::uint16_t>> distances = differences(queries.first(some));
      for (std::size_t i = 0; i < some; ++i) out.push_back(nearest(queries[i], distances[i], without));
      queries = queries.subspan(some);
    }
    return out;
  }

 private:
  void compare(const QueryVector& query, std::uint64_t without, const Part& part, std::uint32_t row,
               TopHits& top) const {
    const StoredSpace& space = *part.space;
    if (!part.alive(row)) return;
    const float cosine = query.cosine(space.values(row), space.inverse_norm(row));
    if (!top.wants(cosine)) return;
    const std::uint64_t id = space.id(row);
    // A vector may be there before its document is.
    if (id != without && snapshot_.has_document(id)) top.offer({cosine, 0, id});
  }

  // By query: in how many signs each row differs, all parts' rows one after the other.
  std::vector<std::vector<std::uint16_t>> differences(std::span<const QueryVector> queries) const {
    std::vector<std::vector<std::uint16_t>> out(queries.size(), std::vector<std::uint16_t>(rows_));
    std::uint64_t begin = 0;
    for (const Part& part : parts_) {
      const std::size_t bytes = sign_bytes(part.space->dimension);
      for (std::uint32_t row = 0; row < part.space->rows; row += kRowsAtOnce) {
        const std::uint32_t count = std::min(kRowsAtOnce, part.space->rows - row);
        for (std::size_t i = 0; i < queries.size(); ++i) {
          kernels().hamming_rows(queries[i].signs(), part.space->signs(row), bytes, count,
                                 out[i].data() + begin + row);
        }
      }
      begin += part.space->rows;
    }
    return out;
  }

  std::vector<RankedHit> nearest(const QueryVector& query, const std::vector<std::uint16_t>& distances,
                                 std::uint64_t without) const {
    // The fewer the signs, the less they tell.
    const std::uint64_t share = std::max<std::uint64_t>(1, kManySigns / query.dimension());
    const std::uint64_t wanted = share * std::max({kLeastCandidates, rows_ / kCandidateShare,
                                                   kCandidatesEach * std::uint64_t{capacity_}});
    // How many rows lie at each distance; four counters, since one would wait for itself.
    std::vector<std::array<std::uint32_t, 4>> counts(kMostDimensions + 1);
    for (std::size_t i = 0; i < distances.size(); ++i) ++counts[distances[i]][i % 4];
    std::uint32_t farthest = 0;
    for (std::uint64_t seen = 0; farthest < kMostDimensions; ++farthest) {
      for (const std::uint32_t count : counts[farthest]) seen += count;
      if (seen >= wanted) break;
    }
    TopHits top(capacity_);
    std::uint64_t begin = 0;
    for (const Part& part : parts_) {
      const std::uint16_t* of_part = distances.data() + begin;
      for (std::uint32_t row = 0; row < part.space->rows; ++row) {
        if (of_part[row] <= farthest) compare(query, without, part, row, top);
      }
      begin += part.space->rows;
    }
    return top.take();
  }

  const Snapshot& snapshot_;
  std::vector<Part> parts_;
  std::size_t capacity_;
  std::uint64_t rows_ = 0;
};

}  // namespace

std::vector<std::vector<RankedHit>> find_nearest(const Snapshot& snapshot, std::string_view space,
                                                 std::span<const float> values, std::size_t dimension,
                                                 std::size_t capacity, bool exact) {
  std::vector<Part> parts = parts_of(snapshot, space);
  for (const Part& part : parts) {
    if (part.space->dimension == dimension) continue;
    for (std::uint32_t row = 0; row < part.space->rows; ++row) {
      if (!part.alive(row)) continue;
      fail_invalid("space \"" + std::string(space) + "\" has " + std::to_string(part.space->dimension) +
                   " dimensions, not " + std::to_string(dimension));
    }
  }
  std::erase_if(parts, [=](const Part& part) { return part.space->dimension != dimension; });
  std::vector<QueryVector> queries;
  for (; values.size() >= dimension && dimension > 0; values = values.subspan(dimension)) {
    queries.emplace_back(values.first(dimension));
  }
  const Scan scan(snapshot, std::move(parts), capacity);
  if (!exact && !scan.has_few()) return scan.compare_likely(queries, kNobody);
  std::vector<std::vector<RankedHit>> out;
  for (const QueryVector& query : queries) out.push_back(scan.compare_all(query, kNobody));
  return out;
}

std::vector<RankedHit> find_similar(const Snapshot& snapshot, std::string_view space,
                                    std::uint64_t id, std::size_t capacity) {
  std::vector<Part> parts = parts_of(snapshot, space);
  for (const Part& part : parts) {
    const auto row = part.space->find(id);
    if (!row.has_value() || !part.alive(*row)) continue;
    if (!snapshot.has_document(id)) break;
    const QueryVector query(part.space->copy(*row));
    std::erase_if(parts, [&](const Part& other) { return other.space->dimension != query.dimension(); });
    const Scan scan(snapshot, std::move(parts), capacity);
    if (scan.has_few()) return scan.compare_all(query, id);
    return std::move(scan.compare_likely(std::span(&query, 1), id).front());
  }
  throw Error(PRSE_NOT_FOUND, "document " + std::to_string(id) + " has no vector in space \"" +
                                  std::string(space) + "\"");
}

}  // namespace prse
