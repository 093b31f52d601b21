// A sorted table from keys to small values, in one section: blocks of 16 front-coded keys, and
// the places of the blocks, so that a key is found by halving.
//
//   block:  16 × (lengths, rest, value length as a varint, value); the first key of a block shares nothing
//   lengths: u8 with the shared prefix's length in its lower four bits and the rest's in its upper; either,
//           where it is 15 or more, as 15, and what is more follows as a varint, the prefix's first
//   then    for every block the first eight bytes of its first key, filled up with 0, as a u64 that
//           compares as they do; u32 place of every block; u32 number of blocks; u32 number of keys
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.h"

namespace prse {

class DictionaryWriter {
 public:
  // Keys must come in ascending order of their bytes, each once.
  void add(std::string_view key, std::string_view value);
  std::string finish();
  // How many keys there are so far.
  std::uint32_t size() const { return count_; }

 private:
  std::string out_;
  std::string last_key_;
  std::vector<std::uint64_t> heads_;
  std::vector<std::uint32_t> blocks_;
  std::uint32_t count_ = 0;
};

class Dictionary {
 public:
  Dictionary() = default;
  // `section` and `where` must outlive it.
  Dictionary(std::string_view section, const char* where);

  std::uint32_t size() const { return count_; }

  // Walks the keys in order.
  class Cursor {
   public:
    bool valid() const { return valid_; }
    const std::string& key() const { return key_; }
    std::string_view value() const { return value_; }
    std::uint32_t ordinal() const { return ordinal_; }
    void next();

   private:
    friend class Dictionary;
    const Dictionary* dictionary_ = nullptr;
    ByteReader in_;
    std::string key_;
    std::string_view value_;
    std::uint32_t ordinal_ = 0;
    bool valid_ = false;
  };

  Cursor begin() const { return at_block(0); }
  // The first key that is not below `key`.
  Cursor lower_bound(std::string_view key) const;
  // The key of this number, which must be below `size`.
  Cursor at(std::uint32_t ordinal) const;
  // Invalid when there is no such key.
  Cursor find(std::string_view key) const;

 private:
  Cursor at_block(std::uint32_t block) const;
  std::string_view first_key(std::uint32_t block) const;
  static void read_entry(Cursor& cursor);

  std::string_view blocks_;
  std::string_view heads_;
  std::string_view places_;
  std::uint32_t block_count_ = 0;
  std::uint32_t count_ = 0;
  const char* where_ = "";
};

// Finds one key after the other, at little cost where they ascend and lie near to each other.
class KeyFinder {
 public:
  // The dictionary must outlive it.
  explicit KeyFinder(const Dictionary& dictionary) : dictionary_(&dictionary) {}

  // The first key that is not below `key`, until the next is sought.
  const Dictionary::Cursor& find(std::string_view key);

 private:
  const Dictionary* dictionary_;
  Dictionary::Cursor cursor_;  // not below what was sought last, and the first such
  std::string sought_;
  bool has_sought_ = false;
};

}  // namespace prse
