// What was put since the last segment was written: documents as postings, vectors, tags.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "analyser.h"
#include "language.h"
#include "neighbours.h"
#include "shapes.h"
#include "vectors.h"

namespace prse {

// One value of one field.
struct FieldValue {
  std::string_view name;
  std::string_view value;
};

// Positions of one value and the next are this far apart, so that no phrase reaches across.
constexpr std::uint32_t kValueGap = 16;

class MemoryIndex {
 public:
  // Replaces the document of this id, if it is here.
  void put(std::uint64_t id, std::int64_t order, std::span<const FieldValue> values);
  void remove(std::uint64_t id);
  void put_vector(std::uint64_t id, std::string_view space, StoredVector vector);
  void remove_vector(std::uint64_t id, std::string_view space);
  void remove_vectors(std::uint64_t id);
  void put_neighbours(const std::string& key, TagNeighbours tag);
  void remove_neighbours(const std::string& key);

  bool empty() const { return slots_.empty() && spaces_.empty() && tags_.empty(); }
  // A rough measure of the memory it takes, in bytes.
  std::size_t bytes() const { return bytes_; }
  // The dimension of a space that has a vector here, or 0.
  std::uint32_t dimension(std::string_view space) const;

  // The bytes of a segment that holds all that is alive.
  std::string build(std::uint64_t number, Language language) const;

 private:
  struct FieldLength {
    std::uint32_t field;
    std::uint32_t words;
  };
  struct StoredValue {
    std::uint32_t field;
    std::string key;  // stored_values.h
  };
  struct Document {
    std::uint64_t id;
    std::int64_t order;
    bool alive;
    std::vector<FieldLength> lengths;  // ascending by field
    std::vector<StoredValue> stored;
  };
  static constexpr std::uint32_t kNone = UINT32_MAX;
  // A term with its occurrences, one run after the other: slot, field and times in one number, and for a word
  // that many positions. Runs come by slot, then field.
  struct Term {
    std::string key;
    std::vector<std::uint32_t> numbers;
    // Of the last run, so that nothing of it need be read to begin the next.
    std::uint32_t slot = kNone;
    std::uint32_t field = kNone;
    std::size_t times_at = 0;
  };
  // A place of the table; free where the number is kNone.
  struct Entry {
    std::uint32_t number = kNone;
    std::uint32_t mark = 0;  // the hash's upper half: terms that differ in it need not be looked at
  };
  // A word has a letter and is parted from the next: none stands in a text as often as that has bytes.
  static constexpr unsigned kTimesBits = 26;
  static constexpr std::uint32_t field_of(std::uint32_t number) { return number >> kTimesBits; }
  static constexpr std::uint32_t times_of(std::uint32_t number) { return number & ((1U << kTimesBits) - 1); }
  static_assert(kMostFields << kTimesBits <= std::uint64_t{1} << 32 && kLongestText <= 1U << kTimesBits);
  static constexpr std::uint32_t mark_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

  std::uint32_t field_number(std::string_view name);
  void find_terms(const Analysis& analysis);
  void add_words(std::uint32_t slot, std::uint32_t field, std::span<const FieldValue* const> values);
  void begin_run(Term& term, std::uint32_t slot, std::uint32_t field, std::uint32_t times);
  void add_occurrence(Term& term, std::uint32_t slot, std::uint32_t field, std::uint32_t position);
  void add_whole_tag(const std::string& tag, std::uint32_t slot, std::uint32_t field);
  std::uint32_t number_of(char kind, std::string_view word, std::uint64_t hash);
  void grow_table();

  std::vector<std::string> fields_;
  std::vector<Document> documents_;  // by slot; the replaced ones are not alive
  std::unordered_map<std::uint64_t, std::uint32_t> slots_;
  std::vector<Term> terms_;
  std::vector<std::uint64_t> hashes_;  // by term
  // Open addressing with linear probing, from the hash's lower half. Its size is a power of two, at least twice
  // the number of terms.
  std::vector<Entry> table_;
  // Of the value that is added: its words' hashes, then numbers.
  std::vector<std::uint64_t> value_hashes_;
  std::vector<std::uint32_t> value_numbers_;
  std::map<std::string, VectorSpace> spaces_;
  std::map<std::string, TagNeighbours> tags_;
  std::size_t bytes_ = 0;
};

}  // namespace prse
