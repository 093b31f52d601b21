#include "phrase_words.h"

#include <algorithm>

namespace prse {
namespace {

// How many living documents have the very word, in any field.
std::uint64_t documents_with(const SearchState& state, const std::string& term) {
  const std::string key = kWordKey + term;
  std::uint64_t count = 0;
  for (const SegmentView& view : state.snapshot->segments) {
    const auto found = view.segment->terms().find(key);
    if (found.valid()) count += state.living(view, found.value(), view.segment->postings(key, found.value()));
  }
  return count;
}

}  // namespace

PhraseWords weigh_phrase(const SearchState& state, std::span<const std::string> terms) {
  PhraseWords words;
  for (auto term = terms.begin(); term != terms.end(); ++term) {
    if (std::find(terms.begin(), term, *term) != term) continue;
    words.places.push_back(static_cast<std::uint32_t>(term - terms.begin()));
    words.shares.push_back(inverse_document_frequency(state.statistics.documents, documents_with(state, *term)));
    words.idf += words.shares.back();
  }
  for (double& share : words.shares) share /= words.idf;
  return words;
}

}  // namespace prse
