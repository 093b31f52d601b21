// The best few of many hits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace prse {

struct RankedHit {
  float score;
  std::int64_t order;
  std::uint64_t id;
  std::uint32_t segment = 0;
  std::uint32_t doc = 0;
  float shown = 0;  // the score to tell, where hits are not sorted by it

  // The better first: by score, then by order, both the higher; then by id, the lower.
  bool ranks_before(const RankedHit& other) const {
    if (score != other.score) return score > other.score;
    if (order != other.order) return order > other.order;
    return id < other.id;
  }
};

class TopHits {
 public:
  explicit TopHits(std::size_t capacity) : capacity_(capacity) { heap_.reserve(std::min(capacity, kFew)); }

  // Whether a hit of this score could still be among the best.
  bool wants(float score) const {
    return heap_.size() < capacity_ || (capacity_ > 0 && score >= heap_.front().score);
  }

  std::size_t capacity() const { return capacity_; }
  bool full() const { return heap_.size() == capacity_; }
  // The score of the worst hit held; of nothing while there is room.
  float worst() const {
    return heap_.size() < capacity_ || heap_.empty() ? -std::numeric_limits<float>::infinity()
                                                     : heap_.front().score;
  }

  // The same where a document may be offered several times: the best of its hits counts.
  void offer_once(const RankedHit& hit) {
    const auto same = std::find_if(heap_.begin(), heap_.end(),
                                   [&](const RankedHit& held) { return held.id == hit.id; });
    if (same == heap_.end()) {
      offer(hit);
    } else if (hit.ranks_before(*same)) {
      *same = hit;
      std::make_heap(heap_.begin(), heap_.end(), before);
    }
  }

  void offer(const RankedHit& hit) {
    if (heap_.size() < capacity_) {
      heap_.push_back(hit);
      std::push_heap(heap_.begin(), heap_.end(), before);
    } else if (capacity_ > 0 && hit.ranks_before(heap_.front())) {
      replace_worst(hit);
    }
  }

  // Best first.
  std::vector<RankedHit> take() {
    std::sort_heap(heap_.begin(), heap_.end(), before);
    return std::move(heap_);
  }

 private:
  static constexpr std::size_t kFew = 16;

  // In one way down the heap, where taking one out and putting another in would take two.
  void replace_worst(const RankedHit& hit) {
    std::size_t at = 0;
    for (std::size_t child = 1; child < heap_.size(); child = 2 * at + 1) {
      if (child + 1 < heap_.size() && before(heap_[child], heap_[child + 1])) ++child;
      if (!before(hit, heap_[child])) break;
      heap_[at] = heap_[child];
      at = child;
    }
    heap_[at] = hit;
  }

  static bool before(const RankedHit& a, const RankedHit& b) { return a.ranks_before(b); }

  std::size_t capacity_;
  std::vector<RankedHit> heap_;  // the worst on top
};

}  // namespace prse
