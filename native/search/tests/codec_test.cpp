// The building blocks of a segment, written and read back.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "bit_writer.h"
#include "checksum.h"
#include "dictionary.h"
#include "kernels.h"
#include "packed.h"
#include "postings.h"
#include "truncated.h"

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

// Distances are coded in the number of lower bits that takes the least, whatever they are; of equal ones the fewest.
TEST(Rice, TakesTheLeast) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::uint64_t> distances(random() % 40);
    for (auto& distance : distances) distance = random() >> (11 + random() % 53);
    unsigned expected = 0;
    std::uint64_t least = UINT64_MAX;
    for (unsigned low = 0; low <= 48; ++low) {
      std::uint64_t bits = 0;
      for (const std::uint64_t distance : distances) bits += (distance >> low) + low + 1;
      if (bits < least) {
        least = bits;
        expected = low;
      }
    }
    ASSERT_EQ(expected, best_low(distances));
  }
}

// Every instruction set unpacks, ascends, expands and multiplies as the scalar form does.
TEST(Kernels, AllInstructionSetsAgree) {
  std::mt19937 random(1);
  int compared = 0;
  int ascending = 0;
  int falling = 0;
  for (const Kernels* const* other = all_kernels() + 1; *other != nullptr; ++other) {
    for (unsigned width = 0; width <= 32; ++width) {
      for (std::size_t count = 0; count <= kBlockDocs; ++count) {
        std::vector<std::uint32_t> numbers(count);
        for (auto& number : numbers) number = static_cast<std::uint32_t>(random() & ((std::uint64_t{1} << width) - 1));
        std::string bytes;
        pack(bytes, numbers, width);
        EXPECT_EQ(packed_bytes(count, width), bytes.size());
        bytes.append(kReadAhead, static_cast<char>(random()));
        const auto* in = reinterpret_cast<const std::uint8_t*>(bytes.data());
        std::vector<std::uint32_t> plain(kBlockDocs + kWriteAhead);
        std::vector<std::uint32_t> wide(kBlockDocs + kWriteAhead);
        kScalarKernels.unpack(in, width, count, plain.data());
        (*other)->unpack(in, width, count, wide.data());
        ASSERT_TRUE(std::equal(numbers.begin(), numbers.end(), plain.begin()));
        ASSERT_TRUE(std::equal(numbers.begin(), numbers.end(), wide.begin())) << (*other)->name;
        kScalarKernels.ascend(7, count, plain.data());
        (*other)->ascend(7, count, wide.data());
        const auto size = static_cast<std::ptrdiff_t>(count);
        ASSERT_TRUE(std::equal(plain.begin(), plain.begin() + size, wide.begin())) << (*other)->name;
        // Split numbers, also such as do not ascend.
        for (const bool ascend : {true, false}) {
          std::uint32_t place = 0;
          std::vector<std::uint32_t> places(kBlockDocs + kWriteAhead);
          for (std::size_t i = 0; i < count; ++i) places[i] = place += 1 + (ascend ? static_cast<std::uint32_t>(random() % 3) : 0);
          const std::uint32_t base = width > 20 ? 0xFFFF0000U : 7;
          std::vector<std::uint32_t> lower(numbers);
          lower.resize(kBlockDocs + kWriteAhead);
          const unsigned bits = std::min(width, 31U);
          for (auto& low : lower) low &= (1U << bits) - 1;
          const bool rises = kScalarKernels.join(base, bits, count, places.data(), lower.data(), plain.data());
          ASSERT_EQ(rises, (*other)->join(base, bits, count, places.data(), lower.data(), wide.data())) << (*other)->name;
          ASSERT_TRUE(std::equal(plain.begin(), plain.begin() + size, wide.begin())) << (*other)->name;
          (rises ? ascending : falling) += 1;
          ASSERT_EQ(kScalarKernels.between(base, count, places.data(), plain.data()),
                    (*other)->between(base, count, places.data(), wide.data()));
          ASSERT_TRUE(std::equal(plain.begin(), plain.begin() + size, wide.begin())) << (*other)->name;
        }
        std::vector<std::uint8_t> left(count);
        std::vector<std::uint8_t> right(count);
        for (auto& byte : left) byte = static_cast<std::uint8_t>(random());
        for (auto& byte : right) byte = static_cast<std::uint8_t>(random());
        ASSERT_EQ(kScalarKernels.hamming(left.data(), right.data(), count),
                  (*other)->hamming(left.data(), right.data(), count));
        const auto* a = reinterpret_cast<const std::int8_t*>(left.data());
        const auto* b = reinterpret_cast<const std::int8_t*>(right.data());
        ASSERT_EQ(kScalarKernels.dot(a, b, count), (*other)->dot(a, b, count));
        ++compared;
      }
    }
    for (const std::size_t bytes : {8U, 48U, 64U, 128U, 1024U}) {
      for (std::size_t count = 0; count < 20; ++count) {
        std::vector<std::uint8_t> one(bytes);
        std::vector<std::uint8_t> rows(bytes * count);
        for (auto& byte : one) byte = static_cast<std::uint8_t>(random());
        for (auto& byte : rows) byte = static_cast<std::uint8_t>(random());
        std::vector<std::uint16_t> plain(count);
        std::vector<std::uint16_t> wide(count);
        kScalarKernels.hamming_rows(one.data(), rows.data(), bytes, count, plain.data());
        (*other)->hamming_rows(one.data(), rows.data(), bytes, count, wide.data());
        ASSERT_EQ(plain, wide) << (*other)->name;
      }
    }
    for (int round = 0; round < 500; ++round) {
      std::vector<std::uint8_t> bits(8 * (random() % 4));
      for (auto& byte : bits) byte = static_cast<std::uint8_t>(random() & random());
      std::vector<std::uint32_t> plain(256 + kWriteAhead);
      std::vector<std::uint32_t> wide(256 + kWriteAhead);
      const std::size_t count = kScalarKernels.expand_bits(bits.data(), bits.size(), 9, plain.data());
      ASSERT_EQ(count, (*other)->expand_bits(bits.data(), bits.size(), 9, wide.data()));
      const auto size = static_cast<std::ptrdiff_t>(count);
      ASSERT_TRUE(std::equal(plain.begin(), plain.begin() + size, wide.begin())) << (*other)->name;
    }
  }
  if (compared == 0) GTEST_SKIP() << "this processor has no wider instructions";
  EXPECT_GT(ascending, 0);
  EXPECT_GT(falling, 0);
}

