#include "site_stem_documents.h"

namespace prse {
namespace {

constexpr std::uint32_t kUnknown = UINT32_MAX;

StemDocuments::Place place(std::uint32_t field, std::uint32_t position) {
  return std::uint64_t{field} << 33 | position;
}

}  // namespace

StemDocuments::StemDocuments(const SiteStem& stem, const WeightOf& weight_of)
    : text_(stem.text), weight_(stem.weight) {
  struct Word {
    const SitePostings* postings;
    std::size_t next = 0;
    std::vector<std::uint32_t> alone;  // by class: the number of its uses, where the stem has no other word
    std::uint64_t upcoming() const { return next < postings->all.size() ? postings->all[next].id : UINT64_MAX; }
  };
  std::vector<Word> words;
  std::size_t most = 0;
  std::size_t places = 0;
  for (const SiteStem::Word& word : stem.words) {
    words_.push_back(word.text);
    words.push_back({&word.postings, 0, std::vector<std::uint32_t>(word.postings.classes.size(), kUnknown)});
    most += word.postings.all.size();
    places += word.postings.positions.size();
  }
  all_.reserve(most + 1);
  places_.reserve(places);

  StemUses uses;
  const auto take = [&](std::size_t number, const SitePosting& posting) {
    const SitePostings& postings = *words[number].postings;
    std::size_t at = posting.first_position;
    for (const SiteUse& use : postings.classes[posting.place]) {
      uses.push_back({static_cast<std::uint32_t>(number), use.field, use.times, use.words});
      for (std::uint32_t i = 0; i < use.times; ++i) places_.push_back(place(use.field, postings.positions[at++]));
    }
  };
  for (;;) {
    std::uint64_t id = UINT64_MAX;
    std::size_t first = 0;
    std::size_t having = 0;
    for (std::size_t number = 0; number < words.size(); ++number) {
      const std::uint64_t upcoming = words[number].upcoming();
      if (upcoming < id) {
        id = upcoming;
        first = number;
        having = 0;
      }
      having += upcoming == id ? 1 : 0;
    }
    if (id == UINT64_MAX) break;
    const auto first_place = static_cast<std::uint32_t>(places_.size());
    uses.clear();
    std::uint32_t number = kUnknown;
    if (having == 1) {  // most have one word of a stem
      Word& word = words[first];
      const SitePosting& posting = word.postings->all[word.next++];
      take(first, posting);
      std::uint32_t& known = word.alone[posting.place];
      if (known == kUnknown) known = number_of(uses);
      number = known;
    } else {
      for (std::size_t each = first; each < words.size(); ++each) {
        if (words[each].upcoming() == id) take(each, words[each].postings->all[words[each].next++]);
      }
      number = number_of(uses);
    }
    all_.push_back({static_cast<std::uint32_t>(id), number, first_place});
  }
  all_.push_back({UINT32_MAX, 0, static_cast<std::uint32_t>(places_.size())});
  all_.shrink_to_fit();
  worths_.reserve(uses_.size());
  for (const StemUses* each : uses_) worths_.push_back(worth(*each, weight_of) * stem.weight);
}

std::uint32_t StemDocuments::number_of(const StemUses& uses) {
  const auto [found, is_new] = numbers_.try_emplace(uses, static_cast<std::uint32_t>(uses_.size()));
  if (is_new) uses_.push_back(&found->first);
  return found->second;
}

void StemDocuments::make_findable(std::size_t documents) {
  bits_.assign(documents / 64 + 1, 0);
  ranks_.assign(bits_.size(), 0);
  for (const Document& one : all()) bits_[one.number / 64] |= std::uint64_t{1} << (one.number % 64);
  for (std::size_t i = 1; i < bits_.size(); ++i) {
    ranks_[i] = ranks_[i - 1] + static_cast<std::uint32_t>(std::popcount(bits_[i - 1]));
  }
}

}  // namespace prse
