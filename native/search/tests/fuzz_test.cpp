// Queries that nobody would write: whatever the bytes, an answer or a refusal that names the character,
// never a crash; and where it is well formed, strict mode answers as the other does.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "fault_file_system.h"
#include "index_reader.h"
#include "index_writer.h"

namespace prse {
namespace {

constexpr int kQueries = 20'000;

std::string mutated(std::mt19937& random, std::string text, const std::string& other) {
  for (unsigned left = 1 + random() % 4; left > 0; --left) {
    const std::size_t at = random() % (text.size() + 1);
    switch (random() % 5) {
      case 0: text.insert(at, 1, static_cast<char>(random())); break;
      case 1: text.erase(at, 1 + random() % 3); break;
      case 2: text.insert(at, other, random() % other.size(), 1 + random() % 6); break;
      case 3: text.insert(at, 1, "\"()-*:. "[random() % 8]); break;
      default:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << random() % 8));
    }
  }
  return text;
}

TEST(Fuzz, EveryStringIsAnsweredOrRefused) {
  Disk disk;
  IndexWriter writer(std::make_unique<FaultFileSystem>(disk), Uuid{1});
  for (std::uint64_t id = 1; id <= 300; ++id) {
    const FieldValue values[] = {{"caption", "hot dogs on the beach"}, {"tags", id % 2 == 0 ? "cat" : "北京"}};
    writer.put(id, static_cast<std::int64_t>(id) * 86'400, values);
  }
  writer.commit(1);
  const IndexReader reader(std::make_unique<FaultFileSystem>(disk));
  std::vector<std::string> pool = {
      "hot dog",           "\"hot dogs\" -cat",    "(cat OR hot) beach", "tag:cat 1970..1970-06",
      "beahc",             "date:1970-02 dog*",    "tag:(cat OR 北京)",  "-\"on the\" caption:beach",
      "running the beach", "((((cat OR 京) hot)))", "OR OR -- ..",        "1970.. ..1971 x:y",
  };
  std::mt19937 random(11);
  int refused = 0;
  for (int round = 0; round < kQueries; ++round) {
    std::string query = mutated(random, pool[random() % pool.size()], pool[random() % pool.size()]);
    SearchOptions options;
    options.capacity = 3;
    options.explain = round % 2 == 0;
    options.count = round % 3 == 0;
    const SearchResult loose = reader.search(query, options);
    options.strict = true;
    try {
      const SearchResult strict = reader.search(query, options);
      ASSERT_EQ(loose.hits.size(), strict.hits.size()) << query;
      ASSERT_EQ(loose.total, strict.total) << query;
    } catch (const Error& error) {
      ++refused;
      ASSERT_EQ(PRSE_INVALID, error.status()) << query;
      ASSERT_NE(std::string::npos, std::string(error.what()).find("character")) << query;
    }
    if (query.size() < 60 && !query.empty()) pool[random() % pool.size()] = std::move(query);
  }
  EXPECT_GT(refused, kQueries / 100);
}

}  // namespace
}  // namespace prse
