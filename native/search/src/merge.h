// Merges segments: when, and how.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "snapshot.h"

namespace prse {

// A merge was ended before its time.
struct MergeAbandoned {};

// The bytes of one segment that holds all that is alive in the given ones. MergeAbandoned soon after a
// stop was requested.
std::string merge_segments(std::span<const SegmentView> inputs, std::uint64_t number, Language language,
                           const std::stop_token& stop = {});

// What has died in an input since it was merged, as `before` and `now` tell, dies in the merged
// segment too; whether there was anything.
bool carry_deaths(const Segment& input, const Liveness& before, const Liveness& now, const Segment& merged,
                  Liveness& out);

// So many segments of about a size are merged.
constexpr std::size_t kTierSegments = 8;

// What is to be merged now, each as places in the list, no place twice: all of a tier that has gathered eight of
// about a size (each tier is eight times the one below, so every record is copied once a tier); of other tiers each
// segment of which a third is dead. The smaller come first.
std::vector<std::vector<std::size_t>> choose_merges(std::span<const SegmentView> segments);

}  // namespace prse
