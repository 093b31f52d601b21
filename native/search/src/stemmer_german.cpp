#include <algorithm>
#include <iterator>
#include <span>

#include "stemmer.h"

namespace prse {
namespace {

// Letters that a word does not have stand for those that the rules tell apart: U and Y for a u and a y
// between vowels, which are consonants; A, O and W for the umlauts of a, o and u.
bool is_vowel(char c) { return std::string_view("aeiouyAOW").find(c) != std::string_view::npos; }

// Before these endings a word must end in one of these letters.
constexpr std::string_view kBeforeS = "bdfghklmnrt";
constexpr std::string_view kBeforeSt = "bdfghklmnt";
constexpr std::string_view kBeforeEt = "AUdfgklmnrstz";
constexpr std::string_view kKeptBeforeEt[] = {"geordn", "intern", "plan", "tick", "tr"};

constexpr std::string_view kStep1[] = {"erinnen", "erin", "lns", "ern", "em", "en",
                                       "er",      "es",   "ln",  "e",   "s"};
constexpr std::string_view kStep2[] = {"est", "en", "er", "et", "st"};
constexpr std::string_view kStep3[] = {"heit", "isch", "keit", "lich", "end", "ung", "ig", "ik"};

class Stemmer {
 public:
  explicit Stemmer(std::string_view word) : word_(word) {
    for (std::size_t i = 1; i + 1 < word_.size(); ++i) {
      if ((word_[i] == 'u' || word_[i] == 'y') && is_vowel(word_[i - 1]) && is_vowel(word_[i + 1])) {
        word_[i] = word_[i] == 'u' ? 'U' : 'Y';
      }
    }
    join_umlauts();
    mark_regions();
  }

  std::string run() {
    remove_inflection();
    remove_comparison();
    remove_derivation();
    for (char& c : word_) {
      switch (c) {
        case 'A': c = 'a'; break;
        case 'O': c = 'o'; break;
        case 'W':
        case 'U': c = 'u'; break;
        case 'Y': c = 'y'; break;
        default: break;
      }
    }
    return std::move(word_);
  }

 private:
  // ae, oe and ue, as umlauts are written where there are none on the keyboard. The u of qu is no part of one.
  void join_umlauts() {
    std::string joined;
    for (std::size_t i = 0; i < word_.size(); ++i) {
      const char c = word_[i];
      const char next = i + 1 < word_.size() ? word_[i + 1] : ' ';
      if (c == 'q' && next == 'u') {
        joined += "qu";
        ++i;
      } else if (next == 'e' && (c == 'a' || c == 'o' || c == 'u')) {
        joined += c == 'a' ? 'A' : c == 'o' ? 'O' : 'W';
        ++i;
      } else {
        joined += c;
      }
    }
    word_ = std::move(joined);
  }

  // Behind the first consonant that follows a vowel, from `from` on.
  std::size_t region(std::size_t from) const {
    while (from < word_.size() && !is_vowel(word_[from])) ++from;
    while (from < word_.size() && is_vowel(word_[from])) ++from;
    return std::min(from + 1, word_.size());
  }

  void mark_regions() {
    const std::size_t first = word_.size() < 3 ? word_.size() : region(0);
    r1_ = std::max(first, std::min<std::size_t>(3, word_.size()));
    r2_ = region(first);
  }

  bool ends(std::string_view ending) const { return std::string_view(word_).ends_with(ending); }
  bool ends_in_one_of(std::string_view letters) const {
    return !word_.empty() && letters.find(word_.back()) != std::string_view::npos;
  }
  bool in(std::size_t region, std::string_view ending) const { return word_.size() - ending.size() >= region; }
  void cut(std::string_view ending) { word_.erase(word_.size() - ending.size()); }
  void put_back(std::string_view ending) { word_ += ending; }

  // The first ending that the word has, or none; longer ones stand before those that they end with.
  std::string_view ending_of(std::span<const std::string_view> endings) const {
    const auto found = std::find_if(endings.begin(), endings.end(), [this](auto ending) { return ends(ending); });
    return found == endings.end() ? std::string_view() : *found;
  }

  void remove_inflection() {
    const std::string_view ending = ending_of(kStep1);
    if (ending.empty() || !in(r1_, ending)) return;
    cut(ending);
    if (ending == "em") {
      if (ends("syst")) put_back(ending);
    } else if (ending == "s") {
      if (!ends_in_one_of(kBeforeS)) put_back(ending);
    } else if (ending == "ln" || ending == "lns") {
      word_ += 'l';
    } else if ((ending == "e" || ending == "en" || ending == "es") && ends("niss")) {
      cut("s");
    }
  }

  void remove_comparison() {
    const std::string_view ending = ending_of(kStep2);
    if (ending.empty() || !in(r1_, ending)) return;
    cut(ending);
    if (ending == "st") {
      if (!ends_in_one_of(kBeforeSt) || word_.size() < 4) put_back(ending);
    } else if (ending == "et") {
      if (!ends_in_one_of(kBeforeEt) || !ending_of(kKeptBeforeEt).empty()) put_back(ending);
    }
  }

  void remove_derivation() {
    const std::string_view ending = ending_of(kStep3);
    if (ending.empty() || !in(r2_, ending)) return;
    cut(ending);
    if (ending == "ig" || ending == "ik" || ending == "isch") {
      if (ends("e")) put_back(ending);
    } else if (ending == "end" || ending == "ung") {
      if (ends("ig") && !ends("eig") && in(r2_, "ig")) cut("ig");
    } else if (ending == "lich" || ending == "heit") {
      if ((ends("er") || ends("en")) && in(r1_, "er")) cut("er");
    } else if (ends("lich") && in(r2_, "lich")) {
      cut("lich");
    } else if (ends("ig") && in(r2_, "ig")) {
      cut("ig");
    }
  }

  std::string word_;
  std::size_t r1_ = 0;
  std::size_t r2_ = 0;
};

}  // namespace

std::string stem_german(std::string_view word) {
  const bool plain = std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  return plain ? Stemmer(word).run() : std::string(word);
}

}  // namespace prse
