#include "scorer.h"

#include <algorithm>
#include <cmath>

#include "status.h"

namespace prse {
namespace {

constexpr double kB = kLengthShare;

constexpr FieldWeight kDefaultWeights[] = {{"filename", 4}, {"tags", 3}, {"caption", 2}, {"folder", 1}};
constexpr float kOtherWeight = 1;

}  // namespace

Statistics collect_statistics(const std::vector<SegmentView>& segments) {
  Statistics statistics;
  for (const SegmentView& view : segments) {
    const Segment& segment = *view.segment;
    const LiveSet& alive = view.liveness->documents;
    // Costs what has died, not what the segment holds.
    const std::vector<std::uint32_t> dead = alive.dead_records();
    if (!dead.empty()) segment.verify_documents();
    statistics.documents += alive.live();
    const auto& fields = segment.fields();
    for (std::uint32_t number = 0; number < fields.size(); ++number) {
      Statistics::Field& field = statistics.fields[std::string(fields[number].name)];
      field.words += fields[number].words;
      field.documents += fields[number].documents;
      for (const std::uint32_t doc : dead) {
        const std::uint32_t length = segment.length(number, doc);
        field.words -= length;
        field.documents -= length > 0 ? 1 : 0;
      }
    }
  }
  return statistics;
}

double inverse_document_frequency(std::uint64_t documents, std::uint64_t with_word) {
  const auto n = static_cast<double>(documents);
  const auto df = static_cast<double>(with_word);
  return std::log1p((n - df + 0.5) / (df + 0.5));
}

Weights::Weights(std::span<const FieldWeight> chosen) {
  for (const FieldWeight& weight : kDefaultWeights) weights_.emplace(weight.field, weight.weight);
  for (const FieldWeight& weight : chosen) {
    if (!std::isfinite(weight.weight) || weight.weight < 0) {
      fail_invalid("the weight of field \"" + std::string(weight.field) +
                   "\" must be a number from 0 up");
    }
    weights_.insert_or_assign(std::string(weight.field), weight.weight);
  }
}

Weights Weights::within(std::string_view field) const {
  Weights weights = *this;
  weights.only_ = field;
  return weights;
}

float Weights::of(std::string_view field) const {
  if (!only_.empty() && field != only_) return 0;
  const auto found = weights_.find(field);
  const float weight = found == weights_.end() ? kOtherWeight : found->second;
  return weight == 0 && !only_.empty() ? kOtherWeight : weight;
}

SegmentScorer::SegmentScorer(const Segment& segment, const Statistics& statistics,
                             const Weights& weights)
    : segment_(&segment) {
  for (const Segment::Field& field : segment.fields()) {
    const auto found = statistics.fields.find(field.name);
    const Statistics::Field of_all =
        found == statistics.fields.end() ? Statistics::Field{} : found->second;
    const double average = of_all.documents == 0 ? 1
                                                 : static_cast<double>(of_all.words) /
                                                       static_cast<double>(of_all.documents);
    const double own = field.documents == 0 ? 1 : static_cast<double>(field.words) / field.documents;
    fields_.push_back({static_cast<double>(weights.of(field.name)), average, std::max(1.0, average / own), {}, {}});
    Field& last = fields_.back();
    const auto few = static_cast<std::uint32_t>(std::clamp(kFewTimesAverage * own, kLeastWords, kMostWords)) + 1;
    last.worths.reserve(few);
    last.exact.reserve(std::size_t{few} * kFewTimes);
    for (std::uint32_t length = 0; length < few; ++length) {
      last.worths.push_back(worth_of_one(last, length));
      for (std::uint32_t times = 1; times <= kFewTimes; ++times) {
        last.exact.push_back(worth_of_exact(saturate(times * last.worths.back())));
      }
    }
  }
}

std::uint32_t SegmentScorer::longest(std::uint32_t field, std::uint32_t times, double least) const {
  if (least <= 0) return UINT32_MAX;
  const Field& of_all = fields_[field];
  const double relative = (of_all.weight * times / least - (1 - kB)) / kB;
  // A little more, so that rounding keeps what is just enough.
  const double length = relative * of_all.average_length * (1 + 1e-6) + 1;
  if (length < 0) return 0;
  return length < UINT32_MAX ? static_cast<std::uint32_t>(length) : UINT32_MAX;
}

bool SegmentScorer::searches_all() const {
  return std::all_of(fields_.begin(), fields_.end(), [](const Field& field) { return field.weight > 0; });
}

double SegmentScorer::worth_of_one(const Field& field, std::uint32_t length) const {
  return field.weight / (1 - kB + kB * (length / field.average_length));
}

}  // namespace prse
