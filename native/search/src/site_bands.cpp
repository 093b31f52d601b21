#include "site_bands.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace prse {
namespace {

// A band ends once it has so many documents, the next one once it has twice as many.
constexpr std::size_t kFirstBand = 24;
// Behind so many others are the rest.
constexpr std::size_t kBanded = 400;

constexpr double kLevelsPerDoubling = 8;

}  // namespace

SiteBands bands_of(const SitePostings& postings, std::span<const double> worths, BandedSizes sizes) {
  const std::size_t count = postings.classes.size();
  if (postings.all.size() < std::min(sizes.least, sizes.most)) return {std::vector<std::uint32_t>(count), {postings.all.size()}, 1};
  std::vector<int> level_of;
  for (const double worth : worths) {
    level_of.push_back(static_cast<int>(std::floor(kLevelsPerDoubling * std::log2(1 + worth))));
  }
  std::vector<std::size_t> documents(count);
  for (const SitePosting& posting : postings.all) ++documents[posting.place];
  std::vector<std::uint32_t> falling(count);
  std::iota(falling.begin(), falling.end(), 0U);
  std::sort(falling.begin(), falling.end(),
            [&](std::uint32_t a, std::uint32_t b) { return level_of[a] > level_of[b]; });

  SiteBands out{std::vector<std::uint32_t>(count), {0}, 0};
  const std::size_t to_band = postings.all.size() > sizes.most ? kBanded : postings.all.size();
  std::size_t banded = 0;
  std::size_t enough = kFirstBand;
  for (std::size_t i = 0; i < count; ++i) {
    const bool begins = i == 0 || level_of[falling[i]] != level_of[falling[i - 1]];
    if (begins && out.sizes.back() >= enough && banded < to_band) {
      banded += out.sizes.back();
      out.sizes.push_back(0);
      enough *= 2;
    }
    out.of_class[falling[i]] = static_cast<std::uint32_t>(out.sizes.size() - 1);
    out.sizes.back() += documents[falling[i]];
  }
  for (std::size_t before = 0; out.has_rest() && before < kBanded; ++out.rest) before += out.sizes[out.rest];
  return out;
}

}  // namespace prse
