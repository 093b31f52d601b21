// Long lists of a static site in parts, so that one document more changes one of them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace prse {

// A part ends where an id says so, once it has `least` documents, or has `most` of them.
struct PartSizes {
  std::size_t least;
  std::size_t most;
};

// Of what says nothing but which documents there are, and a little of each.
inline constexpr PartSizes kShortParts{4096, 12288};

// Bits of an id that look random.
inline std::uint64_t mixed(std::uint64_t id) {
  // The finalizer of splitmix64 (Steele and others, "Fast splittable pseudorandom number generators",
  // OOPSLA 2014).
  id = (id ^ (id >> 30)) * 0xbf58476d1ce4e5b9;
  id = (id ^ (id >> 27)) * 0x94d049bb133111eb;
  return id ^ (id >> 31);
}

// Whether a part of so many documents ends before the one with this id.
inline bool part_ends(std::size_t size, std::uint64_t id, PartSizes sizes) {
  constexpr std::uint64_t kCutOneIn = 512;
  return size >= sizes.most || (size >= sizes.least && mixed(id) % kCutOneIn == 0);
}

}  // namespace prse
