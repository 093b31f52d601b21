#include "site_combination.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <tuple>
#include <utility>

#include "bit_writer.h"
#include "bytes.h"

namespace prse {
namespace {

// So many documents are told for each order in which a query may have the words; and of the first of them what
// they look like, since a page of results shows hardly any other.
constexpr std::uint32_t kTold = 48;
constexpr std::uint32_t kToldOfOthers = 40;  // where words are not just to be there
constexpr std::size_t kShownOfThree = 32;
constexpr std::size_t kShownOfOthers = 24;
// All others are bounded by so many kinds of documents at most.
constexpr std::size_t kMostBounds = 120;

constexpr double kNearShare = 0.6;

constexpr std::uint32_t kFree = UINT32_MAX;

std::uint64_t mixed(const TogetherKind& kind) {
  constexpr std::uint64_t kMixer = 0x9e3779b97f4a7c15;  // by the golden ratio
  const auto& [first, second, third] = kind.uses;
  std::uint64_t mixed = (std::uint64_t{first} << 32 | second) * kMixer;
  mixed = (mixed ^ mixed >> 32 ^ third) * kMixer;
  mixed ^= std::uint64_t{kind.near[0]} << 40 ^ std::uint64_t{kind.near[1]} << 48 ^ std::uint64_t{kind.near[2]} << 56;
  mixed *= kMixer;
  return mixed ^ mixed >> 32;
}

}  // namespace

Combination::Combination(std::vector<const StemDocuments*> members, const IdOf& id_of, const WeightOf& weight_of,
                         Told which)
    : members_(std::move(members)), id_of_(&id_of), weight_of_(&weight_of), which_(which) {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    for (std::size_t j = i + 1; j < members_.size(); ++j) {
      const std::uint32_t less = std::min(members_[i]->weight(), members_[j]->weight());
      auto& worths = near_worths_.emplace_back();
      for (std::uint32_t near = 1; near < kNearnesses; ++near) {
        worths[near] = std::llround(kWorthUnits * kNearShare * less / (kNearnesses - near));
      }
    }
  }
}

SiteTogether Combination::told(std::span<const TogetherDocument> documents) {
  find_kinds(documents);
  find_told(documents);
  SiteTogether out;
  for (const StemDocuments* member : members_) {
    if (!out.key.empty()) out.key.push_back('\1');
    out.key += member->text();
  }
  out.key.push_back('\0');
  out.key.push_back(static_cast<char>(which_));
  out.shown = shown();
  out.record = record(out.shown);
  return out;
}

std::uint32_t Combination::most_told() const { return which_ == Told::kAll ? kTold : kToldOfOthers; }

std::size_t Combination::most_shown() const {
  if (which_ != Told::kAll) return kShownOfOthers;
  return orders() == 1 ? kTold : kShownOfThree;
}

Combination::Values Combination::values_of(const Worths& worths, const Nearnesses& near) const {
  std::int64_t all = 0;
  for (std::size_t i = 0; i < members_.size(); ++i) all += worths[i];
  for (std::size_t i = 0; i < near_worths_.size(); ++i) all += near_worths_[i][near[i]];
  Values values{all, all, all};
  for (std::size_t order = 0; order < orders() && orders() > 1; ++order) {
    const std::size_t apart = kMostTogether - 1 - order;  // the pair of the words that are not between
    values[order] -= near_worths_[apart][near[apart]];
  }
  return values;
}

std::int64_t Combination::value_of(const Kind& kind, std::size_t order) const {
  if (orders() == 1) return kind.all;
  const std::size_t apart = kMostTogether - 1 - order;
  return kind.all - near_worths_[apart][kind.of.near[apart]];
}

// Numbers the kinds of documents there are; what follows has to look at each kind once.
void Combination::find_kinds(std::span<const TogetherDocument> documents) {
  const std::size_t slots = std::bit_ceil(2 * documents.size());
  std::vector<std::uint32_t> table(slots, kFree);  // a kind lies where its hash says, or behind
  kind_of_.reserve(documents.size());
  for (const TogetherDocument& document : documents) {
    std::size_t slot = mixed(document.kind) & (slots - 1);
    while (table[slot] != kFree && !(kinds_[table[slot]].of == document.kind)) slot = (slot + 1) & (slots - 1);
    std::uint32_t& number = table[slot];
    if (number == kFree) {
      number = static_cast<std::uint32_t>(kinds_.size());
      Kind& kind = kinds_.emplace_back(Kind{document.kind, {}, 0, 0, 0, false});
      for (std::size_t i = 0; i < members_.size(); ++i) {
        kind.all += kind.worths[i] = members_[i]->worth_of(kind.of.uses[i]);
      }
      for (std::size_t i = 0; i < near_worths_.size(); ++i) kind.all += near_worths_[i][kind.of.near[i]];
      counts_.push_back(0);
    }
    ++counts_[number];
    kind_of_.push_back(number);
  }
}

