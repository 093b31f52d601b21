// Which words of a segment are forms of one word. The section is a dictionary from stem to the
// places of its words in the dictionary of terms, ascending, each a varint difference from the one
// before; a stem whose only word is the stem itself is left out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dictionary.h"
#include "language.h"

namespace prse {

class StemWriter {
 public:
  explicit StemWriter(Language language) : language_(language) {}
  // Words must come by ascending places.
  void add(std::string_view word, std::uint32_t place);
  std::string finish() const;

 private:
  struct Group {
    std::uint32_t last = 0;
    std::uint32_t words = 0;
    bool is_itself = false;  // the word added last is the stem
    std::string places;
  };
  Language language_;
  std::map<std::string, Group, std::less<>> groups_;
};

class Stems {
 public:
  Stems() = default;
  Stems(std::string_view section, const char* where) : stems_(section, where), where_(where) {}

  // The words of a stem, without `word`, as they stand in `terms`; `kind` begins their keys.
  std::vector<Dictionary::Cursor> forms(std::string_view stem, std::string_view word, char kind,
                                        const Dictionary& terms) const;

 private:
  Dictionary stems_;
  const char* where_ = "";
};

}  // namespace prse
