// Merges beside the writer: whenever they end, the index answers as one that was written at once.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fault_file_system.h"
#include "index_reader.h"
#include "index_writer.h"
#include "manual_runner.h"

namespace prse {
namespace {

constexpr Uuid kUuid{1, 2, 3};
const std::vector<std::string> kWords = {"cat", "cats", "dog", "hot", "beach", "beaches", "sun", "red"};

std::unique_ptr<FileSystem> plain(Disk& disk) { return std::make_unique<FaultFileSystem>(disk); }

// What a history comes to.
struct State {
  struct Document {
    std::int64_t order;
    std::vector<std::pair<std::string, std::string>> fields;
  };
  std::map<std::uint64_t, Document> documents;
  std::map<std::uint64_t, std::vector<float>> vectors;
  std::map<std::string, std::vector<NearWord>> tags;
};

void put(IndexWriter& writer, std::uint64_t id, const State::Document& document) {
  std::vector<FieldValue> values;
  for (const auto& [name, value] : document.fields) values.push_back({name, value});
  writer.put(id, document.order, values);
}

// One random change, done to the writer and to the state.
void change(std::mt19937& random, IndexWriter& writer, State& state) {
  const std::uint64_t id = 1 + random() % 80;
  const auto word = [&] { return kWords[random() % kWords.size()]; };
  switch (random() % 8) {
    case 0:
      writer.remove(id);
      state.documents.erase(id);
      state.vectors.erase(id);
      break;
    case 1: {
      const std::vector<float> vector = {1, static_cast<float>(random() % 100), 3};
      writer.put_vector(id, "space", vector);
      state.vectors[id] = vector;
      break;
    }
    case 2: {
      const std::string tag = word();
      std::vector<NearWord> near;
      if (random() % 4 != 0) near.push_back({"near" + word(), 0.25F * static_cast<float>(1 + random() % 4)});
      writer.set_neighbours(tag, near);
      if (near.empty()) {
        state.tags.erase(tag);
      } else {
        state.tags[tag] = near;
      }
      break;
    }
    default: {
      State::Document document{static_cast<std::int64_t>(random() % 50), {}};
      std::string caption;
      for (unsigned left = random() % 9; left > 0; --left) caption += word() + " ";
      document.fields = {{"caption", caption}, {"tags", word()}};
      put(writer, id, document);
      state.documents[id] = document;
    }
  }
}

void expect_same(const IndexReader& one, const IndexReader& other, const std::string& query) {
  SearchOptions options;
  options.capacity = 1000;
  const SearchResult a = one.search(query, options);
  const SearchResult b = other.search(query, options);
  ASSERT_EQ(a.total, b.total) << query;
  ASSERT_EQ(a.relaxed, b.relaxed) << query;
  ASSERT_EQ(a.hits.size(), b.hits.size()) << query;
  for (std::size_t i = 0; i < a.hits.size(); ++i) {
    ASSERT_EQ(a.hits[i].id, b.hits[i].id) << query << ", hit " << i;
    ASSERT_EQ(a.hits[i].score, b.hits[i].score) << query << ", hit " << i;
  }
}

void expect_fresh(Disk& disk, const State& state) {
  check_index(*plain(disk));
  const IndexReader reader(plain(disk));
  Disk fresh;
  IndexWriter writer(plain(fresh), kUuid);
  for (const auto& [id, document] : state.documents) put(writer, id, document);
  for (const auto& [id, vector] : state.vectors) writer.put_vector(id, "space", vector);
  for (const auto& [tag, near] : state.tags) writer.set_neighbours(tag, near);
  writer.commit(1);
  const IndexReader once(plain(fresh));
  ASSERT_EQ(once.info().documents, reader.info().documents);
  ASSERT_EQ(once.info().vectors, reader.info().vectors);
  ASSERT_EQ(once.info().tags, reader.info().tags);
  for (const std::string& word : kWords) {
    expect_same(once, reader, word);
    expect_same(once, reader, "near" + word);
    expect_same(once, reader, word + " sun");
    expect_same(once, reader, '"' + word + " hot\"");
  }
  const float direction[] = {1, 2, 3};
  const auto near = [&](const IndexReader& of) {
    std::vector<std::pair<std::uint64_t, float>> found;
    const auto hits = of.nearest("space", direction, 3, 100, true);
    for (const RankedHit& hit : hits[0]) found.emplace_back(hit.id, hit.score);
    return found;
  };
  ASSERT_EQ(near(once), near(reader));
}

// Documents, vectors and tags that change while a merge of them is under way are changed in what it
// comes to, however many commits it takes.
TEST(Merge, WheneverItEndsTheIndexEqualsAFreshOne) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Disk disk;
    State state;
    std::mt19937 delays(seed);
    int merges = 0;
    const auto delay = [&] {
      ++merges;
      return static_cast<int>(delays() % 12);
    };
    auto writer = std::make_unique<IndexWriter>(plain(disk), kUuid, Language::kEnglish, merge_beside(delay));
    for (std::uint64_t seq = 1; seq <= 120; ++seq) {
      for (unsigned left = 1 + random() % 4; left > 0; --left) change(random, *writer, state);
      writer->commit(seq);
      if (seq % 5 == 0) expect_fresh(disk, state);
      if (HasFatalFailure()) return;
      if (random() % 40 == 0) {  // whatever is being merged is abandoned
        writer = nullptr;
        ASSERT_EQ(IndexReader(plain(disk)).info().segments + 1U,
                  static_cast<unsigned>(std::count_if(disk.now.begin(), disk.now.end(), [](const auto& file) {
                    return !file.first.ends_with(".dead");
                  })));
        writer = std::make_unique<IndexWriter>(plain(disk), kUuid, Language::kEnglish, merge_beside(delay));
      }
      if (random() % 60 == 0) writer->compact();
    }
    EXPECT_GT(merges, 5);
    EXPECT_LT(writer->info().segments, 40U);
  }
}

