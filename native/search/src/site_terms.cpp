#include "site_terms.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "bytes.h"
#include "language.h"
#include "status.h"

namespace prse {
namespace {

constexpr char kNear = 'n';
constexpr char kStem = 's';
constexpr char kTag = 't';
constexpr char kWord = 'w';

constexpr PartSizes kParts{1024, 3072};

// What fields are taken to be long where documents are put into bands. It must not depend on the
// documents, or one more would put others elsewhere.
constexpr double kReferenceLength = 8;

constexpr std::size_t kMostBounds = 12;

// Of fewer documents the directory tells how many a term has.
constexpr std::size_t kExactCount = 8;
// From so many on half a doubling is a step.
constexpr std::size_t kManyCount = 64;

bool by_id(const SitePosting& a, const SitePosting& b) { return a.id < b.id; }

// Sort postings that come in few runs of ascending ids, as those of a segment do, and segments one after
// the other: neighbouring runs are merged until one is left.
void sort_runs(std::vector<SitePosting>& postings) {
  std::vector<std::ptrdiff_t> begins{0};
  for (std::size_t i = 1; i < postings.size(); ++i) {
    if (by_id(postings[i], postings[i - 1])) begins.push_back(static_cast<std::ptrdiff_t>(i));
  }
  begins.push_back(static_cast<std::ptrdiff_t>(postings.size()));
  const auto at = postings.begin();
  while (begins.size() > 2) {
    std::vector<std::ptrdiff_t> merged;
    for (std::size_t i = 0; i + 1 < begins.size(); i += 2) {
      merged.push_back(begins[i]);
      if (i + 2 < begins.size()) std::inplace_merge(at + begins[i], at + begins[i + 1], at + begins[i + 2], by_id);
    }
    merged.push_back(begins.back());
    begins = std::move(merged);
  }
}

struct ClassHash {
  std::size_t operator()(const SiteClass& uses) const {
    std::uint64_t hash = uses.size();
    for (const SiteUse& use : uses) {
      hash = mixed(hash ^ (std::uint64_t{use.field} << 48) ^ (std::uint64_t{use.times} << 32) ^ use.words);
    }
    return static_cast<std::size_t>(hash);
  }
};

// Where among classes one is; a new one comes to their end. Few are compared, many looked up.
class ClassPlaces {
 public:
  std::uint32_t of(const SiteClass& one, std::vector<SiteClass>& classes) {
    const auto next = static_cast<std::uint32_t>(classes.size());
    if (next <= kFew) {
      const auto place = static_cast<std::uint32_t>(std::find(classes.begin(), classes.end(), one) - classes.begin());
      if (place == next) classes.push_back(one);
      return place;
    }
    for (; known_ < next; ++known_) places_.emplace(classes[known_], known_);
    const auto [found, is_new] = places_.try_emplace(one, next);
    if (is_new) {
      classes.push_back(one);
      ++known_;
    }
    return found->second;
  }

