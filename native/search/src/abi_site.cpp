// The part of the C border that a static site's search is made with.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "abi.h"
#include "bytes.h"
#include "picturerail_search.h"
#include "site_terms.h"
#include "site_words.h"
#include "status.h"

using prse::fail_invalid;
using namespace prse::abi;

struct prse_site {
  std::shared_ptr<const prse::SearchState> state;
  prse::SiteTerms terms;
  std::string answer;  // what the last call handed out
};

namespace {

// Runs a call that hands out what `fill` appends to an empty text.
template <typename Fill>
int32_t answered(prse_site* site, prse_text* out, const char* name, prse_error* error, Fill fill) noexcept {
  return guarded(error, [&] {
    std::string& answer = required(site, "site").answer;
    answer.clear();
    fill(site->terms, answer);
    required(out, name) = text_of(answer);
  });
}

std::vector<std::string_view> views(const prse_text* texts, size_t count, const char* name) {
  std::vector<std::string_view> found;
  for (const prse_text& text : array(texts, count, name)) found.push_back(view(text));
  return found;
}

void put_size(std::string& out, size_t size) { prse::put_fixed(out, static_cast<uint32_t>(size)); }

}  // namespace

extern "C" {

int32_t prse_site_open(const prse_reader* reader, const prse_text* fields, size_t count, uint64_t least_banded,
                       uint64_t most_banded, prse_site** site, prse_error* error) {
  return guarded(error, [&] {
    required(site, "site") = nullptr;
    const auto names = views(fields, count, "fields");
    const auto state = required(reader, "reader").index.state();
    *site = new prse_site{state, prse::SiteTerms(*state, names, {least_banded, most_banded}), {}};
  });
}

int32_t prse_site_statistics(const prse_site* site, uint64_t* numbers, size_t count, prse_error* error) {
  return guarded(error, [&] {
    const prse::SiteTerms& terms = required(site, "site").terms;
    const auto out = array(numbers, count, "numbers");
    if (out.size() != 1 + 2 * terms.fields()) fail_invalid("there is one number, and two for each field");
    out[0] = terms.documents();
    for (size_t i = 0; i < terms.fields(); ++i) {
      const prse::SiteTerms::Field field = terms.field(i);
      out[1 + 2 * i] = field.words;
      out[2 + 2 * i] = field.documents;
    }
  });
}

int32_t prse_site_keys(prse_site* site, prse_text after, size_t limit, prse_text* keys, prse_error* error) {
  return answered(site, keys, "keys", error, [&](prse::SiteTerms& of, std::string& answer) {
    for (const std::string& key : of.keys(view(after), limit)) answer.append(key).push_back('\n');
  });
}

int32_t prse_site_terms(prse_site* site, prse_text keys, size_t* count, prse_text* terms, prse_error* error) {
  constexpr size_t kEnough = size_t{1} << 20;
  return answered(site, terms, "terms", error, [&](prse::SiteTerms& of, std::string& answer) {
    size_t& told = required(count, "count");
    told = 0;
    std::string records;
    std::string bodies;
    for (std::string_view rest = view(keys); !rest.empty() && bodies.size() < kEnough; ++told) {
      const auto found = of.term(take_line(rest));
      if (!found) {
        answer.append(2 * sizeof(uint64_t), '\0');
        continue;
      }
      prse::put_fixed(answer, found->documents);
      put_size(answer, found->entry.size());
      put_size(answer, found->records.size());
      bodies += found->entry;
      for (const prse::SiteRecord& record : found->records) {
        put_size(records, record.band);
        put_size(records, record.ids.size());
        put_size(records, record.bytes.postings.size());
        put_size(records, record.bytes.beside.size());
        const auto ids = std::as_bytes(std::span(record.ids));
        bodies.append(reinterpret_cast<const char*>(ids.data()), ids.size());
        bodies += record.bytes.postings;
        bodies += record.bytes.beside;
      }
    }
    answer += records;
    answer += bodies;
  });
}

int32_t prse_site_frequent(prse_site* site, uint64_t least, uint64_t most, prse_text* words, prse_error* error) {
  return answered(site, words, "words", error, [&](prse::SiteTerms& terms, std::string& answer) {
    for (const auto& [word, documents] : terms.frequent(least, most)) {
      prse::put_fixed(answer, documents);
      put_size(answer, word.size());
      answer += word;
    }
  });
}

int32_t prse_site_beside(prse_site* site, const prse_text* stems, size_t count, uint64_t whole, uint64_t most,
                         uint64_t near, prse_error* error) {
  return guarded(error, [&] {
    required(site, "site").terms.set_beside(views(stems, count, "stems"), whole, most, near);
  });
}

int32_t prse_site_lengths(prse_site* site, uint64_t first, uint64_t end, prse_text* lengths, prse_error* error) {
  return answered(site, lengths, "lengths", error, [&](prse::SiteTerms& terms, std::string& answer) {
    for (const auto& [id, words] : terms.lengths(first, end)) {
      prse::put_fixed(answer, id);
      for (const uint32_t count : words) prse::put_fixed(answer, count);
    }
  });
}

int32_t prse_site_near(prse_site* site, const prse_text* stems, size_t count, const uint32_t* members, size_t pairs,
                       prse_text* near, prse_error* error) {
  return answered(site, near, "near", error, [&](prse::SiteTerms& terms, std::string& answer) {
    std::vector<std::array<uint32_t, 2>> asked(pairs);
    const auto all = array(members, 2 * pairs, "members");
    for (size_t i = 0; i < all.size(); ++i) asked[i / 2][i % 2] = all[i];
    for (const std::vector<std::string>& parts : terms.near(views(stems, count, "stems"), asked)) {
      put_size(answer, parts.size());
      for (const std::string& record : parts) {
        put_size(answer, record.size());
        answer += record;
      }
    }
  });
}

int32_t prse_site_together(prse_site* site, const prse_text* stems, const uint32_t* weights, size_t count,
                           const uint32_t* lengths, size_t fields, const uint32_t* members, size_t combinations,
                           prse_text* together, prse_error* error) {
  return answered(site, together, "together", error, [&](prse::SiteTerms& terms, std::string& answer) {
    std::vector<prse::SiteMembers> asked(combinations);
    const auto all = array(members, prse::kMostTogether * combinations, "members");
    for (size_t i = 0; i < all.size(); ++i) asked[i / prse::kMostTogether][i % prse::kMostTogether] = all[i];
    const auto found = terms.together(views(stems, count, "stems"), array(weights, count, "weights"),
                                      array(lengths, fields, "lengths"), asked);
    for (const prse::SiteTogether& one : found) {
      put_size(answer, one.key.size());
      put_size(answer, one.shown.size());
      put_size(answer, one.record.size());
      answer += one.key;
      for (const uint64_t id : one.shown) prse::put_fixed(answer, id);
      answer += one.record;
    }
  });
}

void prse_site_close(prse_site* site) { delete site; }

int32_t prse_site_words(prse_text words, char* list, size_t capacity, size_t* length, prse_error* error) {
  return guarded(error, [&] {
    const auto page = array(list, capacity, "list");
    std::vector<std::string_view> every;
    for (std::string_view rest = view(words); !rest.empty();) every.push_back(take_line(rest));
    const std::string told = prse::site_words(every);
    std::copy_n(told.begin(), std::min(page.size(), told.size()), page.begin());
    required(length, "length") = told.size();
  });
}

}  // extern "C"
