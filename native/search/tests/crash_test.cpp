// Power cuts and failing calls at every point of a history: what was committed is there, what
// was not is not, and nothing is half.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "fault_file_system.h"
#include "index_reader.h"
#include "index_writer.h"
#include "manual_runner.h"

namespace prse {
namespace {

constexpr Uuid kUuid{1, 2, 3};
constexpr int kCommits = 24;  // enough to merge, and to rewrite what is mostly dead

std::unique_ptr<FileSystem> plain(Disk& disk) { return std::make_unique<FaultFileSystem>(disk); }

// By commits, or beside the writer: then they end at once, or one, two or three commits later.
enum class Merges { kByCommits, kBeside };

MergeOptions options_of(Merges merges) {
  if (merges == Merges::kByCommits) return {};
  return merge_beside([delay = 0]() mutable { return delay++ % 4; });
}

// The history's state after so many commits: ids and the round in which each was written.
std::map<std::uint64_t, int> expected_after(int commits) {
  std::map<std::uint64_t, int> documents;
  for (int round = 1; round <= commits; ++round) {
    documents[static_cast<std::uint64_t>(round)] = round;
    documents[1000] = round;
    if (round % 3 == 0) documents.erase(static_cast<std::uint64_t>(round - 1));
  }
  return documents;
}

void do_round(IndexWriter& writer, int round) {
  const std::string word = "round" + std::to_string(round);
  const FieldValue value{"tags", word};
  const float vector[] = {1, static_cast<float>(round)};
  const NearWord near{"near" + std::to_string(round), 0.5F};
  writer.put(static_cast<std::uint64_t>(round), round, std::span(&value, 1));
  writer.put(1000, round, std::span(&value, 1));
  writer.put_vector(1000, "space", vector);
  writer.set_neighbours(word, std::span(&near, 1));
  if (round % 3 == 0) writer.remove(static_cast<std::uint64_t>(round - 1));
  writer.commit(static_cast<std::uint64_t>(round));
}

// The state on the disk must be that after exactly `seq` commits, which it returns.
int verify(Disk& disk) {
  check_index(*plain(disk));
  const IndexReader reader(plain(disk));
  const int commits = static_cast<int>(reader.info().seq);
  const auto expected = expected_after(commits);
  std::vector<std::uint64_t> ids(100);
  ids.resize(reader.documents(0, ids));
  EXPECT_EQ(expected.size(), ids.size());
  std::size_t i = 0;
  for (const auto& [id, round] : expected) EXPECT_EQ(id, ids.at(i++));
  SearchOptions options;
  options.capacity = 10;
  for (int round = 1; round <= kCommits; ++round) {
    std::size_t bearing = 0;
    for (const auto& [id, last] : expected) bearing += last == round ? 1 : 0;
    const std::string number = std::to_string(round);
    EXPECT_EQ(bearing, reader.search("\"round" + number + "\"", options).total) << round;
    EXPECT_EQ(bearing, reader.search("near" + number, options).total) << round;
  }
  EXPECT_EQ(commits > 0 ? 1U : 0U, reader.info().vectors);
  return commits;
}

// Runs the history from wherever the disk is; tells how many commits returned before a fault.
std::optional<int> run(std::unique_ptr<FileSystem> files, Merges merges) {
  int acknowledged = 0;
  try {
    IndexWriter writer(std::move(files), kUuid, Language::kEnglish, options_of(merges));
    acknowledged = static_cast<int>(writer.info().seq);
    while (acknowledged < kCommits) {
      do_round(writer, acknowledged + 1);
      ++acknowledged;
    }
    writer.compact();
  } catch (const PowerCut&) {
    return acknowledged;
  } catch (const Error& error) {
    EXPECT_EQ(PRSE_IO, error.status()) << error.what();
    return acknowledged;
  }
  return std::nullopt;
}

int calls_of_whole_history(Merges merges) {
  Disk disk;
  auto files = std::make_unique<FaultFileSystem>(disk);
  const FaultFileSystem& counted = *files;
  IndexWriter writer(std::move(files), kUuid, Language::kEnglish, options_of(merges));
  for (int round = 1; round <= kCommits; ++round) do_round(writer, round);
  writer.compact();
  return counted.calls();
}

// How many ends of a power cut are looked at: at each call, what was not synced is lost or kept in so
// many ways as make this number.
constexpr int kCrashPoints = 10'000;

class Crash : public testing::TestWithParam<Merges> {};
INSTANTIATE_TEST_SUITE_P(Merged, Crash, testing::Values(Merges::kByCommits, Merges::kBeside),
                         [](const auto& of) {
                           return of.param == Merges::kBeside ? "Beside" : "ByCommits";
                         });

// A power cut at any call leaves the last acknowledged commit, or the one under way, whole; and
// the history can go on from there.
TEST_P(Crash, PowerCutAtEveryCallKeepsWhatWasCommitted) {
  const int calls = calls_of_whole_history(GetParam());
  ASSERT_GT(calls, 150);
  const unsigned ways = static_cast<unsigned>(kCrashPoints / calls + 1);
  int points = 0;
  for (int at = 0; at < calls; ++at) {
    Disk before;
    const auto acknowledged =
        run(std::make_unique<FaultFileSystem>(before, FaultFileSystem::Fault::kPowerCut, at), GetParam());
    for (unsigned seed = 0; seed < ways; ++seed, ++points) {
      SCOPED_TRACE("call " + std::to_string(at) + ", seed " + std::to_string(seed));
      std::mt19937 random(seed);
      Disk disk = before;
      disk.cut_power(random);
      if (!disk.now.contains("prse-manifest")) {
        ASSERT_EQ(0, acknowledged.value_or(-1));  // only before the index was made
        continue;
      }
      const int found = verify(disk);
      const int known = acknowledged.value_or(kCommits);
      ASSERT_TRUE(found == known || found == known + 1) << found << " after " << known;
      if (at % 7 == 0 && seed < 3) {
        ASSERT_EQ(std::nullopt, run(plain(disk), GetParam()));
        ASSERT_EQ(kCommits, verify(disk));
      }
      if (HasFailure()) return;
    }
  }
  EXPECT_GE(points, kCrashPoints);
}

// A call that fails loses nothing: the same writer tries the commit again, and succeeds.
TEST_P(Crash, AfterAnErrorTheSameWriterCanCommitAgain) {
  const int calls = calls_of_whole_history(GetParam());
  for (int at = 4; at < calls; ++at) {  // the first four make the index
    SCOPED_TRACE("call " + std::to_string(at));
    Disk disk;
    IndexWriter writer(std::make_unique<FaultFileSystem>(disk, FaultFileSystem::Fault::kError, at), kUuid,
                       Language::kEnglish, options_of(GetParam()));
    int errors = 0;
    for (int round = 1; round <= kCommits; ++round) {
      try {
        do_round(writer, round);
      } catch (const Error&) {
        ++errors;
        const int found = verify(disk);
        ASSERT_TRUE(found == round - 1 || found == round) << found;
        writer.commit(static_cast<std::uint64_t>(round));
      }
    }
    ASSERT_LE(errors, 1);
    ASSERT_EQ(kCommits, verify(disk));
    if (HasFailure()) return;
  }
}

// Files that no manifest names are gone once the index was opened for writing.
TEST(Orphans, AreSweptAndStrangersKept) {
  Disk disk;
  { IndexWriter writer(plain(disk), kUuid); }
  for (const char* name : {"prse-00000000000000ff.segment", "prse-00000000000000fe.dead",
                           "prse-manifest.new", "notes.txt", "prse-1.segment"}) {
    disk.now[name] = std::make_shared<const std::string>("x");
  }
  { IndexWriter writer(plain(disk), kUuid); }

  EXPECT_EQ((std::vector<std::string>{"notes.txt", "prse-1.segment", "prse-manifest"}),
            plain(disk)->list());
}

}  // namespace
}  // namespace prse