 private:
  static constexpr std::uint32_t kFew = 8;
  std::unordered_map<SiteClass, std::uint32_t, ClassHash> places_;
  std::uint32_t known_ = 0;  // so many classes are in it
};

std::vector<std::uint64_t> ids_of(std::span<const SitePosting> part) {
  std::vector<std::uint64_t> ids;
  ids.reserve(part.size());
  for (const SitePosting& posting : part) ids.push_back(posting.id);
  return ids;
}

template <typename Take>
void each_part(std::span<const SitePosting> all, PartSizes sizes, const Take& take) {
  std::size_t begin = 0;
  for (std::size_t i = 1; i <= all.size(); ++i) {
    const std::size_t size = i - begin;
    if (i < all.size() && !part_ends(size, all[i].id, sizes)) continue;
    take(all.subspan(begin, size));
    begin = i;
  }
}

// Beyond small numbers a doubling, or of many half of one, is a step, so that a word's level seldom changes.
std::uint64_t level_of_count(std::size_t documents) {
  if (documents < kExactCount) return documents - 1;
  if (documents < kManyCount) return 3 + std::bit_width(documents);
  return static_cast<std::uint64_t>(std::floor(2 * std::log2(static_cast<double>(documents)))) - 2;
}

}  // namespace

SiteTerms::SiteTerms(const SearchState& state, std::span<const std::string_view> fields, BandedSizes banded)
    : state_(state),
      fields_(fields.begin(), fields.end()),
      banded_(banded),
      reference_lengths_(fields.size(), kReferenceLength) {
  const Weights weights({});
  for (const std::string& field : fields_) weights_.push_back(weights.of(field));
  for (const SegmentView& view : state.snapshot->segments) {
    view.segment->verify_documents();
    view.segment->verify_positions();
    finders_.emplace_back(view.segment->terms());
    std::vector<std::uint32_t>& numbers = numbers_.emplace_back();
    for (const Segment::Field& field : view.segment->fields()) {
      const auto found = std::find(fields_.begin(), fields_.end(), field.name);
      if (found == fields_.end()) {
        fail_invalid("the index has a field \"" + std::string(field.name) + "\" that the site does not know");
      }
      numbers.push_back(static_cast<std::uint32_t>(found - fields_.begin()));
    }
  }
}

std::vector<std::string> SiteTerms::keys(std::string_view after, std::size_t limit) const {
  // The terms of each segment and kind, the least next one on top.
  struct Next {
    std::string key;
    Dictionary::Cursor term;
    bool operator<(const Next& other) const { return key > other.key; }
  };
  std::vector<Next> heap;
  const auto push = [&](Next next, char kind) {
    for (; next.term.valid() && next.term.key()[0] == kind; next.term.next()) {
      next.key.assign(next.term.key(), 1).push_back('\0');
      next.key.push_back(kind);
      if (std::string_view(next.key) <= after) continue;
      heap.push_back(std::move(next));
      std::push_heap(heap.begin(), heap.end());
      return;
    }
  };
  for (const char kind : {kTag, kWord}) {
    // The first whose text is at least that of `after`; what is not above it is passed over.
    const std::string from = std::string(1, kind) + std::string(after.substr(0, after.find('\0')));
    for (const SegmentView& view : state_.snapshot->segments) push({{}, view.segment->terms().lower_bound(from)}, kind);
  }
  std::vector<std::string> found;
  while (!heap.empty() && found.size() < limit) {
    std::pop_heap(heap.begin(), heap.end());
    Next next = std::move(heap.back());
    heap.pop_back();
    if (found.empty() || found.back() != next.key) found.push_back(next.key);
    const char kind = next.key.back();
    next.term.next();
    push(std::move(next), kind);
  }
  return found;
}

std::optional<SiteTerm> SiteTerms::term(std::string_view key) {
  const std::size_t end = key.find('\0');
  if (end == std::string_view::npos || end + 2 != key.size()) fail_invalid("a term's key ends in 0 and its kind");
  const std::string_view text = key.substr(0, end);
  switch (key[end + 1]) {
    case kNear: return near(text);
    case kStem: return stem(text);
    case kTag: return list(text, false);
    case kWord: return list(text, true);
    default: fail_invalid("a term's kind is n, s, t or w");
  }
}

SiteTerms::Field SiteTerms::field(std::size_t number) const {
  const auto found = state_.statistics.fields.find(fields_[number]);
  if (found == state_.statistics.fields.end()) return {0, 0};
  return {found->second.words, found->second.documents};
}

std::vector<SiteTerms::Lengths> SiteTerms::lengths(std::uint64_t first, std::uint64_t end) const {
  std::vector<Lengths> found;
  const auto& segments = state_.snapshot->segments;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = *segments[i].segment;
    for (std::uint32_t doc = 0; doc < segment.documents(); ++doc) {
      const std::uint64_t id = segment.id(doc);
      if (id < first || id >= end || !segments[i].alive(doc)) continue;
      Lengths& one = found.emplace_back(id, std::vector<std::uint32_t>(fields_.size()));
      for (std::uint32_t field = 0; field < numbers_[i].size(); ++field) {
        one.words[numbers_[i][field]] = segment.length(field, doc);
      }
    }
  }
  std::sort(found.begin(), found.end(), [](const Lengths& a, const Lengths& b) { return a.id < b.id; });
  return found;
}

