#include "query.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <set>
#include <utility>

#include "analyser.h"
#include "query_dates.h"
#include "status.h"

namespace prse {
namespace {

constexpr std::string_view kSpaces = " \t\n\r\f\v";
constexpr std::string_view kDateField = "date";
constexpr std::string_view kOr = "OR";

// What users call the fields that the engine knows.
constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kFieldNames = {{
    {"tag", "tags"}, {"tags", "tags"}, {"name", "filename"}, {"filename", "filename"},
    {"folder", "folder"}, {"camera", "camera"}, {"place", "place"}, {"caption", "caption"},
    {"date", "date"}, {"lens", "lens"},
}};

class Parser {
 public:
  Parser(std::string_view text, std::span<const std::string_view> fields, Language language, bool strict, bool plain)
      : text_(text), fields_(fields), language_(language), strict_(strict), plain_(plain) {}

  Query parse() {
    query_.root = all(parse_sequence(0));
    pass_over_stop_words(query_.root);
    pair_words();
    if (query_.words.size() > kMostQueryWords) {
      fail_invalid("a query of " + std::to_string(query_.words.size()) + " words; at most " +
                   std::to_string(kMostQueryWords) + " are possible");
    }
    if (!plain_) unite_words();
    return std::move(query_);
  }

 private:
  using Nodes = std::vector<QueryNode>;

  static QueryNode all(Nodes nodes) {
    QueryNode node;
    node.children = std::move(nodes);
    return node;
  }

  bool is_stop(const QueryNode& node) const {
    return node.kind == QueryNode::Kind::kWord && query_.words[node.word].stop;
  }

  // Words that say little are passed over beside others that must be there. Where any is enough they mean themselves:
  // few would ask for `arch` by `a`.
  void pass_over_stop_words(QueryNode& node) {
    for (QueryNode& child : node.children) pass_over_stop_words(child);
    const bool others = std::any_of(node.children.begin(), node.children.end(), [&](const QueryNode& child) {
      return !child.negated && child.kind != QueryNode::Kind::kTimes && !is_stop(child);
    });
    if (!others) return;
    if (node.kind == QueryNode::Kind::kAll) {
      std::erase_if(node.children, [&](const QueryNode& child) { return is_stop(child); });
      return;
    }
    for (const QueryNode& child : node.children) {
      if (!is_stop(child)) continue;
      QueryWord& word = query_.words[child.word];
      word.prefixes = word.typos = false;
      word.neighbour_keys.clear();
    }
  }

  void pair_words() {
    const std::size_t none = query_.words.size();
    std::size_t before = none;
    for (const QueryNode& node : query_.root.children) {
      if (node.kind != QueryNode::Kind::kWord || node.negated) continue;
      const QueryWord& word = query_.words[node.word];
      if (word.phrase || !word.forms) continue;
      if (before != none && query_.words[before].field == word.field) {
        query_.pairs.emplace_back(before, node.word);
      }
      before = node.word;
    }
  }

  // Whether it asks for the same; of a name that is cut into words each part belongs to its own.
  bool is_same(const QueryNode& a, const QueryNode& b) const {
    if (a.kind != QueryNode::Kind::kWord || b.kind != a.kind || a.negated || b.negated || a.chunk != b.chunk) return false;
    const QueryWord& one = query_.words[a.word];
    const QueryWord& other = query_.words[b.word];
    return one.terms == other.terms && one.phrase == other.phrase && one.field == other.field &&
           one.forms == other.forms && one.neighbour_keys == other.neighbour_keys;
  }

  // A word that is asked for again beside itself counts once; what stands beside it each time is near it. Words that
  // are passed over go.
  void unite_words() {
    std::vector<std::size_t> first(query_.words.size());  // by word, the first one that is the same
    std::iota(first.begin(), first.end(), 0);
    Nodes once;
    for (QueryNode& node : query_.root.children) {
      const auto same = std::find_if(once.begin(), once.end(), [&](const QueryNode& before) { return is_same(before, node); });
      if (same == once.end()) {
        once.push_back(std::move(node));
      } else {
        first[node.word] = same->word;
      }
    }
    query_.root.children = std::move(once);
    std::vector<bool> used(first.size());
    mark_used(query_.root, used);
    std::vector<QueryWord> words;
    std::vector<std::size_t> number(first.size());
    for (std::size_t word = 0; word < first.size(); ++word) {
      number[word] = words.size();
      if (used[word]) words.push_back(std::move(query_.words[word]));
    }
    query_.words = std::move(words);
    renumber(query_.root, number);
    std::set<std::pair<std::size_t, std::size_t>> pairs;
    for (const auto& [a, b] : query_.pairs) {
      if (first[a] != first[b]) pairs.insert(std::minmax(number[first[a]], number[first[b]]));
    }
    query_.pairs.assign(pairs.begin(), pairs.end());
  }

  static void mark_used(const QueryNode& node, std::vector<bool>& used) {
    if (node.kind == QueryNode::Kind::kWord) used[node.word] = true;
    for (const QueryNode& child : node.children) mark_used(child, used);
  }

