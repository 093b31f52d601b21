// The building blocks of a segment, written and read back.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "checksum.h"
#include "codec.h"
#include "dictionary.h"
#include "postings.h"

namespace prse {
namespace {

// The checksum is CRC-32C: the check value of its catalogue entry.
TEST(Checksum, IsCastagnolis) { EXPECT_EQ(0xE3069283U, crc32c("123456789")); }

// The processor's instruction and the tables agree on every length and content.
TEST(Checksum, IsTheSameOnEveryProcessor) {
  std::mt19937 random(4);
  for (std::size_t length = 0; length < 300; ++length) {
    std::string bytes(length, ' ');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_EQ(crc32c_by_tables(bytes), crc32c(bytes));
  }
  EXPECT_EQ(0xE3069283U, crc32c_by_tables("123456789"));
}

// Every number of every size comes back.
TEST(Varint, RoundTrips) {
  std::string bytes;
  std::vector<std::uint64_t> numbers;
  for (int shift = 0; shift < 64; ++shift) {
    for (const std::uint64_t near : {0ULL, 1ULL}) numbers.push_back((1ULL << shift) - near);
  }
  numbers.push_back(UINT64_MAX);
  for (const std::uint64_t number : numbers) put_varint(bytes, number);
  ByteReader in(bytes, "test");
  for (const std::uint64_t number : numbers) EXPECT_EQ(number, in.varint());
  EXPECT_TRUE(in.at_end());
  EXPECT_THROW(in.varint(), Error);
}

// Ascending numbers of any spread come back from any count, the largest gap included.
TEST(Codec, PackedNumbersRoundTrip) {
  std::mt19937 random(1);
  for (std::size_t count = 0; count < kBlockDocs; ++count) {
    for (const std::uint32_t spread : {1U, 2U, 100U, 1U << 20}) {
      std::set<std::uint32_t> numbers;
      while (numbers.size() < count) {
        numbers.insert(static_cast<std::uint32_t>(random() % (count * spread)));
      }
      std::vector<std::uint32_t> in(numbers.begin(), numbers.end());
      if (spread == 100 && count > 0) in.back() = UINT32_MAX;
      std::string bytes;
      pack_ascending(bytes, -1, in);
      std::vector<std::uint32_t> out(count);
      ByteReader reader(bytes, "test");
      unpack_ascending(reader, -1, out);
      EXPECT_EQ(in, out);
      EXPECT_TRUE(reader.at_end());
      ByteReader skipped(bytes, "test");
      skip_packed(skipped, count);
      EXPECT_TRUE(skipped.at_end());
    }
  }
}

// A dictionary finds every key, no other, and the first one not below any.
TEST(Dictionary, FindsWhatWasAdded) {
  std::mt19937 random(2);
  for (const std::size_t count : {0U, 1U, 15U, 16U, 17U, 500U}) {
    std::map<std::string, std::string> keys;
    while (keys.size() < count) {
      std::string key(random() % 6, ' ');
      for (char& c : key) c = static_cast<char>(random() % 2 == 0 ? 'a' + random() % 3 : random());
      keys[key] = std::to_string(random());
    }
    DictionaryWriter writer;
    for (const auto& [key, value] : keys) writer.add(key, value);
    const std::string section = writer.finish();
    const Dictionary dictionary(section, "test");
    ASSERT_EQ(count, dictionary.size());
    std::uint32_t ordinal = 0;
    for (const auto& [key, value] : keys) {
      const auto found = dictionary.find(key);
      ASSERT_TRUE(found.valid());
      EXPECT_EQ(value, found.value());
      EXPECT_EQ(ordinal, found.ordinal());
      EXPECT_EQ(key, dictionary.at(ordinal++).key());
      const std::string above = key + '\0';
      const auto next = keys.lower_bound(above);
      const auto bound = dictionary.lower_bound(above);
      ASSERT_EQ(next != keys.end(), bound.valid());
      if (bound.valid()) {
        EXPECT_EQ(next->first, bound.key());
      }
      EXPECT_EQ(keys.contains(above), dictionary.find(above).valid());
    }
  }
}

// Lists of many blocks come back by walking and by seeking, with fields and positions, also
// where a document's positions were never asked for.
void round_trip(bool with_bounds) {
  std::mt19937 random(3);
  struct Entry {
    std::uint32_t doc;
    std::map<std::uint32_t, std::vector<std::uint32_t>> fields;
  };
  std::vector<Entry> entries;
  PostingsWriter writer;
  const std::vector<FieldLengths> lengths(5, {std::vector<std::uint32_t>(1 << 16, 10), 10.0});
  if (with_bounds) writer.set_lengths(&lengths);
  writer.begin_term();
  writer.begin_document(9);
  writer.add_field(0, 1, {});
  writer.end_term();
  writer.begin_term();
  std::uint32_t doc = 0;
  for (int i = 0; i < 1000; ++i) {
    doc += 1 + random() % (i % 300 == 0 ? 5000 : 3);
    Entry entry{doc, {}};
    writer.begin_document(doc);
    for (std::uint32_t field = random() % 3; field < 5; field += 1 + random() % 4) {
      std::uint32_t position = 0;
      for (std::uint32_t n = 1 + random() % 3; n > 0; --n) {
        entry.fields[field].push_back(position += 1 + random() % 300);
      }
      const auto& positions = entry.fields[field];
      writer.add_field(field, static_cast<std::uint32_t>(positions.size()), positions);
    }
    entries.push_back(entry);
  }
  const std::string value = writer.end_term();
  const auto open = [&] {
    return PostingsCursor(value, writer.postings, writer.positions, writer.bounds.section, {doc + 1, 5}, "test");
  };
  const auto expect_entry = [](const Entry& entry, PostingsCursor& cursor) {
    ASSERT_EQ(entry.doc, cursor.doc());
    std::vector<std::uint32_t> expected;
    std::size_t i = 0;
    ASSERT_EQ(entry.fields.size(), cursor.fields().size());
    for (const auto& [field, positions] : entry.fields) {
      EXPECT_EQ(field, cursor.fields()[i].field);
      EXPECT_EQ(positions.size(), cursor.fields()[i++].times);
      expected.insert(expected.end(), positions.begin(), positions.end());
    }
    std::vector<std::uint32_t> found;
    cursor.positions(found);
    EXPECT_EQ(expected, found);
  };

  PostingsCursor walked = open();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    ASSERT_TRUE(walked.next());
    if (i % 3 != 0) expect_entry(entries[i], walked);
  }
  EXPECT_FALSE(walked.next());

