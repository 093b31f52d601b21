// Merges segments: when, and how.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "snapshot.h"

namespace prse {

// The bytes of one segment that holds all that is alive in the given ones.
std::string merge_segments(std::span<const SegmentView> inputs, std::uint64_t number,
                           Language language);

// Which segments are to be merged now, as their places in the list: eight of about a size
// (tiered, each tier eight times the one below, so every record is copied once a tier), or one
// of which a third is dead. None when all is well.
std::vector<std::size_t> choose_merge(std::span<const SegmentView> segments);

}  // namespace prse
