#include "site_record.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <utility>

#include "bit_writer.h"
#include "bytes.h"
#include "range_coder.h"
#include "site_beside.h"

namespace prse {
namespace {

// Where a record else says that it tells nothing of others, or how many words it tells.
constexpr std::uint64_t kToldApart = 1;
constexpr std::uint64_t kToldHere = 2;
// Of so many classes it is followed apart how many documents are of them.
constexpr std::size_t kMostClasses = 4;

bool of_one_group(const SiteClass& a, const SiteClass& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const SiteUse& one, const SiteUse& other) {
    return one.field == other.field && one.times == other.times;
  });
}

// Those of a group lie together.
bool in_order(const SiteClass& a, const SiteClass& b) {
  if (of_one_group(a, b)) return a < b;
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](const SiteUse& x, const SiteUse& y) {
    return x.field != y.field ? x.field < y.field : x.times < y.times;
  });
}

// Bits of the positions in a field of so many words, where each word takes one position.
unsigned width_of(std::uint32_t words) { return static_cast<unsigned>(std::bit_width(std::max(words, 1U) - 1)); }

// Classes of a record that differ in nothing but how many words the fields have.
struct Group {
  std::vector<const SiteClass*> classes;
  std::vector<unsigned> more;  // bits than `width_of` that positions take, by field

  // Of one field, how many words more each but the first has than the one before, less one.
  std::vector<std::uint64_t> distances() const {
    std::vector<std::uint64_t> found;
    for (std::size_t i = 1; i < classes.size(); ++i) {
      found.push_back(classes[i]->front().words - classes[i - 1]->front().words - 1);
    }
    return found;
  }
};

void put_group(std::string& out, const Group& group, bool with_positions) {
  const SiteClass& first = *group.classes.front();
  put_varint(out, group.classes.size());
  put_varint(out, first.size());
  for (std::size_t field = 0; field < first.size(); ++field) {
    put_varint(out, first[field].field);
    put_varint(out, first[field].times);
    put_varint(out, with_positions ? 1 + group.more[field] : 0);
  }
  if (first.size() == 1) {
    put_varint(out, first.front().words);
    put_varint(out, best_low(group.distances()));
    return;
  }
  for (const SiteClass* uses : group.classes) {
    for (const SiteUse& use : *uses) put_varint(out, use.words);
  }
}

// The classes that are there in a part, in the order that numbers them.
struct Numbered {
  struct Here {
    std::uint32_t number = 0;
    std::size_t group = 0;
  };
  std::vector<Group> groups;
  std::vector<Here> here;  // by the class's place among those of the term
  std::uint32_t count = 0;

  Numbered(const SitePostings& postings, std::span<const SitePosting> part) : here(postings.classes.size()) {
    std::vector<bool> there(postings.classes.size());
    for (const SitePosting& posting : part) there[posting.place] = true;
    std::vector<std::uint32_t> places;
    for (std::uint32_t place = 0; place < there.size(); ++place) {
      if (there[place]) places.push_back(place);
    }
    std::sort(places.begin(), places.end(), [&](std::uint32_t a, std::uint32_t b) {
      return in_order(postings.classes[a], postings.classes[b]);
    });
    for (const std::uint32_t place : places) {
      const SiteClass& uses = postings.classes[place];
      if (groups.empty() || !of_one_group(*groups.back().classes.front(), uses)) {
        groups.push_back({{}, std::vector<unsigned>(uses.size())});
      }
      groups.back().classes.push_back(&uses);
      here[place] = {count++, groups.size() - 1};
    }
  }

  void put(std::string& out, bool with_positions) const {
    put_varint(out, count);
    for (const Group& group : groups) put_group(out, group, with_positions);
  }

  void put(BitWriter& bits) const {
    for (const Group& group : groups) {
      if (group.more.size() > 1) continue;
      const std::vector<std::uint64_t> distances = group.distances();
      const unsigned low = best_low(distances);
      for (const std::uint64_t distance : distances) bits.put_rice(distance, low);
    }
  }
};

