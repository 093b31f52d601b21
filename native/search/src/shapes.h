// In which fields, and how often, a word stands in a document: its shape. Most documents have one
// of few, so a segment lists these once, and posting lists hold their codes.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.h"

namespace prse {

// A segment numbers its fields; more names than this in an index are refused.
constexpr std::size_t kMostFields = 64;

struct FieldCount {
  std::uint32_t field;
  std::uint32_t times;
};

// Code 0 says that a shape is not listed, but spelt out beside the list.
constexpr std::uint32_t kSpeltOut = 0;
constexpr std::size_t kMostShapes = 1023;

// A shape spelt out: per field, ascending, varint field<<2 | once<<1 | more-fields-follow, and
// unless `once` a varint with the number of times.
void put_shape(std::string& out, std::span<const FieldCount> shape);
// Appends what `put_shape` wrote; PRSE_CORRUPT for a field not below `fields`.
void take_shape(ByteReader& in, std::uint32_t fields, std::vector<FieldCount>& out);

// Numbers shapes as they come.
class ShapeWriter {
 public:
  // The shape's code, or kSpeltOut where there are too many already.
  std::uint32_t code_of(std::span<const FieldCount> shape);
  // The section: varint count, then each shape spelt out.
  std::string finish() const;

 private:
  static constexpr std::uint32_t kFewTimes = 16;
  std::uint32_t add(std::span<const FieldCount> shape);

  std::uint32_t count_ = 0;
  std::string spelt_;
  // Of one field and few times, which most are: the code, or 0 where it has none yet.
  std::array<std::array<std::uint16_t, kFewTimes>, kMostFields> simple_{};
  std::map<std::vector<std::uint64_t>, std::uint32_t> others_;
};

// The shapes of a segment by their codes.
class Shapes {
 public:
  Shapes() = default;
  Shapes(std::string_view section, std::uint32_t fields, const char* where);

  // Codes are from 1 to this.
  std::uint32_t count() const { return static_cast<std::uint32_t>(begins_.size()) - 1; }
  std::span<const FieldCount> operator[](std::uint32_t code) const {
    return std::span(counts_).subspan(begins_[code - 1], begins_[code] - begins_[code - 1]);
  }
  // Of all its fields together.
  std::uint32_t times(std::uint32_t code) const { return times_[code]; }
  // Where it is of one field, that, and how often; else `times` is 0.
  FieldCount single(std::uint32_t code) const { return singles_[code]; }

 private:
  std::vector<std::uint32_t> begins_{0};
  std::vector<FieldCount> counts_;
  std::vector<std::uint32_t> times_{0};
  std::vector<FieldCount> singles_{{0, 0}};
};

}  // namespace prse
