// Dates in queries.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace prse {

// Seconds since 1970 of the wall clock.
struct TimeRange {
  std::int64_t from;
  std::int64_t before;
};

// A year, month or day ("2019", "2019-06", "2019-06-14"), or two of them with ".." between,
// either of which may be missing. Nothing for what is none of these.
std::optional<TimeRange> parse_times(std::string_view text);

// The year in which a second lies; of seconds beyond what a calendar holds, 0.
int year_of(std::int64_t second);

}  // namespace prse