// Finds, by order, what the last that is told is worth; tells of how many that are worth that there is room.
std::array<std::uint32_t, kMostTogether> Combination::find_last() {
  const std::uint32_t most = most_told();
  std::array<std::uint32_t, kMostTogether> room{};
  std::vector<std::int64_t> best;  // values of the best documents, as a heap, the least first
  for (std::size_t order = 0; order < orders(); ++order) {
    best.clear();
    for (std::size_t i = 0; i < kinds_.size(); ++i) {
      const std::int64_t value = value_of(kinds_[i], order);
      for (std::uint32_t left = std::min(counts_[i], most); left > 0; --left) {
        if (best.size() == most) {
          if (value <= best.front()) break;
          std::pop_heap(best.begin(), best.end(), std::greater<>());
          best.pop_back();
        }
        best.push_back(value);
        std::push_heap(best.begin(), best.end(), std::greater<>());
      }
    }
    const std::int64_t last = best.size() == most ? best.front() : INT64_MIN;
    room[order] = static_cast<std::uint32_t>(std::count(best.begin(), best.end(), last));
    for (Kind& kind : kinds_) {
      const std::int64_t value = value_of(kind, order);
      if (value > last) kind.above |= static_cast<std::uint8_t>(1U << order);
      if (value == last) kind.at_last |= static_cast<std::uint8_t>(1U << order);
    }
  }
  return room;
}

// Finds the best of each order; of equal ones those with the lower ids.
void Combination::find_told(std::span<const TogetherDocument> documents) {
  auto room = find_last();
  for (Kind& kind : kinds_) kind.left_out = (kind.above | kind.at_last) == 0;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const Kind& kind = kinds_[kind_of_[i]];
    if (!kind.left_out) told_.push_back({(*id_of_)(documents[i].number), kind_of_[i], kind.above});
  }
  std::sort(told_.begin(), told_.end(), [](const Best& a, const Best& b) { return a.id < b.id; });
  for (Best& each : told_) {
    Kind& kind = kinds_[each.kind];
    for (std::size_t order = 0; order < orders(); ++order) {
      if ((kind.at_last >> order & 1) == 0 || room[order] == 0) continue;
      --room[order];
      each.orders |= static_cast<std::uint8_t>(1U << order);
    }
    if (each.orders == 0) kind.left_out = true;
  }
  std::erase_if(told_, [](const Best& each) { return each.orders == 0; });
}

// The ids of those of which it is to be told what they look like.
std::vector<std::uint64_t> Combination::shown() const {
  std::vector<std::uint64_t> ids;
  for (std::size_t order = 0; order < orders(); ++order) {
    std::vector<std::pair<std::int64_t, std::uint64_t>> best;
    for (const Best& each : told_) {
      if ((each.orders >> order & 1) != 0) best.emplace_back(-value_of(kinds_[each.kind], order), each.id);
    }
    const std::size_t most = std::min(best.size(), most_shown());
    std::nth_element(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(most), best.end());
    for (std::size_t i = 0; i < most; ++i) ids.push_back(best[i].second);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

bool Combination::covers_all(const Kind& a, const Kind& b) const {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (a.worths[i] < b.worths[i]) return false;
  }
  for (std::size_t i = 0; i < near_worths_.size(); ++i) {
    if (a.of.near[i] < b.of.near[i]) return false;
  }
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const std::uint32_t one = a.of.uses[i];
    const std::uint32_t other = b.of.uses[i];
    if (one != other && !covers(members_[i]->uses(one), members_[i]->uses(other))) return false;
  }
  return true;
}

// Kinds of documents that are not told, but for those that another one covers.
std::vector<Combination::Bound> Combination::left_out() {
  std::vector<const Kind*> kinds;
  for (const Kind& kind : kinds_) {
    if (kind.left_out) kinds.push_back(&kind);
  }
  // What covers another is worth no less.
  std::sort(kinds.begin(), kinds.end(), [](const Kind* a, const Kind* b) { return a->all > b->all; });
  std::vector<const Kind*> found;
  for (const Kind* kind : kinds) {
    bool covered = false;
    for (std::size_t i = 0; i < found.size() && !covered; ++i) {
      covered = covers_all(*found[i], *kind);
      if (covered) std::swap(found[i / 2], found[i]);  // what covers much is asked early
    }
    if (covered) continue;
    std::erase_if(found, [&](const Kind* other) { return other->all == kind->all && covers_all(*kind, *other); });
    found.push_back(kind);
  }
  std::vector<Bound> out;
  for (const Kind* kind : found) {
    Bound& bound = out.emplace_back(Bound{values_of(*kind), {}, kind->worths, kind->of.near});
    for (std::size_t i = 0; i < members_.size(); ++i) bound.uses[i] = members_[i]->uses(kind->of.uses[i]);
  }
  return out;
}

