// What all files of an index have in common: names, magic numbers, version, whole-file checksum.
// FORMAT.md draws them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bytes.h"

namespace prse {

constexpr std::uint32_t kFormat = 6;
constexpr std::string_view kManifestMagic = "PRSEMANI";
constexpr std::string_view kSegmentMagic = "PRSESEGM";
constexpr std::string_view kDeadMagic = "PRSEDEAD";

inline constexpr char kManifestName[] = "prse-manifest";
inline constexpr char kNewManifestName[] = "prse-manifest.new";

// Files are numbered as they are made; a number is never used again.
std::string segment_name(std::uint64_t number);
std::string dead_name(std::uint64_t number);

// Whether a file is the engine's, by its name.
bool is_own_file(std::string_view name);

// Checks magic, version and the CRC-32C in the last four bytes of a small file; returns a
// reader of what lies between. `path` must outlive it.
ByteReader open_checked(std::string_view bytes, std::string_view magic, const std::string& path);

// Checks magic and version alone; `in` stands behind them afterwards. PRSE_UNSUPPORTED for a newer
// version, PRSE_OUTDATED for an older one.
void check_head(ByteReader& in, std::string_view magic, const std::string& path);

}  // namespace prse
