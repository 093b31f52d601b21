// Bits that flipped on the disk: an error, or the right answer; never a crash, never a wrong one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>

#include "checksum.h"
#include "fault_file_system.h"
#include "format.h"
#include "index_reader.h"
#include "index_writer.h"

namespace prse {
namespace {

constexpr Uuid kUuid{1, 2, 3};

void fill(Disk& disk) {
  IndexWriter writer(std::make_unique<FaultFileSystem>(disk), kUuid);
  for (std::uint64_t id = 1; id <= 20; ++id) {
    const std::string caption = "hot dog number" + std::to_string(id);
    const std::string name = std::to_string(id * 7 % 20) + ".jpg";
    const FieldValue values[] = {
        {"caption", caption}, {"tags", "cat"}, {"tags", "grass"}, {"filename", name}};
    const float vector[] = {1, 2, static_cast<float>(id)};
    writer.put(id, 0, values);
    writer.put_vector(id, "space", vector);
  }
  const NearWord near[] = {{"meadow", 0.5F}, {"lawn", 0.25F}};
  writer.set_neighbours("grass", near);
  writer.commit(1);
  writer.remove(7);
  writer.commit(2);
}

// Everything that a reader can be asked, as a text.
std::string answers(Disk& disk) {
  const IndexReader reader(std::make_unique<FaultFileSystem>(disk));
  std::string out = std::to_string(reader.info().seq) + "," + std::to_string(reader.info().terms);
  SearchOptions options;
  options.capacity = 50;
  options.explain = true;
  for (const char* query : {"cat", "\"hot dog\"", "meadow", "num", "number3 cat", "zebra lawn"}) {
    const SearchResult result = reader.search(query, options);
    out += ";" + std::to_string(result.total);
    for (const FoundHit& hit : result.hits) {
      out += " " + std::to_string(hit.id) + ":" + std::to_string(hit.score);
      for (const Explanation& why : hit.explanations) out += "/" + why.field + "=" + why.word;
    }
  }
  const std::string_view facets[] = {"tags", "folder", "year"};
  options.facets = facets;
  options.facet_limit = 10;
  options.sort = PRSE_BY_NAME;
  const SearchResult counted = reader.search("cats", options);
  for (const FoundHit& hit : counted.hits) out += " " + std::to_string(hit.id);
  for (const FacetCount& facet : counted.facets) out += "," + facet.value + "=" + std::to_string(facet.count);
  for (const RankedHit& hit : reader.similar("space", 1, 50)) {
    out += " " + std::to_string(hit.id) + ":" + std::to_string(hit.score);
  }
  return out;
}

std::string flipped(const std::string& bytes, std::size_t byte, int bit) {
  std::string out = bytes;
  out[byte] = static_cast<char>(out[byte] ^ (1 << bit));
  return out;
}

bool is_damage(const Error& error) {
  return error.status() == PRSE_CORRUPT || error.status() == PRSE_UNSUPPORTED ||
         error.status() == PRSE_OUTDATED;
}

// Any one bit of any file: refused as damaged, or answered as if nothing were.
TEST(Damage, EveryFlippedBitIsRefusedOrHarmless) {
  Disk disk;
  fill(disk);
  const std::string right = answers(disk);
  int refused = 0;
  const auto files = disk.now;
  ASSERT_EQ(3U, files.size());
  for (const auto& [name, bytes] : files) {
    for (std::size_t byte = 0; byte < bytes->size(); ++byte) {
      for (int bit = 0; bit < 8; ++bit) {
        disk.now[name] = std::make_shared<const std::string>(flipped(*bytes, byte, bit));
        try {
          EXPECT_EQ(right, answers(disk)) << name << " byte " << byte;
        } catch (const Error& error) {
          EXPECT_TRUE(is_damage(error)) << error.what();
          ++refused;
        }
      }
    }
    disk.now[name] = bytes;
  }
  EXPECT_GT(refused, 8000);
}

// A file cut short anywhere is refused.
TEST(Damage, EveryShortenedFileIsRefused) {
  Disk disk;
  fill(disk);
  const auto files = disk.now;
  for (const auto& [name, bytes] : files) {
    for (std::size_t length = 0; length < bytes->size(); ++length) {
      disk.now[name] = std::make_shared<const std::string>(bytes->substr(0, length));
      try {
        answers(disk);
        ADD_FAILURE() << name << " cut to " << length;
      } catch (const Error& error) {
        EXPECT_TRUE(is_damage(error)) << error.what();
      }
    }
    disk.now[name] = bytes;
  }
}

// Mends all checksums of a segment, so that what lies behind them has to stand on its own.
std::string with_right_checksums(std::string segment, std::uint32_t& head) {
  constexpr std::size_t kTable = 32;
  const auto put = [&](std::size_t at, std::uint32_t value) {
    segment.replace(at, 4, reinterpret_cast<const char*>(&value), 4);
  };
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    const std::string_view entry = std::string_view(segment).substr(kTable + i * 20, 16);
    const auto offset = load<std::uint64_t>(entry, 0);
    const auto length = load<std::uint64_t>(entry, 1);
    if (offset > segment.size() || length > segment.size() - offset) continue;
    put(kTable + i * 20 + 16, crc32c(std::string_view(segment).substr(offset, length)));
  }
  constexpr std::size_t kHead = kTable + kSectionCount * 20;
  head = crc32c(std::string_view(segment).substr(0, kHead));
  put(kHead, head);
  return segment;
}

// Wrong bytes behind right checksums: any answer or error will do, but no crash and no read
// outside (which the sanitizers would see).
TEST(Damage, WrongBytesBehindRightChecksumsNeverCrash) {
  Disk disk;
  fill(disk);
  const auto files = disk.now;
  Manifest manifest = decode_manifest(*files.at(kManifestName), kManifestName);
  const std::string name = segment_name(manifest.segments.at(0).number);
  const std::string& bytes = *files.at(name);
  int refused = 0;
  for (std::size_t byte = 32; byte < bytes.size(); ++byte) {
    for (const int bit : {0, 4, 7}) {
      std::uint32_t head = 0;
      const std::string wrong = with_right_checksums(flipped(bytes, byte, bit), head);
      disk.now[name] = std::make_shared<const std::string>(wrong);
      manifest.segments.at(0).checksum = head;
      disk.now[kManifestName] = std::make_shared<const std::string>(encode_manifest(manifest));
      try {
        answers(disk);
        check_index(FaultFileSystem(disk));
      } catch (const Error&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 500);
}

void fill_with_long_lists(Disk& disk) {
  IndexWriter writer(std::make_unique<FaultFileSystem>(disk), kUuid);
  for (std::uint64_t id = 1; id <= 2500; ++id) {
    std::string caption = "common ";
    if (id % 3 == 0) caption += "common often";
    if (id % 4 == 0) caption += " oftens";
    if (id % 7 == 0) caption += " rare";
    const FieldValue values[] = {{"caption", caption}, {"tags", id % 2 == 0 ? "often" : "other"}};
    writer.put(id, 0, values);
  }
  writer.commit(1);
}

// The same for long lists and the tables over them, by searches that leave out what they can.
TEST(Damage, WrongBytesInTablesOfLongListsNeverCrash) {
  Disk disk;
  fill_with_long_lists(disk);
  const auto files = disk.now;
  Manifest manifest = decode_manifest(*files.at(kManifestName), kManifestName);
  const std::string name = segment_name(manifest.segments.at(0).number);
  const std::string& bytes = *files.at(name);
  constexpr std::size_t kTable = 32;
  const auto section = [&](std::size_t id) {
    const std::string_view entry = std::string_view(bytes).substr(kTable + id * 20, 16);
    return std::pair(load<std::uint64_t>(entry, 0), load<std::uint64_t>(entry, 1));
  };
  std::mt19937 random(9);
  int answered = 0;
  for (int round = 0; round < 1500; ++round) {
    const auto [begin, length] = section(round % 3 == 0 ? kPostings : kTables);
    ASSERT_GT(length, 0U);
    const std::size_t byte = begin + random() % length;
    std::uint32_t head = 0;
    disk.now[name] = std::make_shared<const std::string>(
        with_right_checksums(flipped(bytes, byte, static_cast<int>(random() % 8)), head));
    manifest.segments.at(0).checksum = head;
    disk.now[kManifestName] = std::make_shared<const std::string>(encode_manifest(manifest));
    for (const char* query : {"common", "rare often", "common often rare", "common OR rare", "\"common often\"", "o"}) {
      SearchOptions options;
      options.capacity = 10;
      options.count = false;
      try {
        const IndexReader reader(std::make_unique<FaultFileSystem>(disk));
        reader.search(query, options);
        ++answered;
      } catch (const Error& error) {
        EXPECT_EQ(PRSE_CORRUPT, error.status()) << error.what();
      }
    }
  }
  EXPECT_GT(answered, 1000);
}

// How many damaged segments are looked at; PICTURERAIL_FUZZ_ROUNDS asks for more.
int fuzz_rounds() {
  const char* wanted = std::getenv("PICTURERAIL_FUZZ_ROUNDS");
  return wanted == nullptr ? 1200 : std::atoi(wanted);
}

// Damages several places between `begin` and the end: single bits, bytes copied from elsewhere, runs of
// one byte, and parts that are moved.
void damage(std::string& bytes, std::size_t begin, std::mt19937& random) {
  const auto place = [&] { return begin + random() % (bytes.size() - begin); };
  for (std::uint32_t left = 1 + random() % 6; left > 0; --left) {
    const std::size_t to = place();
    const std::size_t length = std::min<std::size_t>(1 + random() % 40, bytes.size() - to);
    switch (random() % 4) {
      case 0: bytes[to] = static_cast<char>(bytes[to] ^ (1 << random() % 8)); break;
      case 1: std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(to), length, random() % 2 == 0 ? '\0' : '\xFF'); break;
      case 2: {
        const std::string copied = bytes.substr(place(), length);
        bytes.replace(to, copied.size(), copied.substr(0, std::min(copied.size(), bytes.size() - to)));
        break;
      }
      default: {
        const std::size_t half = length / 2;
        std::rotate(bytes.begin() + static_cast<std::ptrdiff_t>(to), bytes.begin() + static_cast<std::ptrdiff_t>(to + half),
                    bytes.begin() + static_cast<std::ptrdiff_t>(to + length));
      }
    }
  }
}

// Many wrong bytes behind right checksums, and sections that end too early: searching, checking and
// merging refuse them or go through, and read nothing that is not theirs (which the address sanitizer
// sees).
TEST(Damage, ManyWrongBytesNeverCrash) {
  constexpr std::size_t kTable = 32;
  constexpr std::size_t kHead = kTable + kSectionCount * 20 + 4;
  for (const bool large : {false, true}) {
    Disk disk;
    if (large) {
      fill_with_long_lists(disk);
    } else {
      fill(disk);
    }
    const auto files = disk.now;
    const Manifest original = decode_manifest(*files.at(kManifestName), kManifestName);
    const std::string name = segment_name(original.segments.at(0).number);
    std::mt19937 random(large ? 21 : 22);
    int refused = 0;
    const int rounds = large ? fuzz_rounds() / 4 : fuzz_rounds();
    for (int round = 0; round < rounds; ++round) {
      SCOPED_TRACE("round " + std::to_string(round));
      std::string bytes = *files.at(name);
      damage(bytes, kHead, random);
      if (round % 3 == 0) {
        // A section that is said to be shorter than it is.
        const std::size_t entry = kTable + random() % kSectionCount * 20 + 8;
        const auto length = load<std::uint64_t>(std::string_view(bytes).substr(entry, 8), 0);
        std::string shorter;
        put_fixed(shorter, length - (length == 0 ? 0 : 1 + random() % length));
        bytes.replace(entry, 8, shorter);
      }
      Manifest manifest = original;
      bytes = with_right_checksums(std::move(bytes), manifest.segments.at(0).checksum);
      disk.now = files;
      disk.now[name] = std::make_shared<const std::string>(std::move(bytes));
      disk.now[kManifestName] = std::make_shared<const std::string>(encode_manifest(manifest));
      const auto attempt = [&](const auto& task) {
        try {
          task();
        } catch (const Error& error) {
          // Or something else is not there any more, or not as it was.
          EXPECT_TRUE(is_damage(error) || error.status() == PRSE_NOT_FOUND ||
                      error.status() == PRSE_INVALID)
              << error.what();
          ++refused;
        }
      };
      attempt([&] { answers(disk); });
      for (const char* query : {"common", "rare often", "common OR rare OR often", "\"common often\"", "o"}) {
        attempt([&] {
          SearchOptions options;
          options.capacity = 10;
          options.count = false;
          IndexReader(std::make_unique<FaultFileSystem>(disk)).search(query, options);
        });
      }
      attempt([&] { check_index(FaultFileSystem(disk)); });
      attempt([&] {
        IndexWriter writer(std::make_unique<FaultFileSystem>(disk), kUuid);
        writer.remove(3);
        writer.commit(9);
        writer.compact();
      });
    }
    EXPECT_GT(refused, rounds / 4);
  }
}

}  // namespace
}  // namespace prse
