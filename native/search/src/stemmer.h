// The English stem of a word, so that forms of one word find each other: Porter2 (Porter,
// "The English (Porter2) stemming algorithm", 2002, as of Snowball 3). The site's script has the
// same rules; tests hold both against one list.
#pragma once

#include <string>
#include <string_view>

namespace prse {

// Of a folded word. What is not of a to z alone, or shorter than three letters, is its own stem.
std::string stem_english(std::string_view word);

}  // namespace prse
