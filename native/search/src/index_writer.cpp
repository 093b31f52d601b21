#include "index_writer.h"

#include <algorithm>
#include <utility>

#include "analyser.h"
#include "bytes.h"
#include "format.h"
#include "merge.h"

namespace prse {
namespace {

// The memory index is written to a segment when it takes this much.
constexpr std::size_t kFlushBytes = 128U << 20;
constexpr std::size_t kMostValues = 1U << 16;
// So many commits pass before a merge that could not be written is tried again.
constexpr unsigned kRestAfterFailure = 64;

std::string named(std::string_view name) { return '"' + std::string(name) + '"'; }

}  // namespace

IndexWriter::IndexWriter(std::unique_ptr<FileSystem> files, const Uuid& uuid, Language language,
                         MergeOptions merges)
    : files_(std::move(files)),
      inline_bytes_(merges.inline_bytes),
      most_of_tier_(merges.most_of_tier),
      merge_(std::move(merges.runner)) {
  files_->make_folder();
  if (files_->open(kManifestName) == nullptr) {
    Manifest manifest;
    manifest.uuid = uuid;
    manifest.language = language;
    publish_manifest(*files_, manifest);
  }
  committed_ = load_snapshot(*files_, nullptr);
  if (committed_->manifest.uuid != uuid) {
    throw Error(PRSE_FOREIGN, files_->path_of(kManifestName) +
                                  ": the index follows another database; build it again");
  }
  if (committed_->manifest.language != language) {
    throw Error(PRSE_OUTDATED, files_->path_of(kManifestName) + ": the index is for the language " +
                                   named(name_of(committed_->manifest.language)) + ", not " +
                                   named(name_of(language)) + "; build it again");
  }
  next_number_ = committed_->manifest.next_number;
  for (std::size_t i = 0; i < committed_->segments.size(); ++i) {
    parts_.push_back({committed_->segments[i], committed_->manifest.segments[i], nullptr});
    for (const Segment::Field& field : parts_.back().view.segment->fields()) {
      field_names_.emplace(field.name);
    }
  }
  sweep();
}

// --- changes ---------------------------------------------------------------------------------

Liveness& IndexWriter::change(Part& part) {
  // Readers of the committed state keep the old version.
  if (part.changed == nullptr) {
    part.changed = std::make_shared<Liveness>(*part.view.liveness);
    part.view.liveness = part.changed;
  }
  changed_ = true;
  return *part.changed;
}

void IndexWriter::kill_document(std::uint64_t id) {
  memory_.remove(id);
  for (Part& part : parts_) {
    const auto doc = part.view.segment->find(id);
    if (doc.has_value() && part.view.alive(*doc)) change(part).documents.kill(*doc);
  }
}

void IndexWriter::kill_vectors(std::uint64_t id, const std::string_view* space) {
  for (Part& part : parts_) {
    for (const StoredSpace& stored : part.view.segment->spaces()) {
      if (space != nullptr && stored.name != *space) continue;
      const auto row = stored.find(id);
      if (!row.has_value()) continue;
      const std::uint32_t number = stored.first_row + *row;
      if (part.view.liveness->vectors.alive(number)) change(part).vectors.kill(number);
    }
  }
}

void IndexWriter::kill_tag(std::string_view key) {
  for (Part& part : parts_) {
    const StoredNeighbours& neighbours = part.view.segment->neighbours();
    const std::uint32_t tag = neighbours.find_tag(key);
    if (tag < neighbours.tags() && part.view.liveness->tags.alive(tag)) change(part).tags.kill(tag);
  }
}

void IndexWriter::check_fields(std::span<const FieldValue> values) {
  if (values.size() > kMostValues) {
    fail_invalid("a document has " + std::to_string(values.size()) + " values; at most " +
                 std::to_string(kMostValues) + " are possible");
  }
  std::size_t bytes = 0;
  std::set<std::string_view> added;
  for (const FieldValue& value : values) {
    if (value.name.empty()) fail_invalid("a field has no name");
    bytes += value.value.size();
    if (!field_names_.contains(value.name)) added.insert(value.name);
  }
  if (bytes > kLongestText) {
    fail_invalid("a document of " + std::to_string(bytes) + " bytes is longer than the " +
                 std::to_string(kLongestText) + " that can be searched");
  }
  if (field_names_.size() + added.size() > kMostFields) {
    fail_invalid("field " + named(*added.begin()) + " would be one too many: an index has at most " +
                 std::to_string(kMostFields) + " field names");
  }
  field_names_.insert(added.begin(), added.end());
}

void IndexWriter::put(std::uint64_t id, std::int64_t order, std::span<const FieldValue> values) {
  if (id == 0) fail_invalid("a document's id must not be 0");
  check_fields(values);
  kill_document(id);
  changed_ = true;
  memory_.put(id, order, values);
  flush_if_large();
}

void IndexWriter::remove(std::uint64_t id) {
  kill_document(id);
  kill_vectors(id, nullptr);
  memory_.remove_vectors(id);
}

void IndexWriter::set_neighbours(std::string_view tag, std::span<const NearWord> words) {
  for (const NearWord& near : words) {
    if (!(near.similarity > 0 && near.similarity <= 1)) {
      fail_invalid("tag " + named(tag) + ": the similarity of " + named(near.word) + " is " +
                   std::to_string(near.similarity) + "; it must be above 0 and at most 1");
    }
  }
  const std::string key = fold_words(tag);
  if (key.empty()) return;  // no document can bear it
  std::map<std::string, float> folded;  // of words that fold alike, the nearest
  for (const NearWord& near : words) {
    std::string word = fold_words(near.word);
    if (word.empty()) continue;
    float& similarity = folded[std::move(word)];
    similarity = std::max(similarity, near.similarity);
  }
  kill_tag(key);
  memory_.remove_neighbours(key);
  changed_ = true;
  if (folded.empty()) return;
  TagNeighbours neighbours{std::string(tag), {}};
  for (const auto& [word, similarity] : folded) neighbours.words.push_back({word, similarity});
  memory_.put_neighbours(key, std::move(neighbours));
  flush_if_large();
}

void IndexWriter::check_dimension(std::string_view space, std::size_t dimension) const {
  std::size_t known = memory_.dimension(space);
  for (const Part& part : parts_) {
    for (const StoredSpace& stored : part.view.segment->spaces()) {
      if (stored.name != space) continue;
      for (std::uint32_t row = 0; known == 0 && row < stored.rows; ++row) {
        if (part.view.liveness->vectors.alive(stored.first_row + row)) known = stored.dimension;
      }
    }
  }
  if (known != 0 && known != dimension) {
    fail_invalid("space " + named(space) + " has " + std::to_string(known) +
                 " dimensions, not " + std::to_string(dimension));
  }
}

void IndexWriter::put_vector(std::uint64_t id, std::string_view space,
                             std::span<const float> values) {
  if (id == 0) fail_invalid("a document's id must not be 0");
  if (values.empty()) {
    kill_vectors(id, &space);
    memory_.remove_vector(id, space);
    changed_ = true;
    return;
  }
  check_dimension(space, values.size());
  StoredVector vector = quantise(values);
  kill_vectors(id, &space);
  changed_ = true;
  memory_.put_vector(id, space, std::move(vector));
  flush_if_large();
}

// --- segments --------------------------------------------------------------------------------

void IndexWriter::add_part(SegmentView view) {
  Part& part = parts_.emplace_back();
  part.entry.number = view.segment->number();
  part.entry.checksum = view.segment->checksum();
  part.entry.bytes = view.segment->file_bytes();
  part.view = std::move(view);
}

void IndexWriter::flush() {
  if (memory_.empty()) {
    memory_ = MemoryIndex();  // what was put and removed again
    return;
  }
  const std::uint64_t number = next_number_++;
  add_part(write_segment(*files_, memory_.build(number, language()), number));
  memory_ = MemoryIndex();
}

void IndexWriter::flush_if_large() {
  if (memory_.bytes() > kFlushBytes) flush();
}

// --- merges ----------------------------------------------------------------------------------

std::vector<SegmentView> IndexWriter::views(const std::vector<std::size_t>& places) const {
  std::vector<SegmentView> out;
  for (const std::size_t place : places) out.push_back(parts_[place].view);
  return out;
}

// Of the segments that are not being merged.
std::vector<std::size_t> IndexWriter::free_places() const {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (!merge_.merges(parts_[i].entry.number)) places.push_back(i);
  }
  return places;
}

