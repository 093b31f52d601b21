#include "analyser.h"

#include <array>

#include "status.h"
#include "unicode.h"

namespace prse {
namespace {

void put_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (c >> 6)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (c >> 12)));
    out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | (c >> 18)));
    out.push_back(static_cast<char>(0x80 | ((c >> 12) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
}

// The table's answer for ASCII, where most texts live, at less cost: the folded letter or digit,
// or 0 for what separates.
constexpr std::array<char, 128> kAscii = [] {
  std::array<char, 128> folded{};
  for (char c = '0'; c <= '9'; ++c) folded[static_cast<unsigned char>(c)] = c;
  for (char c = 'a'; c <= 'z'; ++c) {
    folded[static_cast<unsigned char>(c)] = c;
    folded[static_cast<unsigned char>(c - 'a' + 'A')] = c;
  }
  return folded;
}();

constexpr bool is_digit(char32_t letter) { return letter >= U'0' && letter <= U'9'; }

// A run of ASCII letters and digits.
struct Run {
  std::size_t end;
  bool digits;  // has any
};

Run run_from(std::string_view text, std::size_t begin) {
  Run run{begin, false};
  for (; run.end < text.size(); ++run.end) {
    const auto byte = static_cast<unsigned char>(text[run.end]);
    if (byte >= 0x80 || kAscii[byte] == 0) break;
    run.digits |= byte <= '9';  // of those that are kept
  }
  return run;
}

// So many digits in a row are a word of their own: IMG2041 is img and 2041, mp3 is one word.
constexpr std::uint32_t kDigitsApart = 3;

// The words of a text as they grow: at most one is open, the last.
class TokenBuilder {
 public:
  void add(char32_t letter, std::uint32_t begin, std::uint32_t end) {
    if (letter == kSeparator) {
      open_ = false;
      return;
    }
    if (stands_alone(letter)) {
      add_alone(letter, begin, end);
      return;
    }
    const bool digit = is_digit(letter);
    if (!open_ || alone_ || (!digit && digits_ >= kDigitsApart)) start(begin);
    alone_ = false;
    if (digit && digits_++ == 0) {
      run_begin_ = begin;
      run_term_ = static_cast<std::uint32_t>(result.terms.size());
      before_run_ = result.tokens.back().end;
    } else if (!digit) {
      digits_ = 0;
    }
    put_utf8(result.terms, letter);
    if (digits_ == kDigitsApart && run_term_ > result.tokens.back().term_begin) part_digits();
    extend(end);
  }

  // Letters and digits of ASCII, not folded yet; not none. `digits`: there are any.
  void add_ascii(std::string_view letters, bool digits, std::uint32_t begin) {
    if (digits) {
      for (const char letter : letters) {
        add(static_cast<char32_t>(kAscii[static_cast<unsigned char>(letter)]), begin, begin + 1);
        ++begin;
      }
      return;
    }
    if (!open_ || alone_ || digits_ >= kDigitsApart) start(begin);
    const std::size_t before = result.terms.size();
    result.terms.resize(before + letters.size());
    for (std::size_t i = 0; i < letters.size(); ++i) {
      result.terms[before + i] = kAscii[static_cast<unsigned char>(letters[i])];
    }
    alone_ = false;
    digits_ = 0;
    extend(begin + static_cast<std::uint32_t>(letters.size()));
  }

  void separate() { open_ = false; }

  void add_mark(std::uint32_t end) {
    if (!open_) return;
    extend(end);
    if (result.tokens.back().tail) result.tokens[result.tokens.size() - 2].end = end;
  }

  Analysis result;

 private:
  void start(std::uint32_t begin) {
    const auto term = static_cast<std::uint32_t>(result.terms.size());
    const std::uint32_t position = result.tokens.empty() ? 0 : result.tokens.back().position + 1;
    result.tokens.push_back({begin, begin, position, term, term});
    open_ = true;
    digits_ = 0;
  }

  // An ideograph or kana: each two that follow each other are a word, and so is the last alone.
  void add_alone(char32_t letter, std::uint32_t begin, std::uint32_t end) {
    const bool follows = open_ && alone_;
    if (follows) {
      Token& before = result.tokens.back();
      if (before.tail) {
        before.tail = false;
        ++before.position;
      }
      put_utf8(result.terms, letter);
      extend(end);
    }
    start(begin);
    if (follows) {
      --result.tokens.back().position;
      result.tokens.back().tail = true;
    }
    put_utf8(result.terms, letter);
    alone_ = true;
    extend(end);
  }

  // Ends the open word before its digits, which begin the next.
  void part_digits() {
    Token& letters = result.tokens.back();
    letters.end = before_run_;
    letters.term_end = run_term_;
    result.tokens.push_back({run_begin_, run_begin_, letters.position + 1, run_term_, run_term_});
  }

  void extend(std::uint32_t end) {
    result.tokens.back().end = end;
    result.tokens.back().term_end = static_cast<std::uint32_t>(result.terms.size());
  }

  bool open_ = false;
  bool alone_ = false;  // the open word is an ideograph or kana: nothing else may join it
  // The digits at the end of the open word, where they begin, and where what is before them ends.
  std::uint32_t digits_ = 0;
  std::uint32_t run_begin_ = 0;
  std::uint32_t run_term_ = 0;
  std::uint32_t before_run_ = 0;
};

}  // namespace

Analysis analyse(std::string_view text) {
  if (text.size() > kLongestText) {
    fail_invalid("a text of " + std::to_string(text.size()) + " bytes is longer than the " +
                 std::to_string(kLongestText) + " that can be searched");
  }
  TokenBuilder builder;
  builder.result.tokens.reserve(text.size() / 6 + 4);
  builder.result.terms.reserve(text.size());
  std::size_t at = 0;
  while (at < text.size()) {
    const auto begin = static_cast<std::uint32_t>(at);
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      const Run run = run_from(text, at);
      if (run.end == at) {
        builder.separate();
        ++at;
      } else {
        builder.add_ascii(text.substr(at, run.end - at), run.digits, begin);
        at = run.end;
      }
      continue;
    }
    std::string_view rest = text.substr(at);
    const Folded folded = fold(take_code_point(rest));
    at = text.size() - rest.size();
    const auto end = static_cast<std::uint32_t>(at);
    if (folded.length == 0) builder.add_mark(end);
    for (std::size_t i = 0; i < folded.length; ++i) builder.add(folded.letters[i], begin, end);
  }
  return std::move(builder.result);
}

std::string fold_words(std::string_view text) {
  const Analysis analysis = analyse(text);
  std::string words;
  for (const Token& token : analysis.tokens) {
    if (token.tail) continue;
    if (!words.empty()) words.push_back(' ');
    words.append(analysis.term(token));
  }
  return words;
}

}  // namespace prse
