#include "proximity.h"

#include <algorithm>

namespace prse {
namespace {

constexpr double kNearShare = 0.6;
constexpr std::uint32_t kFarthest = 4;  // below kValueGap, so that it is within one value

}  // namespace

Proximity::Proximity(const Query& query, std::span<const double> idf, const Segment& segment)
    : query_(query), idf_(idf), segment_(segment), places_of_words_(query.words.size() + 1) {
  if (query.pairs.empty()) return;
  segment.verify_positions();
  sources_.resize(query.words.size());
  places_.resize(query.words.size());
  for (const auto& [a, b] : query.pairs) most_ += kNearShare * std::min(idf_[a], idf_[b]);
}

void Proximity::add(std::size_t word, const PostingList& list, const SegmentScorer& scorer) {
  if (empty()) return;
  Source& source = sources_[word].emplace_back();
  source.list = list;
  source.scorer = &scorer;
  for (std::size_t w = word; w < sources_.size(); ++w) ++places_of_words_[w + 1];
}

void Proximity::read_at(Source& source, const Spot& spot) {
  if (spot.block != source.number) {
    source.list.read_only_codes(spot.block, source.block);
    source.positions.open(source.list, spot.block, source.block);
    source.number = spot.block;
    source.only_codes = true;
    source.opened = true;
  }
  fields_ = source.block.fields(spot.at, source.list.shapes());
  source.positions.read(spot.at, fields_, numbers_);
}

bool Proximity::find(Source& source, std::uint32_t doc) {
  const BlockTable& table = source.list.table();
  const std::uint32_t number = table.blocks() > 0 ? table.find(doc) : 0;
  if (number >= source.list.blocks()) return false;
  if (number != source.number || source.only_codes) {
    source.list.read_documents(number, source.block);
    source.number = number;
    source.only_codes = false;
    source.opened = false;
  }
  const std::uint32_t at = source.block.find(doc);
  if (at == source.block.size || source.block.docs[at] != doc) return false;
  if (!source.opened) {
    source.list.read_codes(source.block);
    source.positions.open(source.list, number, source.block);
    source.opened = true;
  }
  fields_ = source.block.fields(at, source.list.shapes());
  source.positions.read(at, fields_, numbers_);
  return true;
}

void Proximity::read(std::size_t word, std::uint32_t doc, std::span<const Spot> spots) {
  std::vector<Place>& places = places_[word];
  std::vector<Source>& sources = sources_[word];
  places.clear();
  for (std::size_t i = 0; i < sources.size(); ++i) {
    Source& source = sources[i];
    const Spot spot = spots.empty() ? Spot{} : spots[first_source(word) + i];
    numbers_.clear();
    if (spot.block == Spot::kAbsent) continue;
    if (spot.known()) {
      read_at(source, spot);
    } else if (!find(source, doc)) {
      continue;
    }
    std::size_t next = 0;
    for (const FieldCount& field : fields_) {
      for (std::uint32_t i = 0; i < field.times; ++i, ++next) {
        if (source.scorer->searches(field.field)) places.push_back({field.field, numbers_[next]});
      }
    }
  }
  const auto before = [](const Place& a, const Place& b) {
    return a.field != b.field ? a.field < b.field : a.position < b.position;
  };
  if (!std::is_sorted(places.begin(), places.end(), before)) {
    std::sort(places.begin(), places.end(), before);
  }
}

double Proximity::of(std::uint32_t doc, std::span<const Spot> spots) {
  if (empty()) return 0;
  double sum = 0;
  std::size_t known = SIZE_MAX;  // the word whose places were read last
  for (const auto& [a, b] : query_.pairs) {
    if (a != known) read(a, doc, spots);
    read(b, doc, spots);
    known = b;
    std::uint32_t nearest = kFarthest + 1;
    auto other = places_[b].begin();
    const auto end = places_[b].end();
    for (const Place& place : places_[a]) {
      while (other != end && (other->field < place.field ||
                              (other->field == place.field && other->position < place.position))) {
        ++other;
      }
      // The same place is the same word, asked for twice.
      auto after = other;
      if (after != end && after->field == place.field && after->position == place.position) ++after;
      if (after != end && after->field == place.field) {
        nearest = std::min(nearest, after->position - place.position);
      }
      if (other != places_[b].begin() && std::prev(other)->field == place.field) {
        nearest = std::min(nearest, place.position - std::prev(other)->position);
      }
    }
    if (nearest <= kFarthest) sum += kNearShare * std::min(idf_[a], idf_[b]) / nearest;
  }
  return sum;
}

}  // namespace prse
