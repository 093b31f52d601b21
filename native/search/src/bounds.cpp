#include "bounds.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace prse {
namespace {

constexpr double kSteps = 4096;  // of an octave
constexpr double kZero = 24'576;  // the code of impact 1
constexpr int kAnything = UINT16_MAX;

}  // namespace

double impact_of(std::uint32_t times, std::uint32_t length, double average_length) {
  return times / (1 - kLengthShare + kLengthShare * (length / average_length));
}

std::uint16_t encode_impact(double impact) {
  // A little more, so that no rounding makes the bound too low.
  const double code = std::ceil(kSteps * std::log2(impact * (1 + 1e-9)) + kZero);
  return static_cast<std::uint16_t>(std::clamp<double>(code, 1, kAnything));
}

double decode_impact(std::uint16_t code) {
  if (code == kAnything) return std::numeric_limits<double>::infinity();
  return std::exp2((code - kZero) / kSteps);
}

BoundsTable::BoundsTable(std::string_view section, std::uint64_t place, std::uint32_t blocks,
                         const char* where)
    : blocks_(blocks) {
  if (place > section.size()) fail_corrupt(where, "a table lies outside");
  ByteReader in(section.substr(place), where);
  fields_ = in.take(in.byte());
  entries_ = in.take(std::uint64_t{blocks} * sizeof(BlockBound));
  impacts_ = in.take(std::uint64_t{blocks} * fields_.size() * sizeof(std::uint16_t));
}

std::uint32_t BoundsTable::find(std::uint32_t doc) const {
  std::uint32_t low = 0;
  std::uint32_t high = blocks_;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (block(middle).last_doc < doc) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void BoundsWriter::add(std::uint32_t field, double impact) {
  const std::uint64_t bit = std::uint64_t{1} << field;
  most_[field] = (in_block_ & bit) != 0 ? std::max(most_[field], impact) : impact;
  in_block_ |= bit;
}

void BoundsWriter::end_block(std::uint64_t last_doc, std::uint64_t postings_begin,
                             std::uint64_t positions_begin) {
  fits_ = fits_ && postings_begin <= UINT32_MAX && positions_begin <= UINT32_MAX;
  blocks_.push_back({static_cast<std::uint32_t>(last_doc), static_cast<std::uint32_t>(postings_begin),
                     static_cast<std::uint32_t>(positions_begin)});
  std::array<std::uint16_t, kFields>& impacts = impacts_.emplace_back();
  for (std::uint64_t left = in_block_; left != 0; left &= left - 1) {
    const auto field = static_cast<std::size_t>(std::countr_zero(left));
    impacts[field] = encode_impact(most_[field]);
  }
  in_list_ |= in_block_;
  in_block_ = 0;
}

std::uint64_t BoundsWriter::end_list() {
  std::uint64_t place = 0;
  if (blocks_.size() > 1 && fits_) {
    place = section.size() + 1;
    section.push_back(static_cast<char>(std::popcount(in_list_)));
    const auto for_each_field = [&](auto act) {
      for (std::uint64_t left = in_list_; left != 0; left &= left - 1) {
        act(static_cast<std::size_t>(std::countr_zero(left)));
      }
    };
    for_each_field([&](std::size_t field) { section.push_back(static_cast<char>(field)); });
    for (const BlockBound& block : blocks_) put_fixed(section, block);
    for (const auto& impacts : impacts_) {
      for_each_field([&](std::size_t field) { put_fixed(section, impacts[field]); });
    }
  }
  in_list_ = 0;
  fits_ = true;
  blocks_.clear();
  impacts_.clear();
  return place;
}

}  // namespace prse
