#include "contenders.h"

#include <functional>

namespace prse {
namespace {

// So many documents may wait before those are left out that have lost by now.
constexpr std::size_t kMostWaiting = 4'096;
// So many of them are looked at in the order of the documents.
constexpr std::ptrdiff_t kAtOnce = 32;

}  // namespace

Contenders::Contenders(const SegmentSearch& search, Proximity& proximity, TopHits& top)
    : search_(search), proximity_(proximity), top_(top), most_waiting_(kMostWaiting) {
  if (proximity.empty()) return;
  waiting_.reserve(kBlockDocs);
  spots_.reserve(kBlockDocs * proximity.sources());
  floor_.reserve(std::min(top.capacity(), kBlockDocs));
}

std::span<Spot> Contenders::add(std::uint32_t doc, double sum) {
  if (waiting_.size() >= most_waiting_) {
    leave_out_losers();
    most_waiting_ = std::max(kMostWaiting, 2 * waiting_.size());
  }
  raise_floor(static_cast<float>(sum));
  const std::size_t begin = spots_.size();
  waiting_.push_back({doc, sum, begin});
  spots_.resize(begin + proximity_.sources());
  return std::span(spots_).subspan(begin);
}

void Contenders::raise_floor(float sum) {
  if (floor_.size() == top_.capacity()) {
    if (floor_.empty() || sum <= floor_.front()) return;
    std::pop_heap(floor_.begin(), floor_.end(), std::greater<>());
    floor_.back() = sum;
  } else {
    floor_.push_back(sum);
  }
  std::push_heap(floor_.begin(), floor_.end(), std::greater<>());
}

void Contenders::leave_out_losers() {
  std::erase_if(waiting_, [this](const Contender& one) { return !wants(one.sum + proximity_.most()); });
  const auto each = static_cast<std::ptrdiff_t>(proximity_.sources());
  auto next = spots_.begin();
  for (Contender& one : waiting_) {
    const auto first = spots_.begin() + static_cast<std::ptrdiff_t>(one.spots);
    one.spots = static_cast<std::size_t>(next - spots_.begin());
    next = std::copy(first, first + each, next);
  }
  spots_.erase(next, spots_.end());
}

// The best first: most of the others then cannot win any more. Some at once in the order of the documents, since
// neighbours may be in one block.
void Contenders::settle() {
  leave_out_losers();
  const auto by_sum = [](const Contender& a, const Contender& b) { return a.sum > b.sum; };
  const auto by_doc = [](const Contender& a, const Contender& b) { return a.doc < b.doc; };
  std::sort(waiting_.begin(), waiting_.end(), by_sum);
  for (auto next = waiting_.begin(); next != waiting_.end() && wants(next->sum + proximity_.most());) {
    const auto end = next + std::min(kAtOnce, waiting_.end() - next);
    std::sort(next, end, by_doc);
    for (; next != end; ++next) {
      if (!wants(next->sum + proximity_.most())) continue;
      const auto spots = std::span(spots_).subspan(next->spots, proximity_.sources());
      const auto score = static_cast<float>(next->sum + proximity_.of(next->doc, spots));
      if (top_.wants(score)) top_.offer(search_.hit(next->doc, score));
    }
  }
}

}  // namespace prse
