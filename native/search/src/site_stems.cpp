// What a site is given of stems that many documents have.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <utility>

#include "language.h"
#include "site_bands.h"
#include "site_terms.h"
#include "status.h"

namespace prse {

SiteStem SiteTerms::read_stem(std::string_view stem, std::uint32_t weight, const NumberOf& number_of) {
  SiteStem one{std::string(stem), weight, {}};
  for (std::string& word : words_of_stem(stem)) {
    SitePostings postings = read(kWordKey + word, true, number_of);
    one.words.push_back({std::move(word), std::move(postings)});
  }
  return one;
}

std::vector<std::pair<std::string, std::uint64_t>> SiteTerms::frequent(std::uint64_t least, std::uint64_t most) {
  const auto& segments = state_.snapshot->segments;
  const std::string first(1, kWordKey);
  // More than `least` in all are in one of the segments more than its share of that.
  std::map<std::string, std::uint64_t> found;
  for (const SegmentView& view : segments) {
    for (auto term = view.segment->terms().lower_bound(first); term.valid() && term.key()[0] == kWordKey; term.next()) {
      const PostingList list = view.segment->postings(term.key(), term.value());
      if (list.documents() * segments.size() > least) found.try_emplace(term.key().substr(1));
    }
  }
  for (auto& [word, count] : found) {
    for (const SegmentView& view : segments) {
      const auto term = view.segment->terms().find(kWordKey + word);
      if (!term.valid()) continue;
      const PostingList list = view.segment->postings(term.key(), term.value());
      count += state_.living(view, term.value(), list);
    }
  }
  std::erase_if(found, [&](const auto& word) {
    const auto& [text, count] = word;
    if (count <= least || count > most || is_stop_word(text, state_.snapshot->manifest.language)) return true;
    const SitePostings postings = read(kWordKey + text, false);
    return !bands(postings).has_rest();
  });
  return {found.begin(), found.end()};
}

void SiteTerms::set_beside(std::span<const std::string_view> stems, std::uint64_t whole, std::uint64_t most,
                           std::uint64_t near) {
  beside_ = read_beside(stems);
  whole_beside_ = whole;
  most_beside_ = most;
  near_beside_ = near;
}

SiteBeside SiteTerms::read_beside(std::span<const std::string_view> stems) {
  const auto id_of = [&](std::size_t segment, std::uint32_t doc) {
    return state_.snapshot->segments[segment].segment->id(doc);
  };
  std::vector<SiteStem> read;
  for (const std::string_view stem : stems) {
    read.push_back(read_stem(stem, 0, id_of));
    if (read.back().words.empty()) fail_invalid("a stem of which to tell has no words");
  }
  return {std::move(read), static_cast<std::uint32_t>(fields_.size())};
}

std::vector<std::vector<std::string>> SiteTerms::near(std::span<const std::string_view> stems,
                                                      std::span<const std::array<std::uint32_t, 2>> pairs) {
  const SiteBeside read = read_beside(stems);
  std::vector<std::vector<std::string>> out;
  for (const auto& [a, b] : pairs) {
    if (a >= stems.size() || b >= stems.size()) fail_invalid("a pair is of two of the stems");
    out.push_back(read.near(a, b));
  }
  return out;
}

std::vector<SiteTogether> SiteTerms::together(std::span<const std::string_view> stems,
                                              std::span<const std::uint32_t> weights,
                                              std::span<const std::uint32_t> lengths,
                                              std::span<const SiteMembers> combinations) {
  if (lengths.size() != fields_.size()) fail_invalid("there is one length for each field");
  if (std::adjacent_find(stems.begin(), stems.end(), std::greater_equal<>()) != stems.end()) {
    fail_invalid("stems ascend, each there once");
  }
  for (const auto& [first, second, third] : combinations) {
    const bool ascends = first < second && (third == kNoMember || second < third);
    if (!ascends || second >= stems.size() || (third != kNoMember && third >= stems.size())) {
      fail_invalid("a combination is of two or three of the stems, ascending");
    }
  }
  // Documents are numbered segment after segment, from these on.
  const auto& segments = state_.snapshot->segments;
  std::vector<std::uint32_t> begins{0};
  for (const SegmentView& view : segments) begins.push_back(begins.back() + view.segment->documents());
  const auto number_of = [&](std::size_t segment, std::uint32_t doc) { return std::uint64_t{begins[segment]} + doc; };
  const auto id_of = [&](std::uint32_t number) {
    const auto segment = std::upper_bound(begins.begin(), begins.end(), number) - begins.begin() - 1;
    const auto place = static_cast<std::size_t>(segment);
    return segments[place].segment->id(number - begins[place]);
  };
  const auto read_one = [&](std::size_t number) { return read_stem(stems[number], weights[number], number_of); };
  std::vector<double> taken;
  for (const std::uint32_t quarters : lengths) taken.push_back(std::exp2(quarters / 4.0));
  const auto weight_of = [&](const SiteClass& uses) { return reference_worth(uses, taken); };
  return best_together(stems.size(), read_one, begins.back(), id_of, combinations, weight_of);
}

}  // namespace prse
