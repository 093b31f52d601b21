// A committed state of the index: its segments and which of their records are alive.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "file_system.h"
#include "liveness.h"
#include "manifest.h"
#include "picturerail_search.h"
#include "segment.h"

namespace prse {

struct SegmentView {
  std::shared_ptr<const Segment> segment;
  std::shared_ptr<const Liveness> liveness;

  bool alive(std::uint32_t doc) const { return liveness->documents.alive(doc); }
};

// Writes a new segment, and syncs it; all is alive in it.
SegmentView write_segment(FileSystem& files, std::string_view bytes, std::uint64_t number);

class Snapshot {
 public:
  Manifest manifest;
  std::string manifest_bytes;  // tells two states apart
  std::vector<SegmentView> segments;

  bool has_document(std::uint64_t id) const;
  prse_info info() const;
};

// Reads the newest committed state; segments that `before` (may be null) has open are shared
// with it. A writer may commit meanwhile: when files named by the manifest are gone or others,
// and there is a newer manifest, that one is read. PRSE_NOT_FOUND when there is no index.
std::shared_ptr<const Snapshot> load_snapshot(const FileSystem& files, const Snapshot* before);

// The newest manifest's bytes; PRSE_NOT_FOUND when there is no index.
std::string read_manifest(const FileSystem& files);

}  // namespace prse
