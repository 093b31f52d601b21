// Vectors of named spaces, compared by cosine. Stored as 8-bit integers scaled to each vector's
// largest component: the direction is kept to within half a step of 127.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.h"

namespace prse {

// So that a product of two vectors of 8 and 12 bits fits 32 bits.
constexpr std::size_t kMostDimensions = 8192;

struct StoredVector {
  float inverse_norm;  // 1 / length of the vector of integers
  std::vector<std::int8_t> values;
};

// PRSE_INVALID for a vector that has no direction, or one with a component that is no number.
StoredVector quantise(std::span<const float> values);

// Of a row's signs: so many bytes, a multiple of 8.
constexpr std::size_t sign_bytes(std::size_t dimension) { return (dimension + 63) / 64 * 8; }

// Appends a bit for each component, set where it is negative, the lowest bit of the first byte first;
// filled up with 0.
void put_signs(std::string& out, std::span<const std::int8_t> values);

// A query's vector, made so that its product with a stored one is the cosine.
class QueryVector {
 public:
  explicit QueryVector(std::span<const float> values);
  explicit QueryVector(const StoredVector& stored);

  std::size_t dimension() const { return coarse_.size(); }
  float cosine(const std::int8_t* values, float inverse_norm) const;
  const std::uint8_t* signs() const { return reinterpret_cast<const std::uint8_t*>(signs_.data()); }

 private:
  // Components of 12 bits are 16 times the first and the second; of 8 bits the first alone.
  std::vector<std::int8_t> coarse_;
  std::vector<std::int8_t> fine_;
  std::string signs_;
  float inverse_norm_ = 0;
};

// Vectors of one space by document.
struct VectorSpace {
  std::uint32_t dimension = 0;
  std::map<std::uint64_t, StoredVector> rows;
};

// The sections of a segment. Rows are numbered through all spaces.
//   spaces:  varint count, then for each: its name, varint dimension, varint rows
//   vectors: for each space u64 ids ascending, f32 inverse norms, i8 values row by row, then the signs
//            of each row (put_signs)
struct VectorSections {
  std::string spaces;
  std::string vectors;
};
VectorSections encode_vectors(const std::map<std::string, VectorSpace>& spaces);

class StoredSpace {
 public:
  std::string_view name;
  std::uint32_t dimension = 0;
  std::uint32_t rows = 0;
  std::uint32_t first_row = 0;  // number in the segment of the space's row 0

  std::uint64_t id(std::uint32_t row) const { return load<std::uint64_t>(ids_, row); }
  float inverse_norm(std::uint32_t row) const { return load<float>(norms_, row); }
  const std::int8_t* values(std::uint32_t row) const {
    return reinterpret_cast<const std::int8_t*>(values_.data()) + std::size_t{row} * dimension;
  }
  // Of this row and those that follow it.
  const std::uint8_t* signs(std::uint32_t row) const {
    return reinterpret_cast<const std::uint8_t*>(signs_.data()) + row * sign_bytes(dimension);
  }
  StoredVector copy(std::uint32_t row) const;
  std::optional<std::uint32_t> find(std::uint64_t id) const;

 private:
  friend std::vector<StoredSpace> decode_vectors(std::string_view, std::string_view, const char*);
  std::string_view ids_;
  std::string_view norms_;
  std::string_view values_;
  std::string_view signs_;
};

std::vector<StoredSpace> decode_vectors(std::string_view spaces, std::string_view vectors,
                                        const char* where);

}  // namespace prse