// Numbers in truncated binary come back from every instruction set, whatever the greatest, and take no
// more than in whole bits but for the last byte; most greatest ones leave some numbers shorter.
TEST(Truncated, RoundTripsOnEveryInstructionSet) {
  std::mt19937 random(6);
  int shorter = 0;
  for (int round = 0; round < 4000; ++round) {
    const unsigned bits = random() % 32;
    const std::uint32_t greatest = static_cast<std::uint32_t>(random() & ((std::uint64_t{1} << bits) - 1));
    std::vector<std::uint32_t> numbers(1 + random() % kMostTruncated);
    for (auto& number : numbers) number = random() % 4 == 0 ? greatest : static_cast<std::uint32_t>(random() % (std::uint64_t{greatest} + 1));
    const std::uint8_t code = Truncated::code_below(greatest);
    const Truncated truncated(code);
    std::string bytes;
    pack_truncated(bytes, numbers, code);
    const std::size_t size = bytes.size();
    EXPECT_LE(size, packed_bytes(numbers.size(), static_cast<unsigned>(std::bit_width(greatest))) + 1);
    bytes.append(kReadAhead, static_cast<char>(random()));
    const auto* in = reinterpret_cast<const std::uint8_t*>(bytes.data());
    const std::size_t firsts = packed_bytes(numbers.size(), truncated.width);
    for (const Kernels* const* kernel = all_kernels(); *kernel != nullptr; ++kernel) {
      std::vector<std::uint32_t> found(kMostTruncated + kWriteAhead);
      if (truncated.shorts == 0) {
        (*kernel)->unpack(in, truncated.width, numbers.size(), found.data());
      } else {
        const std::size_t longer = (*kernel)->unpack_truncated(in, truncated.width, truncated.shorts, in + firsts,
                                                               numbers.size(), found.data());
        ASSERT_EQ(size, firsts + packed_bytes(longer, 1)) << (*kernel)->name;
        shorter += longer < numbers.size() ? 1 : 0;
      }
      found.resize(numbers.size());
      ASSERT_EQ(numbers, found) << (*kernel)->name << ", greatest " << greatest;
    }
  }
  EXPECT_GT(shorter, 1000);
  // Three of the four bits of the greatest, 9: six of the ten numbers do with three.
  EXPECT_EQ(6U, Truncated(Truncated::code_below(9)).shorts);
  EXPECT_EQ(3U, Truncated(Truncated::code_below(9)).width);
}

