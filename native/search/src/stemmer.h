// Stems of words, so that forms of one word find each other. Words are folded: without accents, in lower case.
#pragma once

#include <string>
#include <string_view>

namespace prse {

// Porter2 (Porter, "The English (Porter2) stemming algorithm", 2002, as of Snowball 3). The site's script has
// the same rules; tests hold both against one list. What is not of a to z alone, or shorter than three letters,
// is its own stem.
std::string stem_english(std::string_view word);

// The German algorithm of Snowball 3 (snowballstem.org/algorithms/german). Umlauts are folded to their vowels
// before, as the algorithm does at its end. What is not of a to z alone is its own stem.
std::string stem_german(std::string_view word);

}  // namespace prse
