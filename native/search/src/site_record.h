// Documents of a term, as the search of a static site reads them: ../SITE.md draws the bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace prse {

// That a term stands in a field so many times, and of how many words the field is.
struct SiteUse {
  std::uint32_t field;
  std::uint32_t times;
  std::uint32_t words;
  bool operator==(const SiteUse&) const = default;
  auto operator<=>(const SiteUse&) const = default;
};

// What many documents share: in which fields, ascending, they have a term.
using SiteClass = std::vector<SiteUse>;

struct SitePosting {
  std::uint64_t id;
  std::uint32_t place;  // its class's, among those of the term
  std::uint32_t first_position;
};

struct SitePostings {
  std::vector<SitePosting> all;  // ascending by id
  std::vector<SiteClass> classes;
  std::vector<std::uint32_t> positions;  // none where nobody asks for them
  bool with_lengths = true;              // or classes have 0 for every field's words
};

void put_site_class(std::string& out, const SiteClass& uses);

class SiteBeside;

// The bytes of a record.
struct SiteRecordBytes {
  std::string postings;
  std::string beside;  // what its documents have beside the term, where that lies apart
};

// The record of some of a term's postings, one at least, with what these documents have beside it, at its end or
// `apart`.
SiteRecordBytes site_record(const SitePostings& postings, std::span<const SitePosting> part, const SiteBeside& beside,
                            bool apart);

}  // namespace prse
