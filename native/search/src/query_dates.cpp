#include "query_dates.h"

#include <algorithm>
#include <chrono>

namespace prse {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;

std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int number = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return number;
}

std::int64_t seconds(std::chrono::year_month_day date) {
  return std::chrono::sys_days(date).time_since_epoch().count() * kDaySeconds;
}

std::optional<TimeRange> parse_one(std::string_view text) {
  using namespace std::chrono;
  const auto y = take_number(text, 4);
  if (!y.has_value()) return std::nullopt;
  const year in_year(*y);
  if (text.empty()) return TimeRange{seconds(in_year / 1 / 1), seconds((in_year + years(1)) / 1 / 1)};
  const auto take_part = [&]() -> std::optional<int> {
    if (text.front() != '-') return std::nullopt;
    text.remove_prefix(1);
    return take_number(text, 2);
  };
  const auto m = take_part();
  if (!m.has_value() || *m < 1 || *m > 12) return std::nullopt;
  const year_month in_month(in_year, month(static_cast<unsigned>(*m)));
  if (text.empty()) return TimeRange{seconds(in_month / 1), seconds((in_month + months(1)) / 1)};
  const auto d = take_part();
  if (!d.has_value() || !text.empty()) return std::nullopt;
  const year_month_day date = in_month / day(static_cast<unsigned>(*d));
  if (!date.ok()) return std::nullopt;
  return TimeRange{seconds(date), seconds(date) + kDaySeconds};
}

}  // namespace

std::optional<TimeRange> parse_times(std::string_view text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) return parse_one(text);
  const std::string_view first = text.substr(0, dots);
  const std::string_view last = text.substr(dots + 2);
  if (first.empty() && last.empty()) return std::nullopt;
  TimeRange range{INT64_MIN, INT64_MAX};
  if (!first.empty()) {
    const auto begin = parse_one(first);
    if (!begin.has_value()) return std::nullopt;
    range.from = begin->from;
  }
  if (!last.empty()) {
    const auto end = parse_one(last);
    if (!end.has_value()) return std::nullopt;
    range.before = end->before;
  }
  return range;
}

int year_of(std::int64_t second) {
  constexpr std::int64_t kMost = std::int64_t{8'000} * 366 * kDaySeconds;
  if (second < -kMost || second > kMost) return 0;
  const auto days = std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(second)));
  return static_cast<int>(std::chrono::year_month_day(days).year());
}

}  // namespace prse
