#include "manifest.h"

#include <algorithm>

#include "bytes.h"
#include "checksum.h"
#include "format.h"

namespace prse {

bool Manifest::names(std::string_view file) const {
  return file == kManifestName ||
         std::any_of(segments.begin(), segments.end(), [&](const SegmentEntry& entry) {
           return file == segment_name(entry.number) ||
                  (entry.dead_number != 0 && file == dead_name(entry.dead_number));
         });
}

std::string encode_manifest(const Manifest& manifest) {
  std::string out(kManifestMagic);
  put_fixed(out, kFormat);
  out.append(reinterpret_cast<const char*>(manifest.uuid.data()), manifest.uuid.size());
  out.push_back(static_cast<char>(manifest.language));
  put_fixed(out, manifest.seq);
  put_fixed(out, manifest.next_number);
  put_fixed(out, static_cast<std::uint32_t>(manifest.segments.size()));
  for (const Manifest::SegmentEntry& entry : manifest.segments) {
    put_fixed(out, entry.number);
    put_fixed(out, entry.checksum);
    put_fixed(out, entry.bytes);
    put_fixed(out, entry.dead_number);
    put_fixed(out, entry.dead_checksum);
    put_fixed(out, entry.dead_bytes);
  }
  put_fixed(out, crc32c(out));
  return out;
}

Manifest decode_manifest(std::string_view bytes, const std::string& path) {
  ByteReader in = open_checked(bytes, kManifestMagic, path);
  Manifest manifest;
  manifest.format = load<std::uint32_t>(bytes.substr(kManifestMagic.size()), 0);
  const std::string_view uuid = in.take(manifest.uuid.size());
  std::copy(uuid.begin(), uuid.end(), manifest.uuid.begin());
  const std::uint8_t language = in.byte();
  if (language > static_cast<std::uint8_t>(Language::kGerman)) in.fail("its language is unknown");
  manifest.language = static_cast<Language>(language);
  manifest.seq = in.fixed<std::uint64_t>();
  manifest.next_number = in.fixed<std::uint64_t>();
  for (auto left = in.fixed<std::uint32_t>(); left > 0; --left) {
    Manifest::SegmentEntry entry;
    entry.number = in.fixed<std::uint64_t>();
    entry.checksum = in.fixed<std::uint32_t>();
    entry.bytes = in.fixed<std::uint64_t>();
    entry.dead_number = in.fixed<std::uint64_t>();
    entry.dead_checksum = in.fixed<std::uint32_t>();
    entry.dead_bytes = in.fixed<std::uint64_t>();
    manifest.segments.push_back(entry);
  }
  if (!in.at_end()) in.fail("there is more than there should be");
  return manifest;
}

void publish_manifest(FileSystem& files, const Manifest& manifest) {
  files.sync_folder();  // the names of the new files, before anything names them
  files.write(kNewManifestName, encode_manifest(manifest));
  files.rename(kNewManifestName, kManifestName);
  files.sync_folder();
}

}  // namespace prse
