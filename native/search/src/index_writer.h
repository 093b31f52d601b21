// The index open for writing. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "background_merge.h"
#include "file_system.h"
#include "manifest.h"
#include "memory_index.h"
#include "merge.h"
#include "snapshot.h"

namespace prse {

// How segments are merged.
struct MergeOptions {
  // A merge that reads no more than this is done by the commit itself: it takes milliseconds. Others
  // run beside the writer, one at a time.
  std::uint64_t inline_bytes = 256U << 10;
  // A tier that has gathered so many segments, because another merge takes long, is merged by the commit.
  std::size_t most_of_tier = 4 * kTierSegments;
  std::unique_ptr<TaskRunner> runner = thread_runner();
};

class IndexWriter {
 public:
  // Makes the index if there is none, and takes away files that no commit names. PRSE_FOREIGN,
  // PRSE_CORRUPT, PRSE_UNSUPPORTED, PRSE_OUTDATED (also where it has another language): it must be
  // destroyed and built again.
  IndexWriter(std::unique_ptr<FileSystem> files, const Uuid& uuid,
              Language language = Language::kEnglish, MergeOptions merges = {});

  void put(std::uint64_t id, std::int64_t order, std::span<const FieldValue> values);
  void remove(std::uint64_t id);
  void set_neighbours(std::string_view tag, std::span<const NearWord> words);
  void put_vector(std::uint64_t id, std::string_view space, std::span<const float> values);
  void commit(std::uint64_t seq);
  void compact();

  // Of the last commit.
  std::uint64_t seq() const { return committed_->manifest.seq; }
  prse_info info() const { return committed_->info(); }

 private:
  // A segment, perhaps not committed yet, with changes to what is alive in it.
  struct Part {
    SegmentView view;
    Manifest::SegmentEntry entry;
    std::shared_ptr<Liveness> changed;  // view.liveness is this, once anything was killed
  };

  void kill_document(std::uint64_t id);
  void kill_vectors(std::uint64_t id, const std::string_view* space);
  void kill_tag(std::string_view key);
  Liveness& change(Part& part);
  void check_dimension(std::string_view space, std::size_t dimension) const;
  void check_fields(std::span<const FieldValue> values);

  void flush();
  void flush_if_large();
  void add_part(SegmentView view);
  void merge(const std::vector<std::size_t>& places);
  std::vector<std::size_t> free_places() const;
  std::uint64_t bytes_of(const std::vector<std::size_t>& places) const;
  std::vector<std::vector<std::size_t>> wanted_merges() const;
  void merge_at_once();
  void merge_beside();
  void take_merged();
  std::vector<SegmentView> views(const std::vector<std::size_t>& places) const;
  void drop_empty_parts();
  void write_dead_files();
  void publish(std::uint64_t seq);
  void sweep();

  Language language() const { return committed_->manifest.language; }

  std::unique_ptr<FileSystem> files_;
  std::uint64_t inline_bytes_;
  std::size_t most_of_tier_;
  std::shared_ptr<const Snapshot> committed_;
  std::vector<Part> parts_;
  MemoryIndex memory_;
  std::set<std::string, std::less<>> field_names_;
  std::uint64_t next_number_ = 1;
  bool changed_ = false;  // since the last commit
  unsigned rest_ = 0;     // so many commits begin no merge beside, since one has failed
  BackgroundMerge merge_;  // the last, so that it ends before what it uses does
};

// Removes everything of an index; the manifest first, so that none is ever found half.
void destroy_index(FileSystem& files);

}  // namespace prse
