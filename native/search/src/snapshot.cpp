#include "snapshot.h"

#include <algorithm>
#include <utility>

#include "bytes.h"
#include "format.h"

namespace prse {
namespace {

std::shared_ptr<const FileBytes> open_named(const FileSystem& files, const std::string& name) {
  auto file = files.open(name);
  if (file == nullptr) fail_corrupt(files.path_of(name), "the manifest names it, but it is not there");
  return file;
}

SegmentView open_view(const FileSystem& files, const Manifest::SegmentEntry& entry,
                      const Snapshot* before) {
  SegmentView view;
  if (before != nullptr) {
    for (const SegmentView& old : before->segments) {
      if (old.segment->number() == entry.number && old.segment->checksum() == entry.checksum) {
        view.segment = old.segment;
      }
    }
  }
  if (view.segment == nullptr) {
    const std::string name = segment_name(entry.number);
    view.segment =
        std::make_shared<Segment>(open_named(files, name), entry.number, files.path_of(name));
    if (view.segment->checksum() != entry.checksum) {
      fail_corrupt(files.path_of(name), "it is not the one that the manifest names");
    }
  }
  Liveness liveness = view.segment->all_alive();
  if (entry.dead_number != 0) {
    const std::string name = dead_name(entry.dead_number);
    const auto dead = open_named(files, name);
    decode_dead(dead->bytes(), entry.number, files.path_of(name), liveness);
    if (load<std::uint32_t>(dead->bytes().substr(dead->bytes().size() - 4), 0) != entry.dead_checksum) {
      fail_corrupt(files.path_of(name), "it is not the one that the manifest names");
    }
  }
  view.liveness = std::make_shared<const Liveness>(std::move(liveness));
  return view;
}

std::shared_ptr<const Snapshot> open_snapshot(const FileSystem& files, std::string bytes,
                                              const Snapshot* before) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->manifest = decode_manifest(bytes, files.path_of(kManifestName));
  snapshot->manifest_bytes = std::move(bytes);
  for (const Manifest::SegmentEntry& entry : snapshot->manifest.segments) {
    snapshot->segments.push_back(open_view(files, entry, before));
  }
  return snapshot;
}

// Distinct words over all segments, the dead included: their dictionaries walked side by side.
std::uint64_t count_terms(const std::vector<SegmentView>& segments) {
  std::vector<Dictionary::Cursor> cursors;
  const auto in_words = [](const Dictionary::Cursor& cursor) {
    return cursor.valid() && cursor.key()[0] == kWordKey;
  };
  for (const SegmentView& view : segments) {
    cursors.push_back(view.segment->terms().lower_bound(std::string(1, kWordKey)));
  }
  std::uint64_t terms = 0;
  while (true) {
    std::erase_if(cursors, [&](const auto& cursor) { return !in_words(cursor); });
    if (cursors.empty()) return terms;
    const std::string least =
        std::min_element(cursors.begin(), cursors.end(), [](const auto& a, const auto& b) {
          return a.key() < b.key();
        })->key();
    for (auto& cursor : cursors) {
      if (cursor.key() == least) cursor.next();
    }
    ++terms;
  }
}

}  // namespace

SegmentView write_segment(FileSystem& files, std::string_view bytes, std::uint64_t number) {
  const std::string name = segment_name(number);
  files.write(name, bytes);
  auto file = files.open(name);
  if (file == nullptr) throw Error(PRSE_IO, files.path_of(name) + ": vanished while it was written");
  SegmentView view;
  view.segment = std::make_shared<Segment>(std::move(file), number, files.path_of(name));
  view.liveness = std::make_shared<const Liveness>(view.segment->all_alive());
  return view;
}

bool Snapshot::has_document(std::uint64_t id) const {
  return std::any_of(segments.begin(), segments.end(), [=](const SegmentView& view) {
    const auto doc = view.segment->find(id);
    return doc.has_value() && view.alive(*doc);
  });
}

prse_info Snapshot::info() const {
  prse_info info{};
  std::copy(manifest.uuid.begin(), manifest.uuid.end(), info.uuid);
  info.seq = manifest.seq;
  info.terms = count_terms(segments);
  info.disk_bytes = manifest_bytes.size();
  info.segments = static_cast<std::uint32_t>(segments.size());
  info.format = manifest.format;
  for (const SegmentView& view : segments) {
    info.documents += view.liveness->documents.live();
    info.vectors += view.liveness->vectors.live();
    info.tags += view.liveness->tags.live();
  }
  for (const Manifest::SegmentEntry& entry : manifest.segments) {
    info.disk_bytes += entry.bytes + entry.dead_bytes;
  }
  return info;
}

std::string read_manifest(const FileSystem& files) {
  const auto file = files.open(kManifestName);
  if (file == nullptr) {
    throw Error(PRSE_NOT_FOUND, files.path_of(kManifestName) + ": there is no index in this folder");
  }
  return std::string(file->bytes());
}

std::shared_ptr<const Snapshot> load_snapshot(const FileSystem& files, const Snapshot* before) {
  std::string bytes = read_manifest(files);
  while (true) {
    try {
      return open_snapshot(files, bytes, before);
    } catch (const Error& error) {
      // Perhaps a commit took the files away while they were being opened.
      std::string newer = read_manifest(files);
      if (error.status() != PRSE_CORRUPT || newer == bytes) throw;
      bytes = std::move(newer);
    }
  }
}

}  // namespace prse
