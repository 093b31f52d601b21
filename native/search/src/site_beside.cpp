#include "site_beside.h"

#include <algorithm>
#include <array>
#include <utility>

#include "bit_writer.h"
#include "bytes.h"
#include "range_coder.h"
#include "site_parts.h"

namespace prse {
namespace {

// So often is it told apart whether a word stands there once more.
constexpr std::size_t kMostTimes = 4;
constexpr std::uint32_t kNoNumber = UINT32_MAX;
// Where a record tells it at its end, and no words but the first of each stem.
constexpr std::uint64_t kToldHere = 2;
// Words are near up to so many words apart.
constexpr std::uint32_t kFarthest = 4;

// How the places of words in a field stand to those of others.
struct Apart {
  std::uint32_t least = kFarthest + 1;  // up to `kFarthest`; two words of one place are not near each other
  bool ahead = false;  // whether one of the others is the next word after one of these
  bool behind = false;

  void look(std::span<const std::uint32_t> these, std::span<const std::uint32_t> others) {
    for (const std::uint32_t one : these) {
      for (const std::uint32_t other : others) {
        const std::uint32_t words = one < other ? other - one : one - other;
        if (words == 0) continue;
        least = std::min(least, words);
        if (words == 1) (one < other ? ahead : behind) = true;
      }
    }
  }
};

// That words are so many words apart in a document, at least.
struct NearDocument {
  std::uint64_t id;
  std::uint32_t apart;
};

std::string near_record(std::span<const NearDocument> part) {
  std::string out;
  put_varint(out, part.size());
  put_varint(out, part.front().id);
  BitWriter bits = put_ascending(out, part.size(), [&](std::size_t i) { return part[i].id; });
  for (const NearDocument& each : part) bits.put_one_of(each.apart - 1, kFarthest);
  bits.finish();
  return out;
}

}  // namespace

// How near a term and words of a stem are likely to be in the documents of a record: of words twenty apart at most, and
// as likely here as there.
struct SiteBeside::LikelyNearness : LikelyNumber<kFarthest> {
  LikelyNearness() : LikelyNumber({LikelyBit{10}, LikelyBit{4}, LikelyBit{5}, LikelyBit{8}}) {}
};

// What is likely of one stem, in the documents of a record.
struct SiteBeside::Likely {
  LikelyBit there{10};
  LikelyBit another{15};  // use
  LikelyBit other_word{14};
  LikelyBit other_field{14};
  std::array<LikelyBit, kMostTimes> again{LikelyBit{12}, LikelyBit{12}, LikelyBit{12}, LikelyBit{12}};
  LikelyNearness nearness;
  LikelyBit ahead{8};
  LikelyBit both{15};
};

SiteBeside::SiteBeside(std::vector<SiteStem> stems, std::uint32_t fields) : fields_(fields) {
  struct Cursor {
    const SitePostings* postings;
    std::size_t next = 0;
    bool valid() const { return next < postings->all.size(); }
    std::uint64_t id() const { return postings->all[next].id; }
  };
  std::vector<std::vector<Cursor>> cursors;
  for (const SiteStem& stem : stems) {
    std::vector<std::string>& words = stems_.emplace_back();
    std::vector<Cursor>& of_stem = cursors.emplace_back();
    for (const SiteStem::Word& word : stem.words) {
      words.push_back(word.text);
      of_stem.push_back({&word.postings});
    }
  }
  for (;;) {
    std::uint64_t id = UINT64_MAX;
    for (const auto& of_stem : cursors) {
      for (const Cursor& cursor : of_stem) {
        if (cursor.valid()) id = std::min(id, cursor.id());
      }
    }
    if (id == UINT64_MAX) break;
    ids_.push_back(id);
    for (auto& of_stem : cursors) {
      begins_.push_back(static_cast<std::uint32_t>(uses_.size()));
      for (std::uint32_t word = 0; word < of_stem.size(); ++word) {
        Cursor& cursor = of_stem[word];
        if (!cursor.valid() || cursor.id() != id) continue;
        const SitePosting& posting = cursor.postings->all[cursor.next++];
        auto at = cursor.postings->positions.begin() + posting.first_position;
        for (const SiteUse& use : cursor.postings->classes[posting.place]) {
          uses_.push_back({word, use.field, use.times, use.words, static_cast<std::uint32_t>(positions_.size())});
          positions_.insert(positions_.end(), at, at + use.times);
          at += use.times;
        }
      }
    }
  }
  begins_.push_back(static_cast<std::uint32_t>(uses_.size()));
}

std::span<const SiteBeside::Use> SiteBeside::uses(std::size_t rank, std::size_t stem) const {
  if (rank == ids_.size()) return {};
  const std::size_t at = rank * stems_.size() + stem;
  return std::span(uses_).subspan(begins_[at], begins_[at + 1] - begins_[at]);
}

std::span<const std::uint32_t> SiteBeside::positions(const Use& use) const {
  return std::span(positions_).subspan(use.first, use.times);
}

std::vector<std::string> SiteBeside::near(std::size_t a, std::size_t b) const {
  std::vector<std::string> parts;
  std::vector<NearDocument> part;
  for (std::size_t rank = 0; rank < ids_.size(); ++rank) {
    const std::span<const Use> ours = uses(rank, a);
    const std::span<const Use> theirs = uses(rank, b);
    if (ours.empty() || theirs.empty()) continue;
    Apart apart;
    for (const Use& one : ours) {
      for (const Use& other : theirs) {
        if (one.field == other.field) apart.look(positions(one), positions(other));
      }
    }
    if (apart.least > kFarthest) continue;
    if (part_ends(part.size(), ids_[rank], kShortParts)) {
      parts.push_back(near_record(part));
      part.clear();
    }
    part.push_back({ids_[rank], apart.least});
  }
  if (!part.empty()) parts.push_back(near_record(part));
  return parts;
}

bool SiteBeside::has(std::string_view word) const {
  return std::any_of(stems_.begin(), stems_.end(),
                     [&](const auto& words) { return std::find(words.begin(), words.end(), word) != words.end(); });
}

std::vector<std::size_t> SiteBeside::ranks(std::span<const SitePosting> part) const {
  std::vector<std::size_t> found;
  found.reserve(part.size());
  auto from = ids_.begin();
  for (const SitePosting& posting : part) {
    from = std::lower_bound(from, ids_.end(), posting.id);
    const bool there = from != ids_.end() && *from == posting.id;
    found.push_back(there ? static_cast<std::size_t>(from - ids_.begin()) : ids_.size());
  }
  return found;
}

void SiteBeside::put_nearness(RangeEncoder& out, const SitePostings& postings,
                              std::span<const SitePosting> part) const {
  const std::vector<std::size_t> ranks = this->ranks(part);
  std::vector<LikelyNearness> likely(stems_.size());
  for (std::size_t i = 0; i < part.size(); ++i) {
    for (std::size_t stem = 0; stem < stems_.size(); ++stem) {
      likely[stem].put(out, nearness(uses(ranks[i], stem), postings, part[i]).near, kFarthest + 1);
    }
  }
}

SiteBeside::Told SiteBeside::told(const SitePostings& postings, std::span<const SitePosting> part) const {
  Told out;
  if (empty()) {
    put_varint(out.words, 0);
    return out;
  }
  const std::vector<std::size_t> ranks = this->ranks(part);
  std::vector<Words> words;
  std::string others;
  std::size_t count = 0;
  for (std::size_t stem = 0; stem < stems_.size(); ++stem) {
    for (const std::uint32_t other : words.emplace_back(words_of(ranks, stem)).others) {
      put_varint(others, stem);
      put_text(others, stems_[stem][other]);
      ++count;
    }
  }
  put_varint(out.words, kToldHere + count);
  out.words += others;

  std::vector<Likely> likely(stems_.size());
  RangeEncoder coder(out.documents);
  for (std::size_t i = 0; i < part.size(); ++i) {
    for (std::size_t stem = 0; stem < stems_.size(); ++stem) {
      put(coder, likely[stem], uses(ranks[i], stem), postings, part[i], words[stem]);
    }
  }
  coder.finish();
  return out;
}

std::string SiteBeside::told_apart(const SitePostings& postings, std::span<const SitePosting> part) const {
  std::string out;
  const std::vector<std::size_t> ranks = this->ranks(part);
  for (std::size_t stem = 0; stem < stems_.size(); ++stem) {
    const Words words = words_of(ranks, stem);
    std::string told;
    put_varint(told, words.others.size());
    for (const std::uint32_t other : words.others) put_text(told, stems_[stem][other]);
    Likely likely;
    RangeEncoder coder(told);
    for (std::size_t i = 0; i < part.size(); ++i) {
      put(coder, likely, uses(ranks[i], stem), postings, part[i], words);
    }
    coder.finish();
    put_text(out, told);
  }
  return out;
}

SiteBeside::Words SiteBeside::words_of(std::span<const std::size_t> ranks, std::size_t stem) const {
  Words words;
  words.numbers.assign(stems_[stem].size(), kNoNumber);
  for (const std::size_t rank : ranks) {
    for (const Use& use : uses(rank, stem)) words.numbers[use.word] = 0;
  }
  words.numbers.front() = 0;  // whether it is there or not
  for (std::uint32_t word = 1; word < words.numbers.size(); ++word) {
    if (words.numbers[word] == kNoNumber) continue;
    words.others.push_back(word);
    words.numbers[word] = static_cast<std::uint32_t>(words.others.size());
  }
  return words;
}

SiteBeside::Nearness SiteBeside::nearness(std::span<const Use> uses, const SitePostings& postings,
                                          const SitePosting& posting) const {
  if (postings.positions.empty()) return {};
  Apart apart;
  auto own = postings.positions.begin() + posting.first_position;
  for (const SiteUse& use : postings.classes[posting.place]) {
    const std::span here(&*own, use.times);
    for (const Use& other : uses) {
      if (other.field == use.field) apart.look(here, positions(other));
    }
    own += use.times;
  }
  return {kFarthest + 1 - apart.least, apart.ahead, apart.behind};
}

void SiteBeside::put(RangeEncoder& out, Likely& likely, std::span<const Use> uses, const SitePostings& postings,
                     const SitePosting& posting, const Words& words) const {
  const SiteClass& own = postings.classes[posting.place];
  const auto others = static_cast<std::uint32_t>(words.others.size());
  out.put(likely.there, !uses.empty());
  for (std::size_t i = 0; i < uses.size(); ++i) {
    const Use& use = uses[i];
    if (i > 0) out.put(likely.another, true);
    if (others > 0) {
      const std::uint32_t number = words.numbers[use.word];
      out.put(likely.other_word, number > 0);
      if (number > 0) out.put_one_of(number - 1, others);
    }
    const auto same = std::find_if(own.begin(), own.end(), [&](const SiteUse& of) { return of.field == use.field; });
    out.put(likely.other_field, same == own.end());
    if (same == own.end()) {
      out.put_one_of(use.field, fields_);
      out.put_number(use.words);
    } else if (own.size() > 1) {
      out.put_one_of(static_cast<std::uint32_t>(same - own.begin()), static_cast<std::uint32_t>(own.size()));
    }
    for (std::uint32_t time = 1; time <= use.times; ++time) {
      out.put(likely.again[std::min<std::size_t>(time, kMostTimes) - 1], time < use.times);
    }
  }
  if (uses.empty()) return;
  out.put(likely.another, false);
  const Nearness found = nearness(uses, postings, posting);
  likely.nearness.put(out, found.near, kFarthest + 1);
  if (found.near < kFarthest) return;
  out.put(likely.ahead, found.ahead);
  if (found.ahead) out.put(likely.both, found.behind);
}

}  // namespace prse
