// The best documents of two or three frequent words together, as the search of a static site reads them:
// ../SITE.md draws the bytes.
//
// Each of the words' lists is long, and what has them all lies scattered in them. With the best known
// beforehand a visitor need not read the lists.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "site_stem.h"
#include "site_uses.h"

namespace prse {

// The best of the documents that have some word of each of two or three stems; or of two where a word of one is the
// next after one of the other's, or where nearness does not count, as the key says (`Told` in site_combination.h).
struct SiteTogether {
  std::string key;
  std::vector<std::uint64_t> shown;  // ids, ascending, of those of which it is to be told what they look like
  std::string record;
};

// Two or three of stems, ascending, by their numbers.
inline constexpr std::size_t kMostTogether = 3;
inline constexpr std::uint32_t kNoMember = UINT32_MAX;  // in place of the third of two
using SiteMembers = std::array<std::uint32_t, kMostTogether>;

// The id of a document by its number.
using IdOf = std::function<std::uint64_t(std::uint32_t)>;

// Of combinations of `count` stems, which ascend, those that some document has together. `read` gives one by its
// number; it is asked once for each, since all postings together may be much. In place of ids its postings have
// documents' numbers, which are below `documents`, and ascend.
std::vector<SiteTogether> best_together(std::size_t count, const std::function<SiteStem(std::size_t)>& read,
                                        std::size_t documents, const IdOf& id_of,
                                        std::span<const SiteMembers> combinations, const WeightOf& weight_of);

}  // namespace prse
