#include "site_uses.h"

#include <algorithm>
#include <cmath>

#include "scorer.h"

namespace prse {
namespace {

bool covers(const StemUse& a, const StemUse& b) {
  return a.word == b.word && a.field == b.field && a.times >= b.times && a.words <= b.words;
}

}  // namespace

bool covers(const StemUses& a, const StemUses& b) {
  if (a.size() == 1 && b.size() == 1) return covers(a.front(), b.front());  // most are
  return std::all_of(b.begin(), b.end(), [&](const StemUse& use) {
    return std::any_of(a.begin(), a.end(), [&](const StemUse& other) { return covers(other, use); });
  });
}

StemUses joined(const StemUses& a, const StemUses& b) {
  StemUses both = a;
  for (const StemUse& use : b) {
    const auto found = std::find_if(both.begin(), both.end(), [&](const StemUse& other) {
      return other.word == use.word && other.field == use.field;
    });
    if (found == both.end()) {
      both.push_back(use);
    } else {
      found->times = std::max(found->times, use.times);
      found->words = std::min(found->words, use.words);
    }
  }
  std::sort(both.begin(), both.end());
  return both;
}

std::int64_t worth(const StemUses& uses, const WeightOf& weight_of) {
  double most = 0;
  SiteClass of_word;
  for (std::size_t i = 0; i < uses.size();) {
    of_word.clear();
    const std::uint32_t word = uses[i].word;
    for (; i < uses.size() && uses[i].word == word; ++i) {
      of_word.push_back({uses[i].field, uses[i].times, uses[i].words});
    }
    most = std::max(most, weight_of(of_word));
  }
  return std::llround(kWorthUnits * worth_of_exact(most / (kK1 + most)));
}

}  // namespace prse