std::uint64_t IndexWriter::bytes_of(const std::vector<std::size_t>& places) const {
  std::uint64_t bytes = 0;
  for (const std::size_t place : places) bytes += parts_[place].entry.bytes;
  return bytes;
}

std::vector<std::vector<std::size_t>> IndexWriter::wanted_merges() const {
  const std::vector<std::size_t> places = free_places();
  auto merges = choose_merges(views(places));
  for (auto& merge : merges) {
    for (std::size_t& place : merge) place = places[place];
  }
  return merges;
}

void IndexWriter::merge(const std::vector<std::size_t>& places) {
  const std::uint64_t number = next_number_++;
  SegmentView merged = write_segment(*files_, merge_segments(views(places), number, language()), number);
  for (auto place = places.rbegin(); place != places.rend(); ++place) {
    parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(*place));
  }
  add_part(std::move(merged));
}

// Those that are small, and those that cannot wait any longer.
void IndexWriter::merge_at_once() {
  while (true) {
    const auto wanted = wanted_merges();
    const auto now = std::find_if(wanted.begin(), wanted.end(), [this](const auto& places) {
      return bytes_of(places) <= inline_bytes_ || places.size() >= most_of_tier_;
    });
    if (now == wanted.end()) return;
    merge(*now);
  }
}

