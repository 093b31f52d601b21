#include "block_table.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "status.h"

namespace prse {
namespace {

constexpr double kMostCode = 255;
constexpr std::size_t kFieldBytes = 1 + sizeof(float);

// `places` ascend.
void put_places(std::string& out, const std::vector<std::uint32_t>& places) {
  const auto first = [&](std::size_t block) { return places[block / kGroupBlocks * kGroupBlocks]; };
  bool narrow = true;
  for (std::size_t i = 0; i < places.size(); ++i) narrow = narrow && places[i] - first(i) <= UINT16_MAX;
  out.push_back(narrow ? sizeof(std::uint16_t) : sizeof(std::uint32_t));
  if (!narrow) {
    out.append(reinterpret_cast<const char*>(places.data()), places.size() * sizeof(std::uint32_t));
    return;
  }
  for (std::size_t i = 0; i < places.size(); i += kGroupBlocks) put_fixed(out, places[i]);
  for (std::size_t i = 0; i < places.size(); ++i) put_fixed(out, static_cast<std::uint16_t>(places[i] - first(i)));
}

}  // namespace

BlockTable::BlockTable(std::string_view section, std::uint64_t place, std::uint32_t blocks,
                       std::uint32_t documents, std::uint32_t fields, const char* where)
    : blocks_(blocks), doc_bytes_(doc_bytes_of(documents)), doc_mask_(UINT32_MAX >> (32 - 8 * doc_bytes_)) {
  if (place > section.size()) fail_corrupt(where, "a table lies outside");
  ByteReader in(section.substr(place), where);
  field_count_ = in.byte();
  fields_ = in.take(field_count_ * kFieldBytes);
  last_docs_ = in.take(std::uint64_t{blocks} * doc_bytes_);
  places_ = take_places(in, blocks);
  position_places_ = take_places(in, blocks);
  impacts_ = in.take(field_count_ * (std::uint64_t{blocks} + groups_of(blocks)));
  for (std::size_t i = 0; i < field_count_; ++i) {
    const Field one = field(i);
    if (one.number >= fields) in.fail("a field lies outside");
    if (!(one.scale >= 0)) in.fail("a scale is no number");
  }
}

BlockTable::Places BlockTable::take_places(ByteReader& in, std::uint32_t blocks) {
  const std::uint8_t width = in.byte();
  if (width == sizeof(std::uint32_t)) return {in.take(std::uint64_t{blocks} * width), {}, {}};
  if (width != sizeof(std::uint16_t)) in.fail("a width is impossible");
  const std::string_view of_groups = in.take(std::uint64_t{groups_of(blocks)} * 4);
  return {{}, of_groups, in.take(std::uint64_t{blocks} * width)};
}

BlockTable::Field BlockTable::field(std::size_t index) const {
  const std::string_view head = fields_.substr(index * kFieldBytes, kFieldBytes);
  const auto* codes = reinterpret_cast<const std::uint8_t*>(impacts_.data()) +
                      index * (std::size_t{blocks_} + groups_of(blocks_));
  return {static_cast<std::uint8_t>(head[0]), static_cast<double>(load<float>(head.substr(1), 0)),
          codes, codes + blocks_};
}

std::uint32_t BlockTable::find(std::uint32_t doc, std::uint32_t from) const {
  std::uint32_t low = from;
  std::uint32_t high = blocks_;
  // What is sought is mostly near.
  for (std::uint32_t step = 1; low + step < high; step *= 2) {
    if (last_doc(low + step - 1) >= doc) {
      high = low + step - 1;
      break;
    }
    low += step;
  }
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (last_doc(middle) < doc) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void BlockTableWriter::end_block(std::uint32_t last_doc, std::uint64_t place,
                                 std::uint64_t positions_place) {
  if (place > UINT32_MAX || positions_place > UINT32_MAX) {
    fail_invalid("a word's list exceeds 4 GiB in one segment");
  }
  last_docs_.push_back(last_doc);
  places_.push_back(static_cast<std::uint32_t>(place));
  position_places_.push_back(static_cast<std::uint32_t>(positions_place));
  std::array<double, kMostFields>& impacts = impacts_.emplace_back();
  for (std::uint64_t left = in_block_; left != 0; left &= left - 1) {
    const auto field = static_cast<std::size_t>(std::countr_zero(left));
    impacts[field] = most_[field];
  }
  in_list_ |= in_block_;
  in_block_ = 0;
}

std::uint64_t BlockTableWriter::end_list(std::uint32_t documents) {
  const std::uint64_t place = section.size();
  if (last_docs_.size() > 1) {
    std::string codes;
    section.push_back(static_cast<char>(std::popcount(in_list_)));
    for (std::uint64_t left = in_list_; left != 0; left &= left - 1) {
      const auto field = static_cast<std::size_t>(std::countr_zero(left));
      double most = 0;
      for (const auto& impacts : impacts_) most = std::max(most, impacts[field]);
      // A little more, so that no rounding makes a bound too low.
      const auto scale = static_cast<float>(most / kMostCode * (1 + 1e-6));
      section.push_back(static_cast<char>(field));
      put_fixed(section, scale);
      std::string groups(groups_of(static_cast<std::uint32_t>(impacts_.size())), '\0');
      for (std::size_t block = 0; block < impacts_.size(); ++block) {
        const double code = std::ceil(impacts_[block][field] / static_cast<double>(scale));
        const auto byte = static_cast<std::uint8_t>(std::clamp(code, 0.0, kMostCode));
        codes.push_back(static_cast<char>(byte));
        char& group = groups[block / kGroupBlocks];
        group = static_cast<char>(std::max(byte, static_cast<std::uint8_t>(group)));
      }
      codes.append(groups);
    }
    for (const std::uint32_t doc : last_docs_) {
      section.append(reinterpret_cast<const char*>(&doc), doc_bytes_of(documents));
    }
    for (const auto* column : {&places_, &position_places_}) put_places(section, *column);
    section.append(codes);
  }
  in_list_ = 0;
  last_docs_.clear();
  places_.clear();
  position_places_.clear();
  impacts_.clear();
  return place;
}

}  // namespace prse