SitePostings SiteTerms::read(const std::string& term, bool with_positions) {
  return read(term, with_positions, [&](std::size_t segment, std::uint32_t doc) {
    return state_.snapshot->segments[segment].segment->id(doc);
  });
}

SitePostings SiteTerms::read(const std::string& term, bool with_positions, const NumberOf& number_of) {
  SitePostings out;
  ClassPlaces places;
  SiteClass one;  // the document's class, and its place
  std::uint32_t place = 0;
  std::vector<std::uint32_t> positions;
  // A document's fields, as the segment numbers them, and where the positions of each begin.
  std::vector<std::pair<SiteUse, std::size_t>> uses;
  const auto& segments = state_.snapshot->segments;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const SegmentView& view = segments[i];
    const Dictionary::Cursor& found = finders_[i].find(term);
    if (!found.valid() || found.key() != term) continue;
    const PostingList list = view.segment->postings(found.key(), found.value());
    out.all.reserve(out.all.size() + list.documents());
    for (PostingsCursor cursor(list); cursor.next();) {
      const std::uint32_t doc = cursor.doc();
      if (!view.alive(doc)) continue;
      uses.clear();
      std::size_t first = 0;
      for (const FieldCount& count : cursor.fields()) {
        uses.push_back({{numbers_[i][count.field], count.times, view.segment->length(count.field, doc)}, first});
        first += count.times;
      }
      if (uses.size() > 1) {
        std::sort(uses.begin(), uses.end(),
                  [](const auto& a, const auto& b) { return a.first.field < b.first.field; });
      }
      // Most documents are of the class of the one before, which need not be looked up.
      const auto same = [](const SiteUse& use, const auto& other) { return use == other.first; };
      if (!std::equal(one.begin(), one.end(), uses.begin(), uses.end(), same)) {
        one.clear();
        for (const auto& [use, _] : uses) one.push_back(use);
        place = places.of(one, out.classes);
      }
      out.all.push_back({number_of(i, doc), place, static_cast<std::uint32_t>(out.positions.size())});
      if (!with_positions) continue;
      positions.clear();
      cursor.positions(positions);
      for (const auto& [use, begin] : uses) {
        const auto at = positions.begin() + static_cast<std::ptrdiff_t>(begin);
        out.positions.insert(out.positions.end(), at, at + use.times);
      }
    }
  }
  sort_runs(out.all);
  return out;
}

SiteBands SiteTerms::bands(const SitePostings& postings) const {
  std::vector<double> worths;
  for (const SiteClass& uses : postings.classes) worths.push_back(reference_worth(uses, reference_lengths_));
  return bands_of(postings, worths, banded_);
}

double SiteTerms::reference_worth(const SiteClass& uses, std::span<const double> lengths) const {
  double worth = 0;
  for (const SiteUse& use : uses) {
    worth += weights_[use.field] * use.times /
             (1 - kLengthShare + kLengthShare * use.words / lengths[use.field]);
  }
  return worth;
}

