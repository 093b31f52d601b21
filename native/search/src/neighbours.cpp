#include "neighbours.h"

#include <algorithm>

#include "bytes.h"

namespace prse {

NeighbourSections encode_neighbours(const std::map<std::string, TagNeighbours>& tags) {
  DictionaryWriter tag_table;
  std::map<std::string_view, std::string> values;
  std::uint32_t number = 0;
  for (const auto& [key, tag] : tags) {
    tag_table.add(key, tag.text);
    for (const NearWord& near : tag.words) {
      std::string& value = values[near.word];
      put_varint(value, number);
      put_fixed(value, near.similarity);
    }
    ++number;
  }
  DictionaryWriter words;
  for (const auto& [word, value] : values) words.add(word, value);
  return {tag_table.finish(), words.finish()};
}

StoredNeighbours::StoredNeighbours(std::string_view tags, std::string_view neighbours,
                                   const char* where)
    : tags_(tags, where), neighbours_(neighbours, where), where_(where) {}

std::uint32_t StoredNeighbours::find_tag(std::string_view key) const {
  const Dictionary::Cursor tag = tags_.find(key);
  return tag.valid() ? tag.ordinal() : tags_.size();
}

std::vector<StoredNeighbours::Entry> StoredNeighbours::entries(std::string_view value) const {
  std::vector<Entry> out;
  ByteReader in(value, where_);
  while (!in.at_end()) {
    const std::uint32_t tag = in.varint32();
    const auto similarity = in.fixed<float>();
    if (tag >= tags_.size()) in.fail("a neighbour's tag lies outside");
    if (!(similarity > 0 && similarity <= 1)) in.fail("a similarity is impossible");
    out.push_back({tag, similarity});
  }
  return out;
}

void StoredNeighbours::find(std::string_view word, const LiveSet& alive,
                            std::vector<NearTag>& out) const {
  const Dictionary::Cursor found = neighbours_.find(word);
  if (!found.valid()) return;
  for (const Entry& entry : entries(found.value())) {
    if (!alive.alive(entry.tag)) continue;
    const Dictionary::Cursor tag = tags_.at(entry.tag);
    out.push_back({tag.key(), std::string(tag.value()), entry.similarity});
  }
}

void StoredNeighbours::collect(const LiveSet& alive,
                               std::map<std::string, TagNeighbours>& out) const {
  std::vector<TagNeighbours*> by_number;
  for (auto tag = tags_.begin(); tag.valid(); tag.next()) {
    const bool lives = alive.alive(tag.ordinal());
    by_number.push_back(lives ? &out[tag.key()] : nullptr);
    if (lives) by_number.back()->text = tag.value();
  }
  for (auto word = neighbours_.begin(); word.valid(); word.next()) {
    for (const Entry& entry : entries(word.value())) {
      TagNeighbours* tag = by_number[entry.tag];
      if (tag != nullptr) tag->words.push_back({word.key(), entry.similarity});
    }
  }
}

}  // namespace prse