  for (int round = 0; round < 50; ++round) {
    PostingsCursor sought = open();
    std::uint32_t target = 0;
    while ((target += random() % 400) <= doc) {
      const auto entry = std::find_if(entries.begin(), entries.end(),
                                      [&](const Entry& e) { return e.doc >= target; });
      ASSERT_TRUE(sought.seek(target));
      if (random() % 2 == 0) {
        expect_entry(*entry, sought);
        target = entry->doc + 1;  // positions are read once
      }
    }
    EXPECT_FALSE(sought.seek(doc + 1));
  }
}

TEST(Postings, RoundTripWalkedAndSought) { round_trip(false); }
TEST(Postings, RoundTripByTheTableOfBlocks) { round_trip(true); }

// An impact is never stored too low, and hardly too high.
TEST(Bounds, ImpactsAreRoundedUp) {
  for (double impact = 0.02; impact < 900; impact *= 1.01) {
    const double bound = decode_impact(encode_impact(impact));
    EXPECT_GE(bound, impact);
    EXPECT_LE(bound, impact * 1.001);
  }
  EXPECT_GE(decode_impact(encode_impact(1e-9)), 1e-9);
  EXPECT_GE(decode_impact(encode_impact(1e9)), 1e9);
}

}  // namespace
}  // namespace prse
