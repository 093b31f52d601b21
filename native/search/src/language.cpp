#include "language.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "stemmer.h"

namespace prse {
namespace {

// Sorted, and folded. The English ones stand in the site's script too.
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

constexpr std::string_view kGermanStopWords[] = {
    "aber", "alle", "als", "also", "am", "an", "auch", "auf", "aus", "bei", "beim", "bin", "bis",
    "bist", "da", "dann", "das", "dass", "dein", "dem", "den", "denn", "der", "des", "dich", "die",
    "dies", "diese", "dieser", "dieses", "dir", "doch", "du", "durch", "ein", "eine", "einem", "einen",
    "einer", "eines", "er", "es", "etwas", "euch", "fur", "hab", "habe", "haben", "hat", "hatte",
    "hatten", "ich", "ihm", "ihn", "ihr", "ihre", "im", "in", "ins", "ist", "ja", "kein", "keine",
    "man", "mein", "mich", "mir", "mit", "nach", "nicht", "noch", "nun", "nur", "ob", "oder", "ohne",
    "sein", "seine", "sich", "sie", "sind", "so", "uber", "um", "und", "uns", "unser", "unter", "vom",
    "von", "vor", "war", "waren", "warum", "was", "weil", "welche", "wenn", "wer", "werden", "wie",
    "wir", "wird", "wo", "zu", "zum", "zur",
};

constexpr std::pair<std::string_view, Language> kNames[] = {
    {"none", Language::kNone}, {"english", Language::kEnglish}, {"german", Language::kGerman}};

}  // namespace

std::optional<Language> language_of(std::string_view name) {
  for (const auto& [known, language] : kNames) {
    if (known == name) return language;
  }
  return std::nullopt;
}

std::string_view name_of(Language language) { return kNames[static_cast<std::size_t>(language)].first; }

std::string stem(std::string_view word, Language language) {
  switch (language) {
    case Language::kEnglish: return stem_english(word);
    case Language::kGerman: return stem_german(word);
    case Language::kNone: break;
  }
  return std::string(word);
}

bool is_stop_word(std::string_view word, Language language) {
  const auto is_in = [&](const auto& words) { return std::binary_search(std::begin(words), std::end(words), word); };
  switch (language) {
    case Language::kEnglish: return is_in(kEnglishStopWords);
    case Language::kGerman: return is_in(kGermanStopWords);
    case Language::kNone: break;
  }
  return false;
}

}  // namespace prse
