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

// Where the run of ASCII letters and digits that begins at `begin` ends.
std::size_t end_of_run(std::string_view text, std::size_t begin) {
  while (begin < text.size()) {
    const auto byte = static_cast<unsigned char>(text[begin]);
    if (byte >= 0x80 || kAscii[byte] == 0) break;
    ++begin;
  }
  return begin;
}

// The words of a text as they grow: at most one is open, the last.
class TokenBuilder {
 public:
  void add(char32_t letter, std::uint32_t begin, std::uint32_t end) {
    if (letter == kSeparator) {
      open_ = false;
      return;
    }
    const bool alone = stands_alone(letter);
    if (!open_ || alone || alone_) start(begin);
    put_utf8(result.terms, letter);
    alone_ = alone;
    extend(end);
  }

  // Letters and digits of ASCII, not folded yet; not none.
  void add_ascii(std::string_view letters, std::uint32_t begin) {
    if (!open_ || alone_) start(begin);
    const std::size_t before = result.terms.size();
    result.terms.resize(before + letters.size());
    for (std::size_t i = 0; i < letters.size(); ++i) {
      result.terms[before + i] = kAscii[static_cast<unsigned char>(letters[i])];
    }
    alone_ = false;
    extend(begin + static_cast<std::uint32_t>(letters.size()));
  }

  void separate() { open_ = false; }

  void add_mark(std::uint32_t end) {
    if (open_) extend(end);
  }

  Analysis result;

 private:
  void start(std::uint32_t begin) {
    const auto term = static_cast<std::uint32_t>(result.terms.size());
    const auto position = static_cast<std::uint32_t>(result.tokens.size());
    result.tokens.push_back({begin, begin, position, term, term});
    open_ = true;
  }

  void extend(std::uint32_t end) {
    result.tokens.back().end = end;
    result.tokens.back().term_end = static_cast<std::uint32_t>(result.terms.size());
  }

  bool open_ = false;
  bool alone_ = false;  // the open word is an ideograph or kana: nothing may join it
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
      const std::size_t end = end_of_run(text, at);
      if (end == at) {
        builder.separate();
        ++at;
      } else {
        builder.add_ascii(text.substr(at, end - at), begin);
        at = end;
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
    if (!words.empty()) words.push_back(' ');
    words.append(analysis.term(token));
  }
  return words;
}

}  // namespace prse
