#include "vectors.h"

#include <algorithm>
#include <cmath>

#include "kernels.h"

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

void put_signs(std::string& out, std::span<const std::int8_t> values) {
  const std::size_t begin = out.size();
  out.resize(begin + sign_bytes(values.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0) out[begin + i / 8] = static_cast<char>(out[begin + i / 8] | (1 << (i % 8)));
  }
}

QueryVector::QueryVector(std::span<const float> values) {
  const std::vector<std::int16_t> whole = scaled<std::int16_t>(values, kQueryMost);
  inverse_norm_ = prse::inverse_norm(whole);
  for (const std::int16_t value : whole) {
    coarse_.push_back(static_cast<std::int8_t>(value >> 4));
    fine_.push_back(static_cast<std::int8_t>(value & 15));
  }
  // The coarse parts were rounded down, which keeps the sign.
  put_signs(signs_, coarse_);
}

QueryVector::QueryVector(const StoredVector& stored)
    : coarse_(stored.values), inverse_norm_(stored.inverse_norm) {
  put_signs(signs_, coarse_);
}

float QueryVector::cosine(const std::int8_t* values, float inverse_norm) const {
  std::int64_t whole = kernels().dot(coarse_.data(), values, coarse_.size());
  if (!fine_.empty()) whole = 16 * whole + kernels().dot(fine_.data(), values, fine_.size());
  const auto product = static_cast<float>(whole);
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
    for (const auto& [id, row] : space.rows) put_signs(out.vectors, row.values);
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
    space.signs_ = data.take(std::uint64_t{space.rows} * sign_bytes(space.dimension));
    out.push_back(space);
  }
  return out;
}

}  // namespace prse