// Everything is committed: nothing changes any more what is alive in the inputs as the merge sees them.
void IndexWriter::merge_beside() {
  if (merge_.is_under_way()) return;
  if (rest_ > 0) {
    --rest_;
    return;
  }
  const auto wanted = wanted_merges();
  if (wanted.empty()) return;
  merge_.begin(*files_, views(wanted.front()), next_number_++, language());
}

// Puts what was merged beside the writer in place of its inputs. What has died in them since is dead.
void IndexWriter::take_merged() {
  if (!merge_.has_ended()) return;
  auto merged = merge_.take();
  if (!merged.has_value()) {
    rest_ = kRestAfterFailure;
    return;
  }
  const Segment& segment = *merged->view.segment;
  auto liveness = std::make_shared<Liveness>(*merged->view.liveness);
  bool died = false;
  for (const SegmentView& input : merged->inputs) {
    const auto part = std::find_if(parts_.begin(), parts_.end(), [&](const Part& one) {
      return one.entry.number == input.segment->number();
    });
    Liveness now = *input.liveness;
    if (part != parts_.end()) {
      now = *part->view.liveness;
    } else {
      now.kill_all();  // it was dropped, since all has died
    }
    died |= carry_deaths(*input.segment, *input.liveness, now, segment, *liveness);
    if (part != parts_.end()) parts_.erase(part);
  }
  add_part(std::move(merged->view));
  if (!died) return;
  parts_.back().changed = std::move(liveness);
  parts_.back().view.liveness = parts_.back().changed;
}

void IndexWriter::drop_empty_parts() {
  std::erase_if(parts_, [](const Part& part) {
    const Liveness& liveness = *part.view.liveness;
    return liveness.documents.live() + liveness.vectors.live() + liveness.tags.live() == 0;
  });
}

// --- commit ----------------------------------------------------------------------------------

void IndexWriter::write_dead_files() {
  for (Part& part : parts_) {
    if (part.changed == nullptr) continue;
    const std::uint64_t number = next_number_++;
    const std::string bytes = encode_dead(*part.changed, part.entry.number);
    files_->write(dead_name(number), bytes);
    part.entry.dead_number = number;
    part.entry.dead_checksum = load<std::uint32_t>(std::string_view(bytes).substr(bytes.size() - 4), 0);
    part.entry.dead_bytes = bytes.size();
    part.changed = nullptr;
  }
}

void IndexWriter::publish(std::uint64_t seq) {
  write_dead_files();
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->manifest.format = kFormat;
  snapshot->manifest.uuid = committed_->manifest.uuid;
  snapshot->manifest.language = language();
  snapshot->manifest.seq = seq;
  snapshot->manifest.next_number = next_number_;
  for (const Part& part : parts_) snapshot->manifest.segments.push_back(part.entry);
  snapshot->manifest_bytes = encode_manifest(snapshot->manifest);
  for (const Part& part : parts_) snapshot->segments.push_back(part.view);
  publish_manifest(*files_, snapshot->manifest);
  committed_ = std::move(snapshot);
  changed_ = false;
  sweep();
}

void IndexWriter::commit(std::uint64_t seq) {
  const std::uint64_t reached = committed_->manifest.seq;
  if (seq < reached) {
    fail_invalid("transaction " + std::to_string(seq) + " lies before " + std::to_string(reached) +
                 ", which the index has reached");
  }
  if (!changed_ && seq == reached && !merge_.has_ended()) return;
  take_merged();
  flush();
  drop_empty_parts();
  merge_at_once();
  publish(seq);
  merge_beside();
}

void IndexWriter::compact() {
  if (changed_) fail_invalid("commit before compacting: there are changes that are not committed");
  merge_.abandon();
  const bool all_alive = std::all_of(parts_.begin(), parts_.end(), [](const Part& part) {
    return part.view.liveness->all_alive();
  });
  if (parts_.size() <= 1 && all_alive) return;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < parts_.size(); ++i) places.push_back(i);
  merge(places);
  drop_empty_parts();
  publish(committed_->manifest.seq);
}

void IndexWriter::sweep() {
  // What stays behind is in nobody's way, and is taken away next time.
  try {
    for (const std::string& name : files_->list()) {
      if (is_own_file(name) && !committed_->manifest.names(name) && !merge_.writes(name)) files_->remove(name);
    }
  } catch (const Error&) {
    return;
  }
}

void destroy_index(FileSystem& files) {
  const std::vector<std::string> names = files.list();
  files.remove(kManifestName);
  if (std::any_of(names.begin(), names.end(), is_own_file)) files.sync_folder();
  for (const std::string& name : names) {
    if (is_own_file(name)) files.remove(name);
  }
}

}  // namespace prse
