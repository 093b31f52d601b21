// What depends on the language of the texts: which words are forms of one word, and which say so
// little that they need not be there. An index has one language.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace prse {

// Their numbers stand in the manifest.
enum class Language : std::uint8_t { kNone = 0, kEnglish = 1, kGerman = 2 };

// By its name in lower case; nothing for one that is not known.
std::optional<Language> language_of(std::string_view name);
std::string_view name_of(Language language);

// Of a folded word; without a language each word is its own stem.
std::string stem(std::string_view word, Language language);

bool is_stop_word(std::string_view word, Language language);

}  // namespace prse