// How far behind the one before a term stands in a field, the first time behind its front.
class LikelyPositions {
 public:
  void put(RangeEncoder& out, std::span<const std::uint32_t> positions) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < positions.size(); ++i) {
      put(out, likely_[std::min(i, likely_.size() - 1)], positions[i] - next + 1);
      next = positions[i] + 1;
    }
  }

 private:
  static constexpr std::uint32_t kWidths = 32;
  static constexpr std::size_t kToldWidths = 6;
  struct Likely {
    LikelyNumber<kToldWidths> width{
        {LikelyBit{2}, LikelyBit{3}, LikelyBit{5}, LikelyBit{6}, LikelyBit{10}, LikelyBit{14}}};
    std::array<LikelyBit, kWidths> second;  // highest bit, by the width
  };

  // Its width less one; the highest bit but one; the others, each as likely as not.
  static void put(RangeEncoder& out, Likely& likely, std::uint32_t distance) {
    const auto width = static_cast<unsigned>(std::bit_width(distance)) - 1;
    likely.width.put(out, width, kWidths);
    if (width == 0) return;
    out.put(likely.second[width], (distance >> (width - 1) & 1) != 0);
    out.put_bits(distance, width - 1);
  }

  std::array<Likely, 3> likely_;  // the first time, the second, and any further one
};

// Where classes do not tell how long fields are: the class of each document, the first of most; where it stands; how
// near it is to others.
void put_lean(std::string& out, const SitePostings& postings, std::span<const SitePosting> part,
              const Numbered& classes, const SiteBeside& beside) {
  RangeEncoder coder(out);
  LikelyNumber<kMostClasses> likely({LikelyBit{12}, LikelyBit{12}, LikelyBit{12}, LikelyBit{12}});
  for (const SitePosting& posting : part) likely.put(coder, classes.here[posting.place].number, classes.count);
  std::map<std::uint32_t, LikelyPositions> by_field;
  for (const SitePosting& posting : part) {
    if (postings.positions.empty()) break;
    std::size_t at = posting.first_position;
    for (const SiteUse& use : postings.classes[posting.place]) {
      by_field[use.field].put(coder, std::span(postings.positions).subspan(at, use.times));
      at += use.times;
    }
  }
  if (!beside.empty()) beside.put_nearness(coder, postings, part);
  coder.finish();
}

}  // namespace

void put_site_class(std::string& out, const SiteClass& uses) {
  put_varint(out, uses.size());
  for (const SiteUse& use : uses) {
    put_varint(out, use.field);
    put_varint(out, use.times);
    put_varint(out, use.words);
  }
}

SiteRecordBytes site_record(const SitePostings& postings, std::span<const SitePosting> part, const SiteBeside& beside,
                            bool apart) {
  const bool with_positions = !postings.positions.empty();
  const auto positions = [&](const SitePosting& posting, const auto& tell) {
    std::size_t at = posting.first_position;
    const SiteClass& uses = postings.classes[posting.place];
    for (std::size_t field = 0; field < uses.size(); ++field) {
      for (std::uint32_t i = 0; i < uses[field].times; ++i) tell(field, postings.positions[at++]);
    }
  };

  Numbered classes(postings, part);
  for (const SitePosting& posting : part) {
    if (!with_positions) break;
    const SiteClass& uses = postings.classes[posting.place];
    positions(posting, [&](std::size_t field, std::uint32_t position) {
      const auto width = static_cast<unsigned>(std::bit_width(position));
      unsigned& more = classes.groups[classes.here[posting.place].group].more[field];
      more = std::max(more, std::max(width, width_of(uses[field].words)) - width_of(uses[field].words));
    });
  }

  SiteRecordBytes record;
  std::string& out = record.postings;
  put_varint(out, part.size());
  put_varint(out, part.front().id);
  SiteBeside::Told told;
  if (!postings.with_lengths) {
    put_varint(out, beside.empty() ? 0 : kToldHere);
  } else if (apart && !beside.empty()) {
    put_varint(out, kToldApart);
    record.beside = beside.told_apart(postings, part);
  } else {
    told = beside.told(postings, part);
    out += told.words;
  }
  classes.put(out, with_positions);
  BitWriter bits = put_ascending(
      out, part.size(), [&](std::size_t i) { return part[i].id; }, [&](BitWriter& before) { classes.put(before); });
  if (!postings.with_lengths) {
    bits.finish();
    put_lean(out, postings, part, classes, beside);
    return record;
  }
  for (const SitePosting& posting : part) bits.put_one_of(classes.here[posting.place].number, classes.count);
  for (const SitePosting& posting : part) {
    if (!with_positions) break;
    const SiteClass& uses = postings.classes[posting.place];
    const std::vector<unsigned>& more = classes.groups[classes.here[posting.place].group].more;
    positions(posting, [&](std::size_t field, std::uint32_t position) {
      bits.put(position, width_of(uses[field].words) + more[field]);
    });
  }
  bits.finish();
  out += told.documents;
  return record;
}

}  // namespace prse
