#include "format.h"

#include <algorithm>

#include "checksum.h"

namespace prse {
namespace {

constexpr std::string_view kPrefix = "prse-";
constexpr std::string_view kSegmentSuffix = ".segment";
constexpr std::string_view kDeadSuffix = ".dead";
constexpr std::size_t kNumberDigits = 16;

std::string numbered(std::uint64_t number, std::string_view suffix) {
  std::string digits(kNumberDigits, '0');
  for (std::size_t i = kNumberDigits; number > 0; number >>= 4) {
    digits[--i] = "0123456789abcdef"[number & 15];
  }
  return std::string(kPrefix) + digits + std::string(suffix);
}

bool is_numbered(std::string_view name, std::string_view suffix) {
  if (name.size() != kPrefix.size() + kNumberDigits + suffix.size()) return false;
  const std::string_view digits = name.substr(kPrefix.size(), kNumberDigits);
  return name.starts_with(kPrefix) && name.ends_with(suffix) &&
         digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string segment_name(std::uint64_t number) { return numbered(number, kSegmentSuffix); }
std::string dead_name(std::uint64_t number) { return numbered(number, kDeadSuffix); }

bool is_own_file(std::string_view name) {
  return name == kManifestName || name == kNewManifestName || is_numbered(name, kSegmentSuffix) ||
         is_numbered(name, kDeadSuffix);
}

void check_head(ByteReader& in, std::string_view magic, const std::string& path) {
  if (in.take(magic.size()) != magic) in.fail("it does not begin as it should");
  const auto format = in.fixed<std::uint32_t>();
  if (format == 0) in.fail("it has no version");
  if (format > kFormat) {
    throw Error(PRSE_UNSUPPORTED,
                path + ": format " + std::to_string(format) + " is newer than " +
                    std::to_string(kFormat) + ", which this program knows; build the index again");
  }
  if (format < kFormat) {
    throw Error(PRSE_OUTDATED,
                path + ": format " + std::to_string(format) + " is older than " +
                    std::to_string(kFormat) + ", which this program reads; build the index again");
  }
}

ByteReader open_checked(std::string_view bytes, std::string_view magic, const std::string& path) {
  ByteReader whole(bytes, path.c_str());
  check_head(whole, magic, path);
  if (whole.left() < sizeof(std::uint32_t)) whole.fail("it ends too early");
  const std::string_view body = bytes.substr(0, bytes.size() - sizeof(std::uint32_t));
  if (load<std::uint32_t>(bytes.substr(body.size()), 0) != crc32c(body)) {
    fail_corrupt(path, "its checksum is wrong");
  }
  ByteReader in(body, path.c_str());
  check_head(in, magic, path);
  return in;
}

}  // namespace prse
