#include "stemmer.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>

namespace prse {
namespace {

bool is_vowel(char c) {
  return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
}

struct Ending {
  std::string_view from;
  std::string_view to;
};

// Longer endings stand before those that they end with.
constexpr Ending kStep2[] = {
    {"ization", "ize"}, {"ational", "ate"}, {"fulness", "ful"}, {"ousness", "ous"},
    {"iveness", "ive"}, {"tional", "tion"}, {"biliti", "ble"},  {"lessli", "less"},
    {"entli", "ent"},   {"ation", "ate"},   {"alism", "al"},    {"aliti", "al"},
    {"ousli", "ous"},   {"iviti", "ive"},   {"fulli", "ful"},   {"ogist", "og"},
    {"enci", "ence"},   {"anci", "ance"},   {"abli", "able"},   {"izer", "ize"},
    {"ator", "ate"},    {"alli", "al"},     {"bli", "ble"},     {"ogi", "og"},
    {"li", ""},
};
constexpr Ending kStep3[] = {
    {"ational", "ate"}, {"tional", "tion"}, {"alize", "al"}, {"icate", "ic"}, {"iciti", "ic"},
    {"ative", ""},      {"ical", "ic"},     {"ness", ""},    {"ful", ""},
};
constexpr std::string_view kStep4[] = {
    "ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism",
    "ate",   "iti",  "ous",  "ive",  "ize",  "ion",  "al",  "er",  "ic",
};
constexpr Ending kIrregular[] = {
    {"andes", "andes"}, {"atlas", "atlas"}, {"bias", "bias"},     {"cosmos", "cosmos"},
    {"early", "earli"}, {"gently", "gentl"}, {"howe", "howe"},    {"idly", "idl"},
    {"news", "news"},   {"only", "onli"},   {"singly", "singl"},  {"skies", "sky"},
    {"skis", "ski"},    {"sky", "sky"},     {"ugly", "ugli"},
};
// After these R1 begins, sooner than the rule has it.
constexpr std::string_view kBeginnings[] = {"arsen", "commun", "emerg", "gener", "inter",
                                            "later", "organ",  "past",  "univers"};
constexpr std::string_view kKeptBeforeIng[] = {"even", "cann", "inn", "earr", "herr", "out"};
constexpr std::string_view kKeptBeforeEed[] = {"succ", "proc", "exc"};

template <typename Range>
bool is_one_of(std::string_view text, const Range& range) {
  return std::find(std::begin(range), std::end(range), text) != std::end(range);
}

class Stemmer {
 public:
  explicit Stemmer(std::string_view word) : word_(word) {
    // Y stands for a y that is a consonant.
    for (std::size_t i = 0; i < word_.size(); ++i) {
      if (word_[i] == 'y' && (i == 0 || is_vowel(word_[i - 1]))) word_[i] = 'Y';
    }
    mark_regions();
  }

  std::string run() {
    remove_plural();
    remove_past();
    if (word_.size() > 2 && (word_.back() == 'y' || word_.back() == 'Y') &&
        !is_vowel(word_[word_.size() - 2])) {
      word_.back() = 'i';
    }
    derive();
    shorten();
    strip();
    finish();
    std::replace(word_.begin(), word_.end(), 'Y', 'y');
    return std::move(word_);
  }

 private:
  // Where the part after the first non-vowel that follows a vowel begins, from `from` on.
  std::size_t region(std::size_t from) const {
    while (from < word_.size() && !is_vowel(word_[from])) ++from;
    while (from < word_.size() && is_vowel(word_[from])) ++from;
    return std::min(from + 1, word_.size());
  }

  void mark_regions() {
    r1_ = region(0);
    for (const std::string_view beginning : kBeginnings) {
      if (word_.starts_with(beginning)) r1_ = beginning.size();
    }
    r2_ = region(r1_);
  }

  bool ends(std::string_view ending) const {
    // Most differ in the last letter, which is cheaper to see.
    return !word_.empty() && word_.back() == ending.back() && word_.ends_with(ending);
  }
  std::size_t before(std::string_view ending) const { return word_.size() - ending.size(); }
  void replace(std::string_view ending, std::string_view by) {
    word_.resize(before(ending));
    word_ += by;
  }
  bool has_vowel(std::size_t end) const {
    return std::any_of(word_.begin(), word_.begin() + static_cast<std::ptrdiff_t>(end), is_vowel);
  }