// Of classes those that no other is worth more than, whatever the fields' average lengths are; where
// there are too many, one that is worth more than all.
std::vector<SiteClass> SiteTerms::bounds(const std::vector<SiteClass>& classes) {
  const auto covers = [](const SiteClass& a, const SiteClass& b) {
    return std::all_of(b.begin(), b.end(), [&](const SiteUse& use) {
      return std::any_of(a.begin(), a.end(), [&](const SiteUse& other) {
        return other.field == use.field && other.times >= use.times && other.words <= use.words;
      });
    });
  };
  std::vector<SiteClass> best;
  for (const SiteClass& one : classes) {
    if (std::any_of(best.begin(), best.end(), [&](const SiteClass& other) { return covers(other, one); })) continue;
    std::erase_if(best, [&](const SiteClass& other) { return covers(one, other); });
    best.push_back(one);
  }
  if (best.size() > kMostBounds) {
    std::map<std::uint32_t, SiteUse> all;
    for (const SiteClass& one : best) {
      for (const SiteUse& use : one) {
        SiteUse& most = all.try_emplace(use.field, use).first->second;
        most.times = std::max(most.times, use.times);
        most.words = std::min(most.words, use.words);
      }
    }
    best.assign(1, {});
    for (const auto& [field, use] : all) best.front().push_back(use);
  }
  std::sort(best.begin(), best.end());
  return best;
}

std::optional<SiteTerm> SiteTerms::list(std::string_view text, bool with_positions) {
  const std::string term = (with_positions ? kWordKey : kTagKey) + std::string(text);
  const SitePostings postings = read(term, with_positions);
  if (postings.all.empty()) return std::nullopt;

  const SiteBands bands = this->bands(postings);

  SiteTerm out;
  out.documents = postings.all.size();
  put_varint(out.entry, level_of_count(postings.all.size()));
  const auto put_bounds = [&](const std::vector<SiteClass>& of) {
    const std::vector<SiteClass> best = bounds(of);
    put_varint(out.entry, best.size());
    for (const SiteClass& uses : best) put_site_class(out.entry, uses);
  };
  put_bounds(postings.classes);
  if (bands.has_rest()) {
    std::vector<SiteClass> of_rest;
    for (std::size_t place = 0; place < postings.classes.size(); ++place) {
      if (bands.of_class[place] >= bands.rest) of_rest.push_back(postings.classes[place]);
    }
    put_bounds(of_rest);
  }
  // Numbers are many, each of few documents, and asked for alone.
  const bool number = std::all_of(text.begin(), text.end(), [](char letter) { return '0' <= letter && letter <= '9'; });
  const SiteBeside nothing;
  const bool little = with_positions && is_stop_word(text, state_.snapshot->manifest.language);
  // A rest of one band tells the documents before it, too: beside other words it is read alone.
  const bool whole = bands.has_rest() && postings.all.size() > banded_.most;
  const bool without = whole && postings.all.size() > most_beside_;
  const SiteBeside& beside = !number && postings.all.size() <= most_beside_ ? beside_ : nothing;
  const bool apart = postings.all.size() > whole_beside_;
  if (bands.sizes.size() == 1) {
    put_parts(out.records, 0, postings, postings.all, kParts, beside, apart);
  } else {
    std::vector<std::vector<SitePosting>> by_band(bands.sizes.size());
    for (std::size_t band = 0; band < by_band.size(); ++band) by_band[band].reserve(bands.sizes[band]);
    for (const SitePosting& posting : postings.all) by_band[bands.of_class[posting.place]].push_back(posting);
    if (whole) by_band.back() = postings.all;
    for (std::uint32_t band = 0; band < by_band.size() - (without ? 1 : 0); ++band) {
      put_parts(out.records, band, postings, by_band[band], kParts, beside, apart);
    }
    if (without) {
      // How long fields are another word tells that such a long list is read beside, or `lengths`.
      const SitePostings lean = without_lengths(postings, with_positions);
      const bool near = with_positions && !little && postings.all.size() <= near_beside_ && !beside_.has(text);
      put_parts(out.records, bands.rest, lean, lean.all, kParts, near ? beside_ : nothing, false);
    }
  }
  return out;
}

void SiteTerms::put_parts(std::vector<SiteRecord>& records, std::uint32_t band, const SitePostings& postings,
                          std::span<const SitePosting> all, PartSizes sizes, const SiteBeside& beside, bool apart) {
  each_part(all, sizes, [&](std::span<const SitePosting> part) {
    records.push_back({band, ids_of(part), site_record(postings, part, beside, apart)});
  });
}

