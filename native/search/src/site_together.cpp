#include "site_together.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <queue>
#include <tuple>
#include <utility>

#include "bit_writer.h"
#include "bytes.h"
#include "scorer.h"

namespace prse {
namespace {

// So many documents are told for each order in which a query may have the words; and of the first of them what
// they look like, since a page of results shows hardly any other.
constexpr std::size_t kTold = 48;
constexpr std::size_t kShown = 32;
// All others are bounded by so many kinds of documents at most.
constexpr std::size_t kMostBounds = 120;

// Words are near up to so many words apart. Nearness is 4 for the next word, 1 for the fourth, 0 beyond.
constexpr std::uint32_t kFarthest = 4;
constexpr std::uint32_t kNearnesses = kFarthest + 1;
constexpr double kNearShare = 0.6;

// Worths are compared as whole numbers, so that their order does not depend on how they are added up.
constexpr double kUnits = 1024;

// That a word of a stem stands in a field so many times, and of how many words the field is.
struct Use {
  std::uint32_t word;
  std::uint32_t field;
  std::uint32_t times;
  std::uint32_t words;
  bool operator==(const Use&) const = default;
  auto operator<=>(const Use&) const = default;
};
using Uses = std::vector<Use>;  // ascending by word and field

bool covers(const Use& a, const Use& b) {
  return a.word == b.word && a.field == b.field && a.times >= b.times && a.words <= b.words;
}

bool covers(const Uses& a, const Uses& b) {
  if (a.size() == 1 && b.size() == 1) return covers(a.front(), b.front());  // most are
  return std::all_of(b.begin(), b.end(), [&](const Use& use) {
    return std::any_of(a.begin(), a.end(), [&](const Use& other) { return covers(other, use); });
  });
}

Uses joined(const Uses& a, const Uses& b) {
  Uses both = a;
  for (const Use& use : b) {
    const auto found = std::find_if(both.begin(), both.end(), [&](const Use& other) {
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

using WeightOf = std::function<double(const SiteClass&)>;

// What a stem is worth to documents with these uses: as much as the most of its words.
std::int64_t worth(const Uses& uses, const WeightOf& weight_of) {
  double most = 0;
  for (std::size_t i = 0; i < uses.size();) {
    SiteClass of_word;
    const std::uint32_t word = uses[i].word;
    for (; i < uses.size() && uses[i].word == word; ++i) {
      of_word.push_back({uses[i].field, uses[i].times, uses[i].words});
    }
    most = std::max(most, weight_of(of_word));
  }
  return std::llround(kUnits * worth_of_exact(most / (kK1 + most)));
}

// A stem's documents, ascending, each with the number of its uses and where the stem stands.
class Documents {
 public:
  struct Document {
    std::uint64_t id;
    std::uint32_t uses;
    std::uint32_t first;  // of its places, which end where the next one's begin
  };
  // In a field; ascending within a document.
  struct Place {
    std::uint32_t field;
    std::uint32_t position;
    auto operator<=>(const Place&) const = default;
  };

  Documents(const SiteStem& stem, const WeightOf& weight_of) : text_(stem.text), weight_(stem.weight) {
    for (const SiteStem::Word& word : stem.words) words_.push_back(word.text);
    std::vector<std::size_t> next(stem.words.size());
    for (;;) {
      std::uint64_t id = UINT64_MAX;
      for (std::size_t word = 0; word < next.size(); ++word) {
        const auto& all = stem.words[word].postings.all;
        if (next[word] < all.size()) id = std::min(id, all[next[word]].id);
      }
      if (id == UINT64_MAX) break;
      Uses uses;
      const auto first = static_cast<std::uint32_t>(places_.size());
      for (std::size_t word = 0; word < next.size(); ++word) {
        const SitePostings& postings = stem.words[word].postings;
        if (next[word] == postings.all.size() || postings.all[next[word]].id != id) continue;
        const SitePosting& posting = postings.all[next[word]++];
        std::size_t at = posting.first_position;
        for (const SiteUse& use : postings.classes[posting.place]) {
          uses.push_back({static_cast<std::uint32_t>(word), use.field, use.times, use.words});
          for (std::uint32_t i = 0; i < use.times; ++i) places_.push_back({use.field, postings.positions[at++]});
        }
      }
      std::sort(places_.begin() + first, places_.end());
      all_.push_back({id, number(uses), first});
    }
    all_.shrink_to_fit();
    places_.shrink_to_fit();
    worths_.reserve(uses_.size());
    for (const Uses* uses : uses_) worths_.push_back(worth(*uses, weight_of) * stem.weight);
  }

  const std::string& text() const { return text_; }
  std::uint32_t weight() const { return weight_; }
  const std::string& word(std::uint32_t number) const { return words_[number]; }
  std::span<const Document> all() const { return all_; }
  const Uses& uses(std::uint32_t number) const { return *uses_[number]; }
  std::int64_t worth_of(std::uint32_t number) const { return worths_[number]; }
  std::span<const Place> places(const Document& document) const {
    const bool last = &document == &all_.back();
    const std::size_t end = last ? places_.size() : (&document + 1)->first;
    return std::span(places_).subspan(document.first, end - document.first);
  }

 private:
  std::uint32_t number(const Uses& uses) {
    if (!uses_.empty() && *uses_[last_] == uses) return last_;  // most are as the one before
    const auto [found, is_new] = numbers_.try_emplace(uses, static_cast<std::uint32_t>(uses_.size()));
    if (is_new) uses_.push_back(&found->first);
    return last_ = found->second;
  }

  std::string text_;
  std::uint32_t weight_;
  std::vector<std::string> words_;
  std::vector<Document> all_;
  std::vector<Place> places_;
  std::map<Uses, std::uint32_t> numbers_;
  std::vector<const Uses*> uses_;
  std::vector<std::int64_t> worths_;
  std::uint32_t last_ = 0;
};

std::uint8_t nearness(std::span<const Documents::Place> a, std::span<const Documents::Place> b) {
  std::uint32_t nearest = kNearnesses;
  for (const Documents::Place& one : a) {
    for (const Documents::Place& other : b) {
      if (one.field != other.field || one.position == other.position) continue;
      nearest = std::min(nearest, one.position < other.position ? other.position - one.position
                                                                : one.position - other.position);
    }
  }
  return static_cast<std::uint8_t>(kNearnesses - nearest);
}

// What something is worth by which word stands between the others in a query: only pairs of words that follow
// one another count. Of two words all are the same.
using Values = std::array<std::int64_t, kMostTogether>;

struct Entry {
  std::uint64_t id;
  Values values;
  std::array<std::uint32_t, kMostTogether> uses;  // by stem
  std::array<std::uint8_t, kMostTogether> near;   // of the first two; of the first and the last; of the last two
};

struct Better {
  std::size_t order;
  bool operator()(const Entry& a, const Entry& b) const {
    return std::tuple(-a.values[order], a.id) < std::tuple(-b.values[order], b.id);
  }
};

// What documents that are not told are worth at most.
struct Bound {
  Values values;
  std::array<Uses, kMostTogether> uses;
  std::array<std::int64_t, kMostTogether> worths;  // of the uses
  std::array<std::uint8_t, kMostTogether> near;
};

// Two or three stems.
class Combination {
 public:
  Combination(std::span<const Documents> stems, std::span<const std::uint32_t> members, const WeightOf& weight_of)
      : weight_of_(&weight_of) {
    left_out_kinds_.fill(kNoKind);
    for (const std::uint32_t member : members) members_.push_back(&stems[member]);
    for (std::size_t i = 0; i < members_.size(); ++i) {
      for (std::size_t j = i + 1; j < members_.size(); ++j) {
        const std::uint32_t less = std::min(members_[i]->weight(), members_[j]->weight());
        auto& worths = near_worths_.emplace_back();
        for (std::uint32_t near = 1; near < kNearnesses; ++near) {
          worths[near] = std::llround(kUnits * kNearShare * less / (kNearnesses - near));
        }
      }
    }
  }

  void offer(std::uint64_t id, const std::array<std::uint32_t, kMostTogether>& uses,
             const std::array<std::uint8_t, kMostTogether>& near) {
    // Of the same kind as one that was left out no later one is told, nor bounds more.
    const std::uint64_t kind = kind_of(uses, near);
    std::uint64_t& known = left_out_kinds_[kind * kMixer >> (64 - kKindBits)];
    if (known == kind) return;
    Values worths{};
    for (std::size_t i = 0; i < members_.size(); ++i) worths[i] = members_[i]->worth_of(uses[i]);
    const Entry entry{id, values_of(worths, near), uses, near};
    bool is_told = false;
    for (std::size_t order = 0; order < orders(); ++order) {
      std::vector<Entry>& best = best_[order];
      const Better better{order};
      if (best.size() == kTold) {
        if (!better(entry, best.front())) continue;
        std::pop_heap(best.begin(), best.end(), better);
        const Entry worst = best.back();
        best.back() = entry;
        std::push_heap(best.begin(), best.end(), better);
        if (!is_among_best(worst.id)) leave_out(worst);
      } else {
        best.push_back(entry);
        std::push_heap(best.begin(), best.end(), better);
      }
      is_told = true;
    }
    if (is_told) return;
    leave_out(entry);
    if (kind != kTooMuch) known = kind;
  }

  bool empty() const { return best_.front().empty(); }

  SiteTogether told() {
    SiteTogether out;
    for (const Documents* member : members_) {
      if (!out.key.empty()) out.key.push_back('\1');
      out.key += member->text();
    }
    out.key.append("\0b", 2);
    std::map<std::uint64_t, Entry> all;
    for (std::size_t order = 0; order < orders(); ++order) {
      std::vector<Entry>& best = best_[order];
      std::sort(best.begin(), best.end(), Better{order});
      for (std::size_t i = 0; i < best.size(); ++i) {
        all.emplace(best[i].id, best[i]);
        if (orders() == 1 || i < kShown) out.shown.push_back(best[i].id);
      }
    }
    std::sort(out.shown.begin(), out.shown.end());
    out.shown.erase(std::unique(out.shown.begin(), out.shown.end()), out.shown.end());
    std::vector<Entry> ascending;
    for (const auto& [_, entry] : all) ascending.push_back(entry);
    out.record = record(ascending, out.shown);
    return out;
  }

 private:
  // A few kinds are remembered, by some bits of a product with the golden ratio.
  static constexpr unsigned kKindBits = 6;
  static constexpr std::uint64_t kMixer = 0x9e3779b97f4a7c15;
  static constexpr std::uint64_t kNoKind = UINT64_MAX;
  static constexpr std::uint64_t kTooMuch = UINT64_MAX - 1;

  // What tells documents apart here but for their ids; none of the remembered ones where it is too much.
  static std::uint64_t kind_of(const std::array<std::uint32_t, kMostTogether>& uses,
                               const std::array<std::uint8_t, kMostTogether>& near) {
    constexpr unsigned kUses = 17;
    constexpr unsigned kNear = 3;
    std::uint64_t kind = 0;
    for (const std::uint32_t each : uses) {
      if (each >> kUses != 0) return kTooMuch;
      kind = kind << kUses | each;
    }
    for (const std::uint8_t each : near) kind = kind << kNear | each;
    return kind;
  }

  bool covers_all(const Entry& a, const Entry& b) const {
    if (a.values.front() < b.values.front()) return false;
    for (std::size_t i = 0; i < near_worths_.size(); ++i) {
      if (a.near[i] < b.near[i]) return false;
    }
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (a.uses[i] != b.uses[i] && !covers(members_[i]->uses(a.uses[i]), members_[i]->uses(b.uses[i]))) return false;
    }
    return true;
  }

  // Only those are kept that no other left out is worth more than, whatever words and averages are worth.
  void leave_out(const Entry& entry) {
    for (std::size_t i = 0; i < left_out_.size(); ++i) {
      if (covers_all(left_out_[i], entry)) {
        std::swap(left_out_[i / 2], left_out_[i]);  // what covers much is asked early
        return;
      }
    }
    std::erase_if(left_out_, [&](const Entry& other) { return covers_all(entry, other); });
    left_out_.push_back(entry);
  }

  // Which of three words stands between the others matters.
  std::size_t orders() const { return members_.size() == kMostTogether ? kMostTogether : 1; }

  bool is_among_best(std::uint64_t id) const {
    return std::any_of(best_.begin(), best_.end(), [&](const std::vector<Entry>& best) {
      return std::any_of(best.begin(), best.end(), [&](const Entry& entry) { return entry.id == id; });
    });
  }

  Values values_of(const Values& worths, const std::array<std::uint8_t, kMostTogether>& near) const {
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

  static bool within(const Values& values, const Values& most) {
    return std::equal(values.begin(), values.end(), most.begin(), std::less_equal<>());
  }

  // Joins another to a bound where both are worth no more than `most` together; tells whether it did.
  bool join(Bound& bound, const Bound& other, const Values& most) const {
    Bound both{{}, {}, {}, {}};
    for (std::size_t i = 0; i < members_.size(); ++i) both.worths[i] = std::max(bound.worths[i], other.worths[i]);
    for (std::size_t i = 0; i < near_worths_.size(); ++i) both.near[i] = std::max(bound.near[i], other.near[i]);
    if (!within(values_of(both.worths, both.near), most)) return false;  // joined they are worth no less
    for (std::size_t i = 0; i < members_.size(); ++i) {
      both.uses[i] = joined(bound.uses[i], other.uses[i]);
      both.worths[i] = worth(both.uses[i], *weight_of_) * members_[i]->weight();
    }
    both.values = values_of(both.worths, both.near);
    if (!within(both.values, most)) return false;
    bound = std::move(both);
    return true;
  }

  // What is left out, those joined that together are worth no more than the best.
  std::vector<Bound> bounds() const {
    constexpr std::int64_t kHighest = INT64_MAX;
    Values most{};
    std::vector<Bound> all;
    for (const Entry& entry : left_out_) {
      Bound& bound = all.emplace_back(Bound{entry.values, {}, {}, entry.near});
      for (std::size_t i = 0; i < members_.size(); ++i) {
        bound.uses[i] = members_[i]->uses(entry.uses[i]);
        bound.worths[i] = members_[i]->worth_of(entry.uses[i]);
      }
      std::transform(most.begin(), most.end(), entry.values.begin(), most.begin(),
                     [](std::int64_t a, std::int64_t b) { return std::max(a, b); });
    }
    std::sort(all.begin(), all.end(), [](const Bound& a, const Bound& b) {
      return std::tie(b.values, a.uses, a.near) < std::tie(a.values, b.uses, b.near);
    });
    std::vector<Bound> found;
    for (const Bound& one : all) {
      if (std::any_of(found.begin(), found.end(), [&](Bound& bound) { return join(bound, one, most); })) continue;
      if (found.size() < kMostBounds) {
        found.push_back(one);
      } else {
        join(found.back(), one, {kHighest, kHighest, kHighest});
      }
    }
    return found;
  }

  std::string record(std::span<const Entry> told, std::span<const std::uint64_t> shown) const {
    const std::vector<Bound> others = bounds();
    std::string out;
    put_varint(out, told.size());
    put_varint(out, others.size());
    std::vector<std::map<Uses, std::uint32_t>> numbers(members_.size());
    for (std::size_t i = 0; i < members_.size(); ++i) {
      for (const Entry& entry : told) numbers[i].try_emplace(members_[i]->uses(entry.uses[i]));
      for (const Bound& bound : others) numbers[i].try_emplace(bound.uses[i]);
      put_uses(out, *members_[i], numbers[i]);
    }
    put_varint(out, told.front().id);
    std::vector<std::uint64_t> distances;
    for (std::size_t i = 1; i < told.size(); ++i) distances.push_back(told[i].id - told[i - 1].id - 1);
    const unsigned low = best_low(distances);
    put_varint(out, low);

    BitWriter bits(out);
    for (const std::uint64_t distance : distances) bits.put_rice(distance, low);
    for (const Entry& entry : told) {
      bits.put(std::binary_search(shown.begin(), shown.end(), entry.id) ? 1 : 0, 1);
    }
    const auto put = [&](const auto& uses_of, const auto& near) {
      for (std::size_t i = 0; i < members_.size(); ++i) {
        bits.put_one_of(numbers[i].at(uses_of(i)), static_cast<std::uint32_t>(numbers[i].size()));
      }
      for (std::size_t i = 0; i < near_worths_.size(); ++i) bits.put_one_of(near[i], kNearnesses);
    };
    for (const Entry& entry : told) {
      put([&](std::size_t i) -> const Uses& { return members_[i]->uses(entry.uses[i]); }, entry.near);
    }
    for (const Bound& bound : others) put([&](std::size_t i) -> const Uses& { return bound.uses[i]; }, bound.near);
    bits.finish();
    return out;
  }

  // The words of a stem that are there, and the uses, which are numbered.
  static void put_uses(std::string& out, const Documents& stem, std::map<Uses, std::uint32_t>& numbers) {
    std::map<std::uint32_t, std::uint32_t> words;
    for (const auto& [uses, _] : numbers) {
      for (const Use& use : uses) words.try_emplace(use.word);
    }
    put_varint(out, words.size());
    std::uint32_t count = 0;
    for (auto& [word, number] : words) {
      number = count++;
      put_text(out, stem.word(word));
    }
    put_varint(out, numbers.size());
    count = 0;
    for (auto& [uses, number] : numbers) {
      number = count++;
      put_varint(out, uses.size());
      for (const Use& use : uses) {
        for (const std::uint32_t value : {words[use.word], use.field, use.times, use.words}) put_varint(out, value);
      }
    }
  }

  const WeightOf* weight_of_;
  std::vector<const Documents*> members_;
  std::vector<std::array<std::int64_t, kNearnesses>> near_worths_;  // by pair and nearness
  std::array<std::vector<Entry>, kMostTogether> best_;  // heaps, the worst first, by the word between the others
  std::vector<Entry> left_out_;
  std::array<std::uint64_t, std::size_t{1} << kKindBits> left_out_kinds_;
};

}  // namespace

std::vector<SiteTogether> best_together(std::size_t count, const std::function<SiteStem(std::size_t)>& read,
                                        std::span<const SiteMembers> combinations,
                                        const WeightOf& weight_of) {
  std::vector<Documents> documents;
  documents.reserve(count);
  for (std::size_t i = 0; i < count; ++i) documents.emplace_back(read(i), weight_of);

  // By two stems, the first times `count` and the second: whether they are in any combination, and those in which
  // they are the first two, with the third.
  struct Asked {
    std::size_t place;  // in `all`
    std::uint32_t third;
  };
  std::vector<Combination> all;
  std::vector<std::vector<Asked>> asked(count * count);
  std::vector<char> in_any(asked.size());
  for (const SiteMembers& members : combinations) {
    std::vector<std::uint32_t> here{members[0], members[1]};
    if (members[2] != kNoMember) here.push_back(members[2]);
    for (std::size_t i = 0; i < here.size(); ++i) {
      for (std::size_t j = i + 1; j < here.size(); ++j) in_any[here[i] * count + here[j]] = 1;
    }
    asked[members[0] * count + members[1]].push_back({all.size(), members[2]});
    all.emplace_back(documents, here, weight_of);
  }

  std::vector<std::size_t> next(count);
  std::vector<std::uint32_t> here;
  std::vector<std::uint8_t> near(asked.size());
  const auto of = [&](std::uint32_t stem) -> const Documents::Document& { return documents[stem].all()[next[stem] - 1]; };
  // The next document of each stem, the least first.
  using Next = std::pair<std::uint64_t, std::uint32_t>;
  std::priority_queue<Next, std::vector<Next>, std::greater<>> upcoming;
  const auto go_on = [&](std::uint32_t stem) {
    if (next[stem] < documents[stem].all().size()) upcoming.emplace(documents[stem].all()[next[stem]++].id, stem);
  };
  for (std::uint32_t i = 0; i < count; ++i) go_on(i);
  while (!upcoming.empty()) {
    const std::uint64_t id = upcoming.top().first;
    here.clear();
    for (; !upcoming.empty() && upcoming.top().first == id; upcoming.pop()) here.push_back(upcoming.top().second);
    const auto for_pairs = [&](const auto& act) {
      for (std::size_t a = 0; a < here.size(); ++a) {
        for (std::size_t b = a + 1; b < here.size(); ++b) act(here[a], here[b], here[a] * count + here[b]);
      }
    };
    for_pairs([&](std::uint32_t i, std::uint32_t j, std::size_t pair) {
      if (in_any[pair]) near[pair] = nearness(documents[i].places(of(i)), documents[j].places(of(j)));
    });
    for_pairs([&](std::uint32_t i, std::uint32_t j, std::size_t pair) {
      if (!in_any[pair]) return;  // the smaller table, which is near
      for (const Asked& each : asked[pair]) {
        const std::uint32_t k = each.third;
        if (k == kNoMember) {
          all[each.place].offer(id, {of(i).uses, of(j).uses, 0}, {near[pair], 0, 0});
        } else if (std::binary_search(here.begin(), here.end(), k)) {
          all[each.place].offer(id, {of(i).uses, of(j).uses, of(k).uses},
                                {near[pair], near[i * count + k], near[j * count + k]});
        }
      }
    });
    for (const std::uint32_t stem : here) go_on(stem);
  }

  std::vector<SiteTogether> out;
  for (Combination& each : all) {
    if (!each.empty()) out.push_back(each.told());
  }
  std::sort(out.begin(), out.end(), [](const SiteTogether& a, const SiteTogether& b) { return a.key < b.key; });
  return out;
}

}  // namespace prse