  // Whether the first `end` letters end in a short syllable.
  bool is_short(std::size_t end) const {
    if (std::string_view(word_).substr(0, end).ends_with("past")) return true;
    if (end == 2) return is_vowel(word_[0]) && !is_vowel(word_[1]);
    if (end < 3) return false;
    const char last = word_[end - 1];
    return !is_vowel(last) && last != 'w' && last != 'x' && last != 'Y' &&
           is_vowel(word_[end - 2]) && !is_vowel(word_[end - 3]);
  }

  void remove_plural() {
    if (ends("sses")) {
      replace("sses", "ss");
    } else if (ends("ied") || ends("ies")) {
      replace("ied", word_.size() > 4 ? "i" : "ie");
    } else if (ends("s") && !ends("ss") && !ends("us") && has_vowel(word_.size() - 2)) {
      word_.pop_back();
    }
  }

  void remove_past() {
    for (const std::string_view ending : {"eedly", "eed"}) {
      if (!ends(ending)) continue;
      const std::size_t end = before(ending);
      if (end >= r1_ && !is_one_of(std::string_view(word_).substr(0, end), kKeptBeforeEed)) {
        replace(ending, "ee");
      }
      return;
    }
    for (const std::string_view ending : {"ingly", "edly", "ing", "ed"}) {
      if (!ends(ending)) continue;
      const std::size_t end = before(ending);
      if (ending == "ing") {
        if (end == 2 && word_[1] == 'y' && !is_vowel(word_[0])) {
          replace("ying", "ie");
          return;
        }
        if (is_one_of(std::string_view(word_).substr(0, end), kKeptBeforeIng)) return;
      }
      if (!has_vowel(end)) return;
      word_.resize(end);
      mend();
      return;
    }
  }

  // After an ending was removed.
  void mend() {
    if (ends("at") || ends("bl") || ends("iz")) {
      word_ += 'e';
      return;
    }
    const std::size_t size = word_.size();
    const bool doubled = size >= 2 && word_[size - 1] == word_[size - 2] &&
                         std::string_view("bdfgmnprt").find(word_.back()) != std::string_view::npos;
    if (doubled) {
      if (size != 3 || std::string_view("aeo").find(word_[0]) == std::string_view::npos) {
        word_.pop_back();
      }
    } else if (size == r1_ && is_short(size)) {
      word_ += 'e';
    }
  }

  void derive() {
    for (const Ending& ending : kStep2) {
      if (!ends(ending.from)) continue;
      const std::size_t end = before(ending.from);
      if (end < r1_) return;
      const char last = end == 0 ? ' ' : word_[end - 1];
      if (ending.from == "ogi" && last != 'l') return;
      if (ending.from == "li" && std::string_view("cdeghkmnrt").find(last) == std::string_view::npos) {
        return;
      }
      replace(ending.from, ending.to);
      return;
    }
  }

  void shorten() {
    for (const Ending& ending : kStep3) {
      if (!ends(ending.from)) continue;
      const std::size_t end = before(ending.from);
      if (end >= (ending.from == "ative" ? std::max(r1_, r2_) : r1_)) replace(ending.from, ending.to);
      return;
    }
  }

  void strip() {
    for (const std::string_view ending : kStep4) {
      if (!ends(ending)) continue;
      const std::size_t end = before(ending);
      if (end < r2_) return;
      if (ending == "ion" && (end == 0 || (word_[end - 1] != 's' && word_[end - 1] != 't'))) return;
      word_.resize(end);
      return;
    }
  }

  void finish() {
    if (word_.empty()) return;
    const std::size_t end = word_.size() - 1;
    if (ends("e")) {
      if (end >= r2_ || (end >= r1_ && !is_short(end))) word_.pop_back();
    } else if (ends("ll") && end >= r2_) {
      word_.pop_back();
    }
  }

  std::string word_;
  std::size_t r1_ = 0;
  std::size_t r2_ = 0;
};

}  // namespace

std::string stem_english(std::string_view word) {
  const bool plain = std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (word.size() < 3 || !plain) return std::string(word);
  for (const Ending& irregular : kIrregular) {
    if (irregular.from == word) return std::string(irregular.to);
  }
  return Stemmer(word).run();
}

}  // namespace prse
