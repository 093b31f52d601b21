// A list of words in few bytes, for those who misspell them.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace prse {

// What `SITE.md` calls a list of words. PRSE_INVALID where one has no letters, more than 64, or more than the next.
std::string site_words(std::span<const std::string_view> words);

}  // namespace prse
