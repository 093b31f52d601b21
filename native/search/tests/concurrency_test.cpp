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

}  // namespace
}  // namespace prse
