#include "index_reader.h"

#include <algorithm>
#include <set>
#include <utility>

#include "format.h"

namespace prse {

IndexReader::IndexReader(std::unique_ptr<FileSystem> files) : files_(std::move(files)) {
  state_ = std::make_shared<const SearchState>(load_snapshot(*files_, nullptr));
}

std::shared_ptr<const SearchState> IndexReader::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

bool IndexReader::refresh() {
  const auto before = state();
  if (read_manifest(*files_) == before->snapshot->manifest_bytes) return false;
  auto after =
      std::make_shared<const SearchState>(load_snapshot(*files_, before->snapshot.get()));
  // Another thread may have come to a newer one meanwhile, which stays.
  const auto age = [](const SearchState& state) {
    const Manifest& manifest = state.snapshot->manifest;
    return std::pair(manifest.seq, manifest.next_number);
  };
  const std::lock_guard lock(mutex_);
  if (age(*state_) < age(*after)) state_ = std::move(after);
  return true;
}

SearchResult IndexReader::search(std::string_view query, const SearchOptions& options) const {
  return prse::search(*state(), query, options);
}

std::vector<std::vector<RankedHit>> IndexReader::nearest(std::string_view space,
                                                         std::span<const float> values,
                                                         std::size_t dimension, std::size_t capacity,
                                                         bool exact) const {
  return find_nearest(*state()->snapshot, space, values, dimension, capacity, exact);
}

std::vector<RankedHit> IndexReader::similar(std::string_view space, std::uint64_t id,
                                            std::size_t capacity) const {
  return find_similar(*state()->snapshot, space, id, capacity);
}

std::size_t IndexReader::documents(std::uint64_t after, std::span<std::uint64_t> ids) const {
  const auto now = state();
  const auto& segments = now->snapshot->segments;
  // The runs of all segments, each at its next living document; the least id on top.
  struct Next {
    std::uint64_t id;
    std::uint32_t doc;
    std::uint32_t end;
    const SegmentView* view;
    bool operator<(const Next& other) const { return id > other.id; }
  };
  std::vector<Next> heap;
  const auto push = [&](Next next) {
    while (next.doc < next.end && !next.view->alive(next.doc)) ++next.doc;
    if (next.doc == next.end) return;
    next.id = next.view->segment->id(next.doc);
    heap.push_back(next);
    std::push_heap(heap.begin(), heap.end());
  };
  for (const SegmentView& view : segments) {
    const DocumentIds& all = view.segment->ids();
    for (const DocumentIds::Run run : all.runs()) push({0, all.first_above(run, after), run.end, &view});
  }
  std::size_t count = 0;
  while (count < ids.size() && !heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    Next next = heap.back();
    heap.pop_back();
    ids[count++] = next.id;
    ++next.doc;
    push(next);
  }
  return count;
}

void check_index(const FileSystem& files) {
  const auto snapshot = load_snapshot(files, nullptr);
  std::set<std::uint64_t> ids;
  std::set<std::pair<std::string, std::uint64_t>> vectors;
  std::map<std::string, TagNeighbours> tags;
  std::size_t living_tags = 0;
  for (const SegmentView& view : snapshot->segments) {
    const Segment& segment = *view.segment;
    check_segment(segment, snapshot->manifest.language);
    for (std::uint32_t doc = 0; doc < segment.documents(); ++doc) {
      if (view.alive(doc) && !ids.insert(segment.id(doc)).second) {
        fail_corrupt(segment.path(), "document " + std::to_string(segment.id(doc)) +
                                         " is alive in another segment too");
      }
    }
    for (const StoredSpace& space : segment.spaces()) {
      for (std::uint32_t row = 0; row < space.rows; ++row) {
        if (view.liveness->vectors.alive(space.first_row + row) &&
            !vectors.emplace(space.name, space.id(row)).second) {
          fail_corrupt(segment.path(), "the vector of document " + std::to_string(space.id(row)) +
                                           " is alive in another segment too");
        }
      }
    }
    segment.neighbours().collect(view.liveness->tags, tags);
    living_tags += view.liveness->tags.live();
    if (tags.size() != living_tags) {
      fail_corrupt(segment.path(), "a tag is alive in another segment too");
    }
  }
}

}  // namespace prse