// A table tells the last documents of a segment of any size, and finds blocks by them.
TEST(BlockTable, HoldsDocumentsInAsFewBytesAsTheyNeed) {
  std::size_t before = 0;
  for (const std::uint32_t documents : {1U << 16, (1U << 16) + 1, 1U << 24, (1U << 24) + 1, UINT32_MAX}) {
    BlockTableWriter writer;
    for (std::uint32_t block = 1; block <= 40; ++block) {
      writer.add(0, block);
      writer.end_block(documents / 40 * block - 1, block, block);
    }
    EXPECT_EQ(0U, writer.end_list(documents));
    const BlockTable table(writer.section, 0, 40, documents, 1, "test");
    for (std::uint32_t block = 0; block < 40; ++block) {
      ASSERT_EQ(documents / 40 * (block + 1) - 1, table.last_doc(block));
      ASSERT_EQ(block, table.find(table.last_doc(block)));
      ASSERT_EQ(block + 1, table.find(table.last_doc(block) + 1));
    }
    EXPECT_LE(before, writer.section.size());
    before = writer.section.size();
  }
}

// A column of numbers of any size is read at random.
TEST(Packed, ColumnsRoundTrip) {
  std::mt19937_64 random(5);
  for (const unsigned width : {0U, 1U, 13U, 57U, 64U}) {
    std::vector<std::uint64_t> numbers(300);
    for (auto& number : numbers) number = width == 0 ? 42 : random() >> (64 - width);
    const std::string section = encode_column(numbers);
    const PackedColumn column(section, 300, "test");
    for (std::uint32_t i = 0; i < 300; ++i) ASSERT_EQ(numbers[i], column[i]);
  }
}

// A dictionary finds every key, no other, and the first one not below any.
TEST(Dictionary, FindsWhatWasAdded) {
  std::mt19937 random(2);
  for (const std::size_t count : {0U, 1U, 15U, 16U, 17U, 500U}) {
    std::map<std::string, std::string> keys;
    while (keys.size() < count) {
      std::string key(random() % (count == 17 ? 40 : 6), ' ');
      if (count == 500 && random() % 3 == 0) key.resize(random() % 60, 'b');
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
    // One after the other, whether they ascend or not, near to each other or not.
    KeyFinder finder(dictionary);
    std::vector<std::string> asked;
    for (const auto& [key, _] : keys) asked.insert(asked.end(), {key, key, key + '\0', key.substr(0, 1)});
    asked.insert(asked.end(), {"", "zzz", "\xff\xff\xff", "a"});
    for (std::size_t i = 0; i < asked.size(); i += random() % 30 == 0 ? 20 : 1) {
      const std::string& key = asked[random() % 8 == 0 ? random() % asked.size() : i];
      const auto expected = dictionary.lower_bound(key);
      const Dictionary::Cursor& found = finder.find(key);
      ASSERT_EQ(expected.valid(), found.valid());
      if (!found.valid()) continue;
      EXPECT_EQ(expected.key(), found.key());
      EXPECT_EQ(expected.value(), found.value());
    }
  }
}

// What two lists share is found by every instruction set, whatever their lengths and how they lie to
// each other.
TEST(Kernels, SharedNumbersAreThoseOfAPlainIntersection) {
  std::mt19937 random(11);
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::uint32_t> lists[2];
    const std::uint32_t widest = 1 + random() % (round % 3 == 0 ? 3 : 60);
    for (auto& list : lists) {
      std::uint32_t number = random() % 200;
      for (std::uint32_t left = random() % 140; left > 0; --left) list.push_back(number += 1 + random() % widest);
    }
    std::vector<std::uint32_t> expected;
    for (std::uint32_t i = 0; i < lists[0].size(); ++i) {
      if (std::binary_search(lists[1].begin(), lists[1].end(), lists[0][i])) expected.push_back(i);
    }
    for (const Kernels* const* kernel = all_kernels(); *kernel != nullptr; ++kernel) {
      std::vector<std::uint32_t> places(lists[0].size() + 1);
      places.resize((*kernel)->shared(lists[0].data(), lists[0].size(), lists[1].data(), lists[1].size(),
                                      places.data()));
      ASSERT_EQ(expected, places) << (*kernel)->name << ", round " << round;
    }
  }
}

