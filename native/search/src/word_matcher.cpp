#include "word_matcher.h"

#include <algorithm>
#include <utility>

#include "phrase.h"
#include "typos.h"

namespace prse {
namespace {

// Sorts by document and keeps the best way of each; of equal ones the first.
void keep_best(std::vector<WordMatch>& documents) {
  std::sort(documents.begin(), documents.end(), [](const WordMatch& a, const WordMatch& b) {
    if (a.doc != b.doc) return a.doc < b.doc;
    if (a.worth != b.worth) return a.worth > b.worth;
    return a.way < b.way;
  });
  const auto last = std::unique(documents.begin(), documents.end(),
                                [](const WordMatch& a, const WordMatch& b) { return a.doc == b.doc; });
  documents.erase(last, documents.end());
}

double worth(const Way& way, double weighted) {
  if (way.via == PRSE_FORM) return worth_of_form(SegmentScorer::saturate(kFormShare * weighted));
  const double saturated = SegmentScorer::saturate(weighted);
  switch (way.via) {
    case PRSE_PREFIX: return worth_of_prefix(saturated);
    case PRSE_TYPO: return worth_of_typo(saturated, way.edits);
    case PRSE_NEIGHBOUR: return worth_of_neighbour(saturated, way.similarity);
    default: return worth_of_exact(saturated);
  }
}

}  // namespace

int tier(prse_via via) {
  switch (via) {
    case PRSE_FORM: return kFormTier;
    case PRSE_PREFIX: return kKnownTier;
    case PRSE_TYPO: return 3;
    case PRSE_NEIGHBOUR: return 4;
    default: return 0;
  }
}

void WordMatcher::match_key(std::string_view key, std::string_view value, WordMatches& out) const {
  const Way& way = out.ways.back();
  const auto number = static_cast<std::uint32_t>(out.ways.size() - 1);
  std::uint32_t count = 0;
  for (PostingsCursor cursor(view_.segment->postings(key, value)); cursor.next();) {
    const std::uint32_t doc = cursor.doc();
    if (!view_.alive(doc)) continue;
    const double weighted = scorer_.sum(doc, cursor.fields());
    if (weighted <= 0) continue;
    out.documents.push_back({doc, number, worth(way, weighted)});
    ++count;
  }
  out.document_counts.push_back(count);
}

void WordMatcher::match_terms(const QueryWord& word, WordMatches& out) const {
  const std::string key = kWordKey + word.terms.front();
  std::vector<Dictionary::Cursor> forms;
  if (word.forms) forms = view_.segment->forms(word.terms.front(), word.stem);
  for (const Dictionary::Cursor& form : forms) {
    out.ways.push_back({PRSE_FORM, form.key(), form.key().substr(1)});
    match_key(form.key(), form.value(), out);
  }
  for (auto term = view_.segment->terms().lower_bound(key);
       term.valid() && (word.prefixes ? term.key().starts_with(key) : term.key() == key);
       term.next()) {
    const bool is_form = std::any_of(forms.begin(), forms.end(), [&](const Dictionary::Cursor& form) {
      return form.key() == term.key();
    });
    if (is_form) continue;
    const prse_via via = term.key() == key ? PRSE_EXACT : PRSE_PREFIX;
    out.ways.push_back({via, term.key(), term.key().substr(1)});
    match_key(term.key(), term.value(), out);
  }
}

void WordMatcher::match_tags(std::span<const NearTag> near, WordMatches& out) const {
  for (const NearTag& tag : near) {
    const auto found = view_.segment->terms().find(kTagKey + tag.key);
    if (!found.valid()) continue;
    out.ways.push_back({PRSE_NEIGHBOUR, found.key(), tag.text, tag.similarity});
    match_key(found.key(), found.value(), out);
  }
}

void WordMatcher::match_phrase(const QueryWord& word, const PhraseWords& weighed, WordMatches& out) const {
  auto phrase = PhraseCursor::open(*view_.segment, word.terms);
  if (!phrase.has_value()) return;
  std::string text;
  for (const std::string& term : word.terms) text += (text.empty() ? "" : " ") + term;
  out.ways.push_back({PRSE_PHRASE, "", text});
  std::uint32_t count = 0;
  while (phrase->next()) {
    const std::uint32_t doc = phrase->doc();
    if (!view_.alive(doc)) continue;
    if (scorer_.sum(doc, phrase->fields()) <= 0) continue;
    double worth = 0;
    for (std::size_t i = 0; i < weighed.places.size(); ++i) {
      worth += weighed.shares[i] * scorer_.worth_of_word(doc, phrase->fields_of_word(weighed.places[i]));
    }
    out.documents.push_back({doc, 0, worth});
    ++count;
  }
  out.document_counts.push_back(count);
}

WordMatches WordMatcher::match(const QueryWord& word, std::span<const NearTag> near,
                               const PhraseWords& weighed) const {
  WordMatches matches;
  if (word.phrase) {
    match_phrase(word, weighed, matches);
    return matches;
  }
  match_terms(word, matches);
  match_tags(near, matches);
  if (matches.ways.size() > 1) keep_best(matches.documents);
  for (const WordMatch& match : matches.documents) {
    matches.bearing += tier(matches.ways[match.way].via) <= kFormTier ? 1 : 0;
  }
  return matches;
}

void WordMatcher::add_typos(const QueryWord& word, WordMatches& out) const {
  const std::string& term = word.terms.front();
  const Dictionary& terms = view_.segment->terms();
  for (Typo& typo : find_typos(terms, kWordKey, term, edits_allowed(term))) {
    const float similarity = 1 - static_cast<float>(typo.edits) / static_cast<float>(term.size());
    const std::string written = typo.key.substr(1);
    out.ways.push_back({PRSE_TYPO, std::move(typo.key), written, similarity, typo.edits});
    const std::string key = out.ways.back().key;
    match_key(key, terms.find(key).value(), out);
  }
  keep_best(out.documents);
}

std::vector<FieldCount> WordMatcher::fields(const QueryWord& word, const Way& way,
                                            std::uint32_t doc) const {
  std::vector<FieldCount> numbers;
  const auto keep = [&](std::span<const FieldCount> counts) {
    for (const auto& count : counts) {
      if (scorer_.searches(count.field)) numbers.push_back(count);
    }
  };
  if (way.via == PRSE_PHRASE) {
    auto phrase = PhraseCursor::open(*view_.segment, word.terms);
    if (phrase.has_value() && phrase->seek(doc) && phrase->doc() == doc) keep(phrase->fields());
    return numbers;
  }
  const auto term = view_.segment->terms().find(way.key);
  if (!term.valid()) return numbers;
  PostingsCursor cursor(view_.segment->postings(way.key, term.value()));
  if (cursor.seek(doc) && cursor.doc() == doc) keep(cursor.fields());
  return numbers;
}

}  // namespace prse