// The same classes where they differ in nothing but how many words the fields have.
SitePostings SiteTerms::without_lengths(const SitePostings& postings, bool with_positions) {
  SitePostings out;
  out.with_lengths = false;
  if (with_positions) out.positions = postings.positions;
  std::vector<std::uint32_t> place_of;
  for (SiteClass uses : postings.classes) {
    for (SiteUse& use : uses) use.words = 0;
    const auto found = std::find(out.classes.begin(), out.classes.end(), uses);
    place_of.push_back(static_cast<std::uint32_t>(found - out.classes.begin()));
    if (found == out.classes.end()) out.classes.push_back(std::move(uses));
  }
  for (const SitePosting& posting : postings.all) {
    out.all.push_back({posting.id, place_of[posting.place], posting.first_position});
  }
  return out;
}

bool SiteTerms::lives(const std::string& term) const {
  return std::any_of(state_.snapshot->segments.begin(), state_.snapshot->segments.end(), [&](const SegmentView& view) {
    const auto found = view.segment->terms().find(term);
    if (!found.valid()) return false;
    const PostingList list = view.segment->postings(found.key(), found.value());
    return state_.living(view, found.value(), list) > 0;
  });
}

std::vector<std::string> SiteTerms::words_of_stem(std::string_view stem) const {
  std::vector<std::string> words{std::string(stem)};
  for (const SegmentView& view : state_.snapshot->segments) {
    for (const auto& word : view.segment->words_of_stem(stem)) words.push_back(word.key().substr(1));
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  std::erase_if(words, [&](const std::string& word) {
    return prse::stem(word, state_.snapshot->manifest.language) != stem || !lives(kWordKey + word);
  });
  return words;
}

std::optional<SiteTerm> SiteTerms::stem(std::string_view stem) const {
  const std::vector<std::string> words = words_of_stem(stem);
  if (words.empty() || (words.size() == 1 && words.front() == stem)) return std::nullopt;
  SiteTerm out;
  out.documents = bearing(words);
  put_varint(out.entry, words.size());
  for (const std::string& word : words) put_text(out.entry, word);
  return out;
}

std::uint64_t SiteTerms::bearing(const std::vector<std::string>& words) const {
  std::uint64_t count = 0;
  for (const SegmentView& view : state_.snapshot->segments) {
    std::vector<std::uint32_t> docs;
    for (const std::string& word : words) {
      const auto found = view.segment->terms().find(kWordKey + word);
      if (!found.valid()) continue;
      for (PostingsCursor cursor(view.segment->postings(found.key(), found.value())); cursor.next();) {
        if (view.alive(cursor.doc())) docs.push_back(cursor.doc());
      }
    }
    std::sort(docs.begin(), docs.end());
    count += static_cast<std::uint64_t>(std::unique(docs.begin(), docs.end()) - docs.begin());
  }
  return count;
}

std::optional<SiteTerm> SiteTerms::near(std::string_view word) const {
  std::vector<NearTag> tags;
  for (const SegmentView& view : state_.snapshot->segments) {
    view.segment->neighbours().find(word, view.liveness->tags, tags);
  }
  std::erase_if(tags, [&](const NearTag& tag) { return !lives(kTagKey + tag.key); });
  if (tags.empty()) return std::nullopt;
  std::sort(tags.begin(), tags.end(), [](const NearTag& a, const NearTag& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.key < b.key;
  });
  SiteTerm out;
  out.documents = 0;
  put_varint(out.entry, tags.size());
  for (const NearTag& tag : tags) {
    put_text(out.entry, tag.key);
    put_text(out.entry, tag.text == tag.key ? std::string_view() : std::string_view(tag.text));
    put_fixed(out.entry, tag.similarity);
  }
  return out;
}

}  // namespace prse
