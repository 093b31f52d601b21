#include "language.h"

#include <algorithm>
#include <iterator>

#include "stemmer.h"

namespace prse {
namespace {

// Sorted. The same words stand in the site's script.
constexpr std::string_view kEnglishStopWords[] = {
    "a",     "about", "after", "all",   "also",  "an",    "and",   "any",   "are",    "as",
    "at",    "be",    "been",  "but",   "by",    "can",   "could", "did",   "do",     "does",
    "for",   "from",  "had",   "has",   "have",  "he",    "her",   "his",   "how",    "i",
    "if",    "in",    "into",  "is",    "it",    "its",   "may",   "me",    "my",     "no",
    "nor",   "not",   "of",    "off",   "on",    "or",    "our",   "she",   "should", "so",
    "some",  "such",  "than",  "that",  "the",   "their", "them",  "then",  "there",  "these",
    "they",  "this",  "those", "to",    "us",    "was",   "we",    "were",  "what",   "when",
    "where", "which", "while", "who",   "whom",  "why",   "will",  "with",  "would",  "you",
    "your",
};

}  // namespace

std::optional<Language> language_of(std::string_view name) {
  if (name == "none") return Language::kNone;
  if (name == "english") return Language::kEnglish;
  return std::nullopt;
}

std::string_view name_of(Language language) {
  return language == Language::kEnglish ? "english" : "none";
}

std::string stem(std::string_view word, Language language) {
  return language == Language::kEnglish ? stem_english(word) : std::string(word);
}

bool is_stop_word(std::string_view word, Language language) {
  return language == Language::kEnglish &&
         std::binary_search(std::begin(kEnglishStopWords), std::end(kEnglishStopWords), word);
}

}  // namespace prse
