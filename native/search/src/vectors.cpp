#include "vectors.h"

#include <algorithm>
#include <cmath>

namespace prse {
namespace {

constexpr float kStoredMost = 127;
constexpr float kQueryMost = 2047;
static_assert(std::uint64_t{127} * 2047 * kMostDimensions <= INT32_MAX);

float largest(std::span<const float> values) {
  float most = 0;
  for (const float value : values) {
    if (!std::isfinite(value)) fail_invalid("a vector has a component that is no finite number");
    most = std::max(most, std::abs(value));
  }
  if (most == 0) fail_invalid("a vector of zeros has no direction");
  return most;
}

template <typename T>
float inverse_norm(const std::vector<T>& values) {
  double sum = 0;
  for (const T value : values) sum += static_cast<double>(value) * value;
  return static_cast<float>(1 / std::sqrt(sum));
}

template <typename T>
std::vector<T> scaled(std::span<const float> values, float most) {
  const double scale = most / static_cast<double>(largest(values));
  std::vector<T> out(values.size());
  std::transform(values.begin(), values.end(), out.begin(),
                 [=](float value) { return static_cast<T>(std::lround(value * scale)); });
  return out;
}

// Whole numbers, so that the compiler may sum them in any order, which it does eight at once.
std::int32_t dot(const std::int16_t* a, const std::int8_t* b, std::size_t count) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += std::int32_t{a[i]} * std::int32_t{b[i]};
  return sum;
}

}  // namespace

StoredVector quantise(std::span<const float> values) {
  if (values.size() > kMostDimensions) {
    fail_invalid("a vector has " + std::to_string(values.size()) + " dimensions; at most " +
                 std::to_string(kMostDimensions) + " are possible");
  }
  StoredVector stored;
  stored.values = scaled<std::int8_t>(values, kStoredMost);
  stored.inverse_norm = inverse_norm(stored.values);
  return stored;
}

QueryVector::QueryVector(std::span<const float> values)
    : values_(scaled<std::int16_t>(values, kQueryMost)), inverse_norm_(inverse_norm(values_)) {}

QueryVector::QueryVector(const StoredVector& stored)
    : values_(stored.values.begin(), stored.values.end()), inverse_norm_(stored.inverse_norm) {}

float QueryVector::cosine(const std::int8_t* values, float inverse_norm) const {
  const auto product = static_cast<float>(dot(values_.data(), values, values_.size()));
  return std::clamp(product * inverse_norm_ * inverse_norm, -1.0F, 1.0F);
}

VectorSections encode_vectors(const std::map<std::string, VectorSpace>& spaces) {
  VectorSections out;
  put_varint(out.spaces, spaces.size());
  for (const auto& [name, space] : spaces) {
    put_text(out.spaces, name);
    put_varint(out.spaces, space.dimension);
    put_varint(out.spaces, space.rows.size());
    for (const auto& [id, row] : space.rows) put_fixed(out.vectors, id);
    for (const auto& [id, row] : space.rows) put_fixed(out.vectors, row.inverse_norm);
    for (const auto& [id, row] : space.rows) {
      out.vectors.append(reinterpret_cast<const char*>(row.values.data()), row.values.size());
    }
  }
  return out;
}

StoredVector StoredSpace::copy(std::uint32_t row) const {
  return {inverse_norm(row), {values(row), values(row) + dimension}};
}

std::optional<std::uint32_t> StoredSpace::find(std::uint64_t wanted) const {
  std::uint32_t low = 0;
  std::uint32_t high = rows;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (id(middle) < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low < rows && id(low) == wanted) return low;
  return std::nullopt;
}

std::vector<StoredSpace> decode_vectors(std::string_view spaces, std::string_view vectors,
                                        const char* where) {
  ByteReader in(spaces, where);
  ByteReader data(vectors, where);
  std::vector<StoredSpace> out;
  std::uint32_t first_row = 0;
  for (std::uint64_t left = in.varint(); left > 0; --left) {
    StoredSpace space;
    space.name = in.text();
    space.dimension = in.varint32();
    space.rows = in.varint32();
    space.first_row = first_row;
    if (space.dimension == 0 || space.dimension > kMostDimensions ||
        space.rows > UINT32_MAX - first_row) {
      in.fail("a space's size is impossible");
    }
    first_row += space.rows;
    space.ids_ = data.take(std::uint64_t{space.rows} * sizeof(std::uint64_t));
    space.norms_ = data.take(std::uint64_t{space.rows} * sizeof(float));
    space.values_ = data.take(std::uint64_t{space.rows} * space.dimension);
    out.push_back(space);
  }
  return out;
}

}  // namespace prse
