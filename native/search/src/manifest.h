// The one file that says what the index consists of; replacing it atomically is the commit.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "file_system.h"
#include "language.h"
#include "picturerail_search.h"

namespace prse {

using Uuid = std::array<std::uint8_t, PRSE_UUID_BYTES>;

struct Manifest {
  struct SegmentEntry {
    std::uint64_t number = 0;
    std::uint32_t checksum = 0;       // of the segment's head
    std::uint64_t bytes = 0;
    std::uint64_t dead_number = 0;    // of the file that names its dead; 0 when all are alive
    std::uint32_t dead_checksum = 0;  // the last four bytes of that file
    std::uint64_t dead_bytes = 0;
  };

  std::uint32_t format = 0;  // in which it was read; it is written in the newest
  Uuid uuid{};
  Language language = Language::kEnglish;
  std::uint64_t seq = 0;
  std::uint64_t next_number = 1;  // of the next file
  std::vector<SegmentEntry> segments;

  // Whether it names this file of the index.
  bool names(std::string_view file) const;
};

std::string encode_manifest(const Manifest& manifest);
// PRSE_CORRUPT, PRSE_UNSUPPORTED or PRSE_OUTDATED, naming `path`.
Manifest decode_manifest(std::string_view bytes, const std::string& path);

// Puts a manifest in place of the one before. The files it names must have been written; it is
// durable when this returns. If it throws, either of the two may be found later.
void publish_manifest(FileSystem& files, const Manifest& manifest);

}  // namespace prse
