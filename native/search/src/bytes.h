// Little-endian integers and variable-length integers (LEB128) in byte strings.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "status.h"

namespace prse {

static_assert(std::endian::native == std::endian::little,
              "the index's format is little-endian and is read in place");

template <typename T>
void put_fixed(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

// Reads the `index`th T of an array that need not be aligned. The caller checked the bounds.
template <typename T>
T load(std::string_view array, std::size_t index) {
  T value;
  std::memcpy(&value, array.data() + index * sizeof(T), sizeof(T));
  return value;
}

inline void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

inline void put_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out.append(text);
}

// Reads forward through bytes that may be damaged: reading past the end is PRSE_CORRUPT.
class ByteReader {
 public:
  ByteReader() = default;
  // `where` must outlive the reader: it names the file and the part in messages.
  ByteReader(std::string_view bytes, const char* where) : bytes_(bytes), where_(where) {}

  bool at_end() const { return offset_ == bytes_.size(); }
  std::size_t offset() const { return offset_; }
  std::size_t left() const { return bytes_.size() - offset_; }

  std::uint8_t byte() {
    if (offset_ >= bytes_.size()) fail("it ends too early");
    return static_cast<std::uint8_t>(bytes_[offset_++]);
  }

  std::uint64_t varint() {
    // Mostly it is one byte.
    if (offset_ < bytes_.size() && static_cast<std::uint8_t>(bytes_[offset_]) < 0x80) {
      return static_cast<std::uint8_t>(bytes_[offset_++]);
    }
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint64_t part = byte();
      value |= (part & 0x7f) << shift;
      if (part < 0x80) return value;
    }
    fail("a number is too long");
  }

  // A number that must fit 32 bits.
  std::uint32_t varint32() {
    const std::uint64_t value = varint();
    if (value > UINT32_MAX) fail("a number is too large");
    return static_cast<std::uint32_t>(value);
  }

  template <typename T>
  T fixed() {
    return load<T>(take(sizeof(T)), 0);
  }

  std::string_view take(std::uint64_t length) {
    if (length > left()) fail("it ends too early");
    const std::string_view piece = bytes_.substr(offset_, length);
    offset_ += length;
    return piece;
  }

  std::string_view text() { return take(varint()); }

  [[noreturn]] void fail(const char* what) const {
    fail_corrupt(where_, std::string(what) + " at byte " + std::to_string(offset_));
  }

 private:
  std::string_view bytes_;
  std::size_t offset_ = 0;
  const char* where_ = "";
};

}  // namespace prse
