#include "query.h"

#include <algorithm>

#include "analyser.h"
#include "status.h"

namespace prse {
namespace {

constexpr std::string_view kSpaces = " \t\n\r\f\v";

void add_phrase(std::string_view quoted, std::vector<QueryWord>& out) {
  const Analysis analysis = analyse(quoted);
  if (analysis.tokens.empty()) return;
  QueryWord word;
  word.typed = quoted;
  word.phrase = true;
  for (const Token& token : analysis.tokens) word.terms.emplace_back(analysis.term(token));
  out.push_back(std::move(word));
}

void add_chunk(std::string_view chunk, std::vector<QueryWord>& out) {
  const Analysis analysis = analyse(chunk);
  std::string all;
  for (const Token& token : analysis.tokens) {
    if (!all.empty()) all.push_back(' ');
    all.append(analysis.term(token));
  }
  for (const Token& token : analysis.tokens) {
    QueryWord word;
    word.typed = chunk.substr(token.begin, token.end - token.begin);
    word.terms.emplace_back(analysis.term(token));
    word.neighbour_keys = word.terms;
    if (analysis.tokens.size() > 1) word.neighbour_keys.push_back(all);
    out.push_back(std::move(word));
  }
}

void add_unquoted(std::string_view text, std::vector<QueryWord>& out) {
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
    if (text.empty()) return;
    const std::size_t end = std::min(text.find_first_of(kSpaces), text.size());
    add_chunk(text.substr(0, end), out);
    text.remove_prefix(end);
  }
}

}  // namespace

std::vector<QueryWord> parse_query(std::string_view text) {
  std::vector<QueryWord> words;
  bool quoted = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('"'), text.size());
    const std::string_view piece = text.substr(0, end);
    if (quoted) {
      add_phrase(piece, words);
    } else {
      add_unquoted(piece, words);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
    quoted = !quoted;
  }
  if (words.size() > kMostQueryWords) {
    fail_invalid("a query of " + std::to_string(words.size()) + " words; at most " +
                 std::to_string(kMostQueryWords) + " are possible");
  }
  return words;
}

}  // namespace prse
