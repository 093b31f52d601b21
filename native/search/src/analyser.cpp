#include "analyser.h"

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

// The table's answer for ASCII, where most texts live, at less cost.
char32_t fold_ascii(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) return static_cast<char32_t>(c);
  if (c >= 'A' && c <= 'Z') return static_cast<char32_t>(c - 'A' + 'a');
  return kSeparator;
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
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto begin = static_cast<std::uint32_t>(text.size() - rest.size());
    if (static_cast<unsigned char>(rest.front()) < 0x80) {
      builder.add(fold_ascii(rest.front()), begin, begin + 1);
      rest.remove_prefix(1);
      continue;
    }
    const Folded folded = fold(take_code_point(rest));
    const auto end = static_cast<std::uint32_t>(text.size() - rest.size());
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