// Lists of many blocks come back by walking and by seeking, with fields and positions, also
// where a document's positions were never asked for.
struct KindOfList {
  int documents;
  std::uint32_t gap;    // on average half of it
  std::uint32_t times;  // at most, in a field
};

constexpr std::uint32_t kDocuments = 1 << 18;

class Postings : public testing::TestWithParam<KindOfList> {};

// Of one block and of several, dense and sparse, and with so many positions that their places are wide.
INSTANTIATE_TEST_SUITE_P(, Postings,
                         testing::Values(KindOfList{1000, 3, 3}, KindOfList{1000, 200, 3}, KindOfList{1000, 1, 1},
                                         KindOfList{129, 1000, 2}, KindOfList{128, 40, 9}, KindOfList{70, 900, 1},
                                         KindOfList{2, 60'000, 3}, KindOfList{2500, 30, 150}));

TEST_P(Postings, RoundTripWalkedAndSought) {
  const KindOfList kind = GetParam();
  std::mt19937 random(3);
  struct Entry {
    std::uint32_t doc;
    std::map<std::uint32_t, std::vector<std::uint32_t>> fields;
  };
  std::vector<Entry> entries;
  const std::vector<FieldLengths> lengths(5, FieldLengths(std::vector<std::uint32_t>(kDocuments, 10), 10.0));
  PostingsWriter writer(lengths);
  writer.begin_term(true);
  writer.begin_document(9);
  writer.add_field(0, 1, {});
  writer.end_term();
  writer.begin_term(true);
  std::uint32_t doc = 0;
  for (int i = 0; i < kind.documents; ++i) {
    doc += 1 + random() % (i % 300 == 0 ? 5000 : kind.gap);
    Entry entry{doc, {}};
    writer.begin_document(doc);
    for (std::uint32_t field = random() % 3; field < 5; field += 1 + random() % 4) {
      std::uint32_t position = 0;
      for (std::uint32_t n = 1 + random() % kind.times; n > 0; --n) {
        entry.fields[field].push_back(position += 1 + random() % 300);
      }
      const auto& positions = entry.fields[field];
      writer.add_field(field, static_cast<std::uint32_t>(positions.size()), positions);
    }
    entries.push_back(entry);
  }
  const std::string value = writer.end_term();
  const std::string postings = writer.postings + std::string(kReadAhead, 'x');
  const std::string positions = writer.positions + std::string(kReadAhead, 'x');
  const std::string listed = writer.shapes.finish();
  const Shapes shapes(listed, 5, "test");
  const PostingSections sections{postings, positions, writer.tables.section, &shapes, kDocuments, 5, "test"};
  const auto open = [&] { return PostingsCursor(PostingList(value, true, sections)); };
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

}  // namespace
}  // namespace prse
