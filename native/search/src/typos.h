// Words of a dictionary that differ from a word by a letter or two.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dictionary.h"

namespace prse {

struct Typo {
  std::string key;      // in the dictionary
  std::uint32_t edits;  // letters inserted, deleted, replaced, or swapped with the next
};

// How many edits a folded word is given: none below four letters or where it has a digit, one
// up to seven letters, two above.
std::uint32_t edits_allowed(std::string_view word);

// The keys `kind` + word within so many edits of `word`, that word itself left out, ascending.
std::vector<Typo> find_typos(const Dictionary& dictionary, char kind, std::string_view word,
                             std::uint32_t edits);

}  // namespace prse