// What was removed while it was being merged is in no file once the index was compacted.
TEST(Merge, CompactingLeavesNothingOfWhatWasRemovedMeanwhile) {
  Disk disk;
  IndexWriter writer(plain(disk), kUuid, Language::kEnglish, merge_beside([] { return 0; }));
  for (std::uint64_t id = 1; id <= kTierSegments; ++id) {
    const FieldValue value{"caption", id == 3 ? "secretword" : "beach"};
    writer.put(id, 0, std::span(&value, 1));
    writer.commit(id);
  }
  writer.remove(3);
  writer.commit(kTierSegments + 1);  // takes the merge, in which it was alive
  writer.compact();
  for (const auto& [name, bytes] : disk.now) EXPECT_EQ(std::string::npos, bytes->find("secretword")) << name;
}

// Where a merge cannot be written, the commits go on, and it is left for later.
TEST(Merge, ADiskThatIsFullForItStopsNoCommit) {
  struct FullForLarge : FaultFileSystem {
    using FaultFileSystem::FaultFileSystem;
    void write(const std::string& name, std::string_view bytes) override {
      if (bytes.size() > 6000) throw Error(PRSE_IO, "disk: no space left");
      FaultFileSystem::write(name, bytes);
    }
  };
  Disk disk;
  int begun = 0;
  const auto delay = [&] {
    ++begun;
    return 0;
  };
  IndexWriter writer(std::make_unique<FullForLarge>(disk), kUuid, Language::kEnglish, merge_beside(delay));
  std::mt19937 random(1);
  for (std::uint64_t id = 1; id <= 30; ++id) {
    std::string text;
    for (int i = 0; i < 100; ++i) text += " w" + std::to_string(random());
    const FieldValue value{"caption", text};
    writer.put(id, 0, std::span(&value, 1));
    writer.commit(id);
  }
  EXPECT_EQ(1, begun);
  EXPECT_EQ(30U, writer.info().documents);
  EXPECT_EQ(30U, writer.info().segments);
  check_index(*plain(disk));
}

// A merge in a thread is taken by a commit, also by one of nothing new.
TEST(Merge, TheThreadsWorkIsTaken) {
  Disk disk;
  MergeOptions options;
  options.inline_bytes = 0;
  auto runner = thread_runner();
  TaskRunner& thread = *runner;
  options.runner = std::move(runner);
  IndexWriter writer(plain(disk), kUuid, Language::kEnglish, std::move(options));
  const FieldValue value{"caption", "beach"};
  for (std::uint64_t id = 1; id <= kTierSegments; ++id) {
    writer.put(id, 0, std::span(&value, 1));
    writer.commit(id);
  }
  thread.wait();
  writer.commit(kTierSegments);
  EXPECT_EQ(1U, writer.info().segments);
  EXPECT_EQ(kTierSegments, writer.info().documents);
}

}  // namespace
}  // namespace prse