  static void renumber(QueryNode& node, std::span<const std::size_t> number) {
    if (node.kind == QueryNode::Kind::kWord) node.word = number[node.word];
    for (QueryNode& child : node.children) renumber(child, number);
  }

  // One node for several that must all match.
  static QueryNode joined(Nodes nodes) {
    return nodes.size() == 1 ? std::move(nodes.front()) : all(std::move(nodes));
  }

  // In strict mode the query ends here; else the parser goes on as documented.
  void complain(std::size_t at, const std::string& what) const {
    if (!strict_) return;
    const auto characters = std::count_if(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at),
                                          [](char c) { return (c & 0xC0) != 0x80; });
    fail_invalid("the query's character " + std::to_string(characters + 1) + ": " + what);
  }

  bool at_end() const { return at_ == text_.size(); }
  char here() const { return text_[at_]; }
  void skip_spaces() { at_ = std::min(text_.find_first_not_of(kSpaces, at_), text_.size()); }

  bool something_follows() const {
    const std::size_t next = text_.find_first_not_of(kSpaces, at_);
    return next != std::string_view::npos && text_[next] != ')';
  }

  // Up to the end, or to the closing parenthesis of a group. The nodes must all match.
  Nodes parse_sequence(std::size_t depth) {
    std::vector<Nodes> clauses;
    bool either = false;  // an OR stands before the next clause
    const std::size_t begin = at_;
    for (skip_spaces(); !at_end(); skip_spaces()) {
      if (here() == ')') {
        ++at_;
        if (depth > 0) return flat(std::move(clauses));
        complain(at_ - 1, "nothing was opened that \")\" could close");
        continue;
      }
      if (!either && !clauses.empty() && take_or()) {
        either = true;
        continue;
      }
      Nodes clause = parse_clause(depth);
      if (clause.empty()) continue;
      if (either) {
        join_either(clauses.back(), joined(std::move(clause)));
      } else {
        clauses.push_back(std::move(clause));
      }
      either = false;
    }
    if (depth > 0) complain(begin - 1, "\"(\" is never closed");
    return flat(std::move(clauses));
  }

  static Nodes flat(std::vector<Nodes> clauses) {
    Nodes nodes;
    for (Nodes& clause : clauses) std::move(clause.begin(), clause.end(), std::back_inserter(nodes));
    return nodes;
  }

  static void join_either(Nodes& left, QueryNode right) {
    QueryNode first = joined(std::move(left));
    left.clear();
    if (first.kind != QueryNode::Kind::kAny || first.negated) {
      QueryNode any;
      any.kind = QueryNode::Kind::kAny;
      any.children.push_back(std::move(first));
      first = std::move(any);
    }
    first.children.push_back(std::move(right));
    left.push_back(std::move(first));
  }

  // An OR between two clauses; elsewhere it is a word.
  bool take_or() {
    if (text_.substr(at_, kOr.size()) != kOr) return false;
    const std::size_t end = at_ + kOr.size();
    if (end == text_.size() || kSpaces.find(text_[end]) == std::string_view::npos) return false;
    const std::size_t begin = std::exchange(at_, end);
    if (something_follows()) return true;
    at_ = begin;
    complain(begin, "OR has nothing behind it");
    return false;
  }

  Nodes parse_clause(std::size_t depth) {
    const bool negated = here() == '-' && at_ + 1 < text_.size() &&
                         kSpaces.find(text_[at_ + 1]) == std::string_view::npos;
    if (!negated) return parse_operand(depth);
    ++at_;
    const bool before = std::exchange(excluded_, true);
    Nodes nodes = parse_operand(depth);
    excluded_ = before;
    if (nodes.empty()) return nodes;
    QueryNode node = joined(std::move(nodes));
    if (node.negated) node = all({std::move(node)});
    node.negated = true;
    node.demanded = true;
    return {std::move(node)};
  }

  Nodes parse_operand(std::size_t depth) {
    if (here() == '"') return parse_phrase();
    if (here() == '(') {
      ++at_;
      if (depth < kMostQueryDepth) {
        Nodes nodes = parse_sequence(depth + 1);
        if (nodes.empty()) return nodes;
        return {joined(std::move(nodes))};
      }
      complain(at_ - 1, "groups are nested too deep");
      return {};
    }
    return parse_chunk(depth);
  }

  Nodes parse_phrase() {
    const std::size_t begin = ++at_;
    const std::size_t end = text_.find('"', begin);
    if (end == std::string_view::npos) complain(begin - 1, "the quotation is never closed");
    at_ = end == std::string_view::npos ? text_.size() : end + 1;
    const std::string_view quoted = text_.substr(begin, std::min(end, text_.size()) - begin);
    const Analysis analysis = analyse(quoted);
    if (analysis.tokens.empty()) return {};
    QueryWord word = new_word(quoted);
    word.phrase = true;
    for (const Token& token : analysis.tokens) {
      if (!token.tail) word.terms.emplace_back(analysis.term(token));
    }
    return {leaf(std::move(word))};
  }

