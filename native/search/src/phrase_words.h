// What the words of a phrase say of the documents that bear it (scorer.h): each as much as by itself, so that
// nothing needs to be known of how many documents have them side by side.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "search_state.h"

namespace prse {

struct PhraseWords {
  double idf = 0;                     // the sum of theirs
  std::vector<std::uint32_t> places;  // where in the phrase each stands first
  std::vector<double> shares;         // of each in the sum
};

PhraseWords weigh_phrase(const SearchState& state, std::span<const std::string> terms);

}  // namespace prse
