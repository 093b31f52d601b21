// Readers in threads while a writer commits: meant for the thread sanitizer too.
#include <gtest/gtest.h>

#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "file_system.h"
#include "index_reader.h"
#include "index_writer.h"

namespace prse {
namespace {

constexpr Uuid kUuid{1, 2, 3};

class Concurrency : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "prse-XXXXXX").string();
    ASSERT_NE(nullptr, mkdtemp(pattern.data()));
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
};

// One reader shared by threads, refreshed meanwhile, and readers opened anew: each search sees
// exactly as many documents as the commit it reads, whatever its number of threads.
TEST_F(Concurrency, EverySearchSeesOneCommit) {
  IndexWriter writer(posix_file_system(folder_), kUuid);
  writer.commit(1);
  IndexReader shared(posix_file_system(folder_));
  std::atomic<bool> done{false};
  const auto total = [](const IndexReader& reader) {
    SearchOptions options;
    options.threads = 3;
    options.capacity = 5;
    options.explain = true;
    return reader.search("cat", options).total;
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      std::uint64_t last = 0;
      while (!done) {
        const std::uint64_t now = total(shared);
        EXPECT_GE(now, last);
        last = now;
        shared.refresh();
      }
    });
  }
  threads.emplace_back([&] {
    while (!done) {
      const IndexReader fresh(posix_file_system(folder_));
      EXPECT_EQ(fresh.info().seq - 1, total(fresh));
    }
  });
  const FieldValue value{"tags", "cat"};
  for (std::uint64_t id = 1; id <= 100; ++id) {
    writer.put(id, 0, std::span(&value, 1));
    writer.put(1, 0, std::span(&value, 1));
    writer.commit(id + 1);
  }
  done = true;
  threads.clear();
  shared.refresh();
  EXPECT_EQ(100U, total(shared));
}

// Searches of every kind while documents change and are removed, and merges run in a thread: each sees
// one commit whole, and what stands at the end is what a fresh index answers.
TEST_F(Concurrency, SearchesGoOnDuringMergesAndDeletes) {
  MergeOptions merges;
  merges.inline_bytes = 0;
  IndexWriter writer(posix_file_system(folder_), kUuid, Language::kEnglish, std::move(merges));
  writer.commit(1);
  IndexReader shared(posix_file_system(folder_));
  std::atomic<bool> done{false};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      const char* const queries[] = {"cat", "beach cat", "beach OR cat", "\"cat beach\"", "bea*", "sea"};
      SearchOptions options;
      options.capacity = 5;
      options.explain = i == 0;
      options.count = i != 1;
      options.threads = i == 2 ? 2 : 1;
      SearchOptions all;
      all.capacity = 1;
      const float direction[] = {1, 2};
      for (unsigned round = 0; !done; ++round) {
        static_cast<void>(shared.search(queries[round % std::size(queries)], options));
        static_cast<void>(shared.nearest("space", direction, 2, 5, round % 2 == 0));
        // All that is put bears it, but for the one document that each commit takes away again.
        const auto state = shared.state();
        const SearchResult found = search(*state, "cat", all);
        EXPECT_EQ(state->statistics.documents, found.total);
        if (round % 4 == 0) shared.refresh();
      }
    });
  }
  for (std::uint64_t seq = 2; seq <= 90; ++seq) {
    const std::string caption = seq % 3 == 0 ? "cat beach" : "a cat on beaches";
    const FieldValue values[] = {{"caption", caption}, {"tags", "beach"}};
    const NearWord near{"sea", 0.5F + static_cast<float>(seq % 5) / 10};
    const float vector[] = {1, static_cast<float>(seq)};
    writer.put(seq % 60 + 1, static_cast<std::int64_t>(seq), values);
    writer.put(1000 + seq, 0, values);
    writer.remove(1000 + seq - 7);
    writer.put_vector(seq % 60 + 1, "space", vector);
    writer.set_neighbours("beach", std::span(&near, 1));
    writer.commit(seq);
  }
  done = true;
  threads.clear();
  shared.refresh();
  check_index(*posix_file_system(folder_));
  EXPECT_EQ(67U, shared.info().documents);
  EXPECT_EQ(60U, shared.info().vectors);
}

}  // namespace
}  // namespace prse