  // What stands up to the next space, quotation mark or parenthesis.
  Nodes parse_chunk(std::size_t depth) {
    const std::size_t begin = at_;
    at_ = std::min(text_.find_first_of(" \t\n\r\f\v\"()", at_), text_.size());
    std::string_view chunk = text_.substr(begin, at_ - begin);
    if (const auto times = chunk.find("..") == std::string_view::npos ? std::nullopt : parse_times(chunk)) {
      return {times_node(*times)};
    }
    const std::size_t colon = chunk.find(':');
    if (colon == std::string_view::npos || colon == 0 || !field_.empty()) return words_of(chunk);
    const std::string field = field_of(chunk.substr(0, colon));
    if (field.empty()) {
      complain(begin, "there is no field \"" + std::string(chunk.substr(0, colon)) + "\"");
      return words_of(chunk);
    }
    chunk.remove_prefix(colon + 1);
    if (chunk.empty() && (at_end() || (here() != '"' && here() != '('))) {
      complain(begin, "the field has nothing behind its colon");
      return words_of(text_.substr(begin, colon));
    }
    if (field == kDateField && !chunk.empty()) {
      if (const auto times = parse_times(chunk)) return {times_node(*times)};
      complain(begin + colon + 1, "\"" + std::string(chunk) +
                                      "\" is no date: 2019, 2019-06, 2019-06-14 or 2019..2021-06");
    }
    field_ = field;
    Nodes nodes = chunk.empty() ? parse_operand(depth) : words_of(chunk);
    field_.clear();
    for (QueryNode& node : nodes) node.demanded = true;
    return nodes;
  }

  Nodes words_of(std::string_view chunk) {
    Analysis analysis = analyse(chunk);
    std::erase_if(analysis.tokens, [](const Token& token) { return token.tail; });
    const bool star = chunk.ends_with('*');
    const std::string whole = fold_words(chunk);
    Nodes nodes;
    for (const Token& token : analysis.tokens) {
      QueryWord word = new_word(chunk.substr(token.begin, token.end - token.begin));
      word.terms.emplace_back(analysis.term(token));
      const bool starred = star && &token == &analysis.tokens.back();
      const bool plain = plain_ || excluded_;
      word.prefixes = starred || !plain;
      word.forms = !starred && !plain;
      if (word.forms) word.stem = stem(word.terms[0], language_);
      word.stop = word.forms && field_.empty() && is_stop_word(word.terms[0], language_);
      word.typos = word.forms;
      if (word.forms && (field_.empty() || field_ == "tags")) {
        word.neighbour_keys = word.terms;
        if (analysis.tokens.size() > 1) word.neighbour_keys.push_back(whole);
      }
      nodes.push_back(leaf(std::move(word)));
    }
    if (nodes.size() > 1 && is_a_name(analysis) && !overlap(analysis.tokens)) {
      ++chunks_;
      for (QueryNode& node : nodes) node.chunk = chunks_;
    }
    return nodes;
  }

  // Numbers make one: IMG_2041. Words with a hyphen between them are found by any of them.
  static bool is_a_name(const Analysis& analysis) {
    return std::any_of(analysis.tokens.begin(), analysis.tokens.end(), [&](const Token& token) {
      return analysis.term(token).find_first_of("0123456789") != std::string_view::npos;
    });
  }

  // As pairs of ideographs and kana do: they are parts of a text that is written without spaces.
  static bool overlap(const std::vector<Token>& tokens) {
    return std::adjacent_find(tokens.begin(), tokens.end(), [](const Token& a, const Token& b) {
             return b.begin < a.end;
           }) != tokens.end();
  }

  QueryWord new_word(std::string_view typed) const {
    QueryWord word;
    word.typed = typed;
    word.field = field_;
    word.excluded = excluded_;
    return word;
  }

  QueryNode leaf(QueryWord word) {
    QueryNode node;
    node.kind = QueryNode::Kind::kWord;
    node.word = query_.words.size();
    query_.words.push_back(std::move(word));
    return node;
  }

  static QueryNode times_node(TimeRange range) {
    QueryNode node;
    node.kind = QueryNode::Kind::kTimes;
    node.demanded = true;
    node.from = range.from;
    node.before = range.before;
    return node;
  }

  // The field that is meant, or nothing.
  std::string field_of(std::string_view name) const {
    std::string lower(name);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    for (const auto& [known, field] : kFieldNames) {
      if (lower == known) return std::string(field);
    }
    for (const std::string_view field : fields_) {
      if (name == field) return std::string(field);
    }
    return {};
  }

  std::string_view text_;
  std::span<const std::string_view> fields_;
  Language language_;
  bool strict_;
  bool plain_;
  std::size_t at_ = 0;
  std::size_t chunks_ = 0;
  bool excluded_ = false;
  std::string field_;
  Query query_;
};

}  // namespace

Query parse_query(std::string_view text, std::span<const std::string_view> fields, Language language,
                  bool strict, bool plain) {
  return Parser(text, fields, language, strict, plain).parse();
}

}  // namespace prse
