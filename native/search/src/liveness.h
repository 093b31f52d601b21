// Which records of an immutable segment are still alive. Every change makes a new version,
// stored in a file of its own (FORMAT.md, "The dead").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace prse {

class LiveSet {
 public:
  explicit LiveSet(std::uint32_t size = 0) : words_((size + 63) / 64, ~std::uint64_t{0}), size_(size) {}

  bool alive(std::uint32_t i) const { return ((words_[i / 64] >> (i % 64)) & 1) != 0; }
  void kill(std::uint32_t i) {
    if (alive(i)) ++dead_;
    words_[i / 64] &= ~(std::uint64_t{1} << (i % 64));
  }
  void kill_all() {
    for (std::uint32_t i = 0; i < size_; ++i) kill(i);
  }
  // The bits of records 64 i to 64 i + 63; those beyond the last are set.
  std::uint64_t word(std::size_t i) const { return words_[i]; }
  std::uint32_t size() const { return size_; }
  std::uint32_t dead() const { return dead_; }
  std::uint32_t live() const { return size_ - dead_; }
  // The dead, ascending; whole words of living ones are passed over.
  std::vector<std::uint32_t> dead_records() const;

 private:
  std::vector<std::uint64_t> words_;
  std::uint32_t size_ = 0;
  std::uint32_t dead_ = 0;
};

// A segment's three kinds of records, each known by its number in the segment. A document, a
// document's vector in a space and a tag are each alive in at most one segment of an index.
struct Liveness {
  LiveSet documents;
  LiveSet vectors;
  LiveSet tags;

  void kill_all() {
    for (LiveSet* set : {&documents, &vectors, &tags}) set->kill_all();
  }
  bool all_alive() const { return documents.dead() + vectors.dead() + tags.dead() == 0; }
};

std::string encode_dead(const Liveness& liveness, std::uint64_t segment);

// Kills in `liveness`, which has all alive. PRSE_CORRUPT, naming `path`, if the bytes are not
// what `encode_dead` wrote for this segment.
void decode_dead(std::string_view bytes, std::uint64_t segment, const std::string& path,
                 Liveness& liveness);

}  // namespace prse
