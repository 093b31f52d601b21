// Cuts texts into folded words; ANALYSIS.md states the rule, which the site's script shares.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace prse {

struct Token {
  std::uint32_t begin;  // of the word in the text as given, in bytes
  std::uint32_t end;
  std::uint32_t position;  // ascending from 0; a tail's is that of the token before
  std::uint32_t term_begin;  // of its folded form in Analysis::terms
  std::uint32_t term_end;
  // The last letter of a run of ideographs or kana, once more by itself, so that it is found too.
  // Queries do without it.
  bool tail = false;
};

struct Analysis {
  std::vector<Token> tokens;
  std::string terms;

  std::string_view term(const Token& token) const {
    return std::string_view(terms).substr(token.term_begin, token.term_end - token.term_begin);
  }
};

// Longest text that is analysed: offsets have 32 bits, and a folded text may be longer.
constexpr std::size_t kLongestText = 64U << 20;

// Throws PRSE_INVALID for a text longer than kLongestText.
Analysis analyse(std::string_view text);

// The folded words of a text, without tails, with a space between: what makes two tags the same.
std::string fold_words(std::string_view text);

}  // namespace prse
