#include "site_record.h"

#include <algorithm>
#include <bit>

#include "bit_writer.h"
#include "bytes.h"
#include "site_beside.h"

namespace prse {

void put_site_class(std::string& out, const SiteClass& uses) {
  put_varint(out, uses.size());
  for (const SiteUse& use : uses) {
    put_varint(out, use.field);
    put_varint(out, use.times);
    put_varint(out, use.words);
  }
}

std::string site_record(const SitePostings& postings, std::span<const SitePosting> part, const SiteBeside& beside) {
  const bool with_positions = !postings.positions.empty();
  const auto positions = [&](const SitePosting& posting, const auto& tell) {
    std::size_t at = posting.first_position;
    const SiteClass& uses = postings.classes[posting.place];
    for (std::size_t field = 0; field < uses.size(); ++field) {
      for (std::uint32_t i = 0; i < uses[field].times; ++i) tell(field, postings.positions[at++]);
    }
  };

  // The classes that are there, those of the most documents first; how wide their positions are.
  struct Here {
    std::uint32_t place = 0;
    std::size_t documents = 0;
    std::vector<std::uint32_t> highest;  // position, by field
  };
  std::vector<std::uint32_t> number(postings.classes.size(), UINT32_MAX);
  std::vector<Here> here;
  for (const SitePosting& posting : part) {
    if (number[posting.place] == UINT32_MAX) {
      number[posting.place] = static_cast<std::uint32_t>(here.size());
      here.push_back({posting.place, 0, std::vector<std::uint32_t>(postings.classes[posting.place].size())});
    }
    Here& one = here[number[posting.place]];
    ++one.documents;
    if (!with_positions) continue;
    positions(posting, [&](std::size_t field, std::uint32_t position) {
      one.highest[field] = std::max(one.highest[field], position);
    });
  }
  std::sort(here.begin(), here.end(), [&](const Here& a, const Here& b) {
    if (a.documents != b.documents) return a.documents > b.documents;
    return postings.classes[a.place] < postings.classes[b.place];
  });

  std::string out;
  put_varint(out, part.size());
  put_varint(out, part.front().id);
  const SiteBeside::Told told = beside.told(postings, part);
  out += told.words;
  put_varint(out, here.size());
  for (std::uint32_t i = 0; i < here.size(); ++i) {
    number[here[i].place] = i;
    put_site_class(out, postings.classes[here[i].place]);
    for (const std::uint32_t highest : here[i].highest) {
      put_varint(out, static_cast<std::uint64_t>(std::bit_width(highest)));
    }
  }
  BitWriter bits = put_ascending(out, part.size(), [&](std::size_t i) { return part[i].id; });
  const auto classes = static_cast<std::uint32_t>(here.size());
  for (const SitePosting& posting : part) bits.put_one_of(number[posting.place], classes);
  for (const SitePosting& posting : part) {
    if (!with_positions) break;
    const Here& one = here[number[posting.place]];
    positions(posting, [&](std::size_t field, std::uint32_t position) {
      bits.put(position, static_cast<unsigned>(std::bit_width(one.highest[field])));
    });
  }
  bits.finish();
  out += told.documents;
  return out;
}

}  // namespace prse
