// A stem as it is read of an index: its words, and where each stands.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "site_record.h"

namespace prse {

// A stem of which many documents have some word.
struct SiteStem {
  struct Word {
    std::string text;
    SitePostings postings;  // with positions
  };
  std::string text;
  std::uint32_t weight;     // what its words are worth beside those of other stems
  std::vector<Word> words;  // ascending
};

}  // namespace prse
