// The nearest words of tags. Kept by tag, once, and looked up by word: a query's word finds the
// tags it is near to, and through them their documents.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dictionary.h"
#include "liveness.h"

namespace prse {

struct NearWord {
  std::string word;  // folded; several words have a space between
  float similarity;
};

struct TagNeighbours {
  std::string text;  // the tag as it was given
  std::vector<NearWord> words;
};

// A tag that a word is near to.
struct NearTag {
  std::string key;  // folded
  std::string text;
  float similarity;
};

// The sections of a segment.
//   tags:       dictionary from folded tag to the tag's text; its place is the tag's number
//   neighbours: dictionary from folded word to (varint tag, f32 similarity)…, tags ascending
struct NeighbourSections {
  std::string tags;
  std::string neighbours;
};
NeighbourSections encode_neighbours(const std::map<std::string, TagNeighbours>& tags);

class StoredNeighbours {
 public:
  StoredNeighbours() = default;
  StoredNeighbours(std::string_view tags, std::string_view neighbours, const char* where);

  std::uint32_t tags() const { return tags_.size(); }
  // The number of a folded tag, or tags() when it is not here.
  std::uint32_t find_tag(std::string_view key) const;
  std::string key_of_tag(std::uint32_t number) const { return tags_.at(number).key(); }

  // Appends the living tags that a folded word is near to.
  void find(std::string_view word, const LiveSet& alive, std::vector<NearTag>& out) const;

  // Adds all living tags with their words.
  void collect(const LiveSet& alive, std::map<std::string, TagNeighbours>& out) const;

 private:
  struct Entry {
    std::uint32_t tag;
    float similarity;
  };
  std::vector<Entry> entries(std::string_view value) const;

  Dictionary tags_;
  Dictionary neighbours_;
  const char* where_ = "";
};

}  // namespace prse
