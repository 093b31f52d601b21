// A term's documents by what they are worth: ../SITE.md says which lie in a band.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "site_record.h"

namespace prse {

struct SiteBands {
  std::vector<std::uint32_t> of_class;  // the band of each class, from 0 on, that of the highest worth
  std::vector<std::size_t> sizes;       // documents of each band
  std::uint32_t rest;                   // the first band of the rest, or how many bands there are
  bool has_rest() const { return rest < sizes.size(); }
};

// Lists of how many documents are put into bands.
struct BandedSizes {
  std::uint64_t least;  // a shorter list is one band: it is read as a whole, and each band takes some bytes
  std::uint64_t most;   // of a longer one the rest is one band: whoever reads it mostly asks which documents there are
};

// `worths` are those of the postings' classes.
SiteBands bands_of(const SitePostings& postings, std::span<const double> worths, BandedSizes sizes);

}  // namespace prse