// Joins another to a bound where both are worth no more than `most` together; tells whether it did.
bool Combination::join(Bound& bound, const Bound& other, const Values& most) const {
  const auto within = [&](const Values& values) {
    return std::equal(values.begin(), values.end(), most.begin(), std::less_equal<>());
  };
  Bound both{{}, {}, {}, {}};
  for (std::size_t i = 0; i < members_.size(); ++i) both.worths[i] = std::max(bound.worths[i], other.worths[i]);
  for (std::size_t i = 0; i < near_worths_.size(); ++i) both.near[i] = std::max(bound.near[i], other.near[i]);
  if (!within(values_of(both.worths, both.near))) return false;  // joined they are worth no less
  for (std::size_t i = 0; i < members_.size(); ++i) {
    both.uses[i] = joined(bound.uses[i], other.uses[i]);
    both.worths[i] = worth(both.uses[i], *weight_of_) * members_[i]->weight();
  }
  both.values = values_of(both.worths, both.near);
  if (!within(both.values)) return false;
  bound = std::move(both);
  return true;
}

// What is left out, those joined that together are worth no more than the best.
std::vector<Combination::Bound> Combination::bounds() {
  constexpr std::int64_t kHighest = INT64_MAX;
  std::vector<Bound> all = left_out();
  Values most{};
  for (const Bound& one : all) {
    for (std::size_t order = 0; order < kMostTogether; ++order) most[order] = std::max(most[order], one.values[order]);
  }
  std::sort(all.begin(), all.end(), [](const Bound& a, const Bound& b) {
    return std::tie(b.values, a.uses, a.near) < std::tie(a.values, b.uses, b.near);
  });
  std::vector<Bound> found;
  for (Bound& one : all) {
    if (std::any_of(found.begin(), found.end(), [&](Bound& bound) { return join(bound, one, most); })) continue;
    if (found.size() < kMostBounds) {
      found.push_back(std::move(one));
    } else {
      join(found.back(), one, {kHighest, kHighest, kHighest});
    }
  }
  return found;
}

namespace {

// The uses of a stem that a record holds, ascending: those are their numbers in it.
class Numbered {
 public:
  void add(const StemUses& uses) { all_.push_back(&uses); }
  void settle() {
    std::sort(all_.begin(), all_.end());  // many are the same ones
    all_.erase(std::unique(all_.begin(), all_.end()), all_.end());
    std::sort(all_.begin(), all_.end(), [](const StemUses* a, const StemUses* b) { return *a < *b; });
    const auto same = [](const StemUses* a, const StemUses* b) { return *a == *b; };
    all_.erase(std::unique(all_.begin(), all_.end(), same), all_.end());
  }
  std::uint32_t size() const { return static_cast<std::uint32_t>(all_.size()); }
  std::uint32_t operator[](const StemUses& uses) const {
    const auto less = [](const StemUses* a, const StemUses& b) { return *a < b; };
    return static_cast<std::uint32_t>(std::lower_bound(all_.begin(), all_.end(), uses, less) - all_.begin());
  }

  // The words of the stem that are there, and the uses.
  void put(std::string& out, const StemDocuments& stem) const {
    std::vector<std::uint32_t> words;
    for (const StemUses* uses : all_) {
      for (const StemUse& use : *uses) words.push_back(use.word);
    }
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    put_varint(out, words.size());
    for (const std::uint32_t word : words) put_text(out, stem.word(word));
    put_varint(out, all_.size());
    for (const StemUses* uses : all_) {
      put_varint(out, uses->size());
      for (const StemUse& use : *uses) {
        const auto word = std::lower_bound(words.begin(), words.end(), use.word) - words.begin();
        put_varint(out, static_cast<std::uint64_t>(word));
        for (const std::uint32_t value : {use.field, use.times, use.words}) put_varint(out, value);
      }
    }
  }

 private:
  std::vector<const StemUses*> all_;
};

}  // namespace

std::string Combination::record(std::span<const std::uint64_t> shown) {
  const std::vector<Bound> others = bounds();
  std::string out;
  put_varint(out, told_.size());
  put_varint(out, others.size());
  std::array<Numbered, kMostTogether> numbered;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    for (const Best& each : told_) numbered[i].add(members_[i]->uses(kinds_[each.kind].of.uses[i]));
    for (const Bound& bound : others) numbered[i].add(bound.uses[i]);
    numbered[i].settle();
    numbered[i].put(out, *members_[i]);
  }
  put_varint(out, told_.front().id);
  BitWriter bits = put_ascending(out, told_.size(), [&](std::size_t i) { return told_[i].id; });
  for (const Best& each : told_) {
    bits.put(std::binary_search(shown.begin(), shown.end(), each.id) ? 1 : 0, 1);
  }
  const auto put = [&](const auto& uses_of, const Nearnesses& near) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      bits.put_one_of(numbered[i][uses_of(i)], numbered[i].size());
    }
    for (std::size_t i = 0; i < near_worths_.size(); ++i) bits.put_one_of(near[i], kNearnesses);
  };
  for (const Best& each : told_) {
    const TogetherKind& kind = kinds_[each.kind].of;
    put([&](std::size_t i) -> const StemUses& { return members_[i]->uses(kind.uses[i]); }, kind.near);
  }
  for (const Bound& bound : others) put([&](std::size_t i) -> const StemUses& { return bound.uses[i]; }, bound.near);
  bits.finish();
  return out;
}

}  // namespace prse
