#include "segment.h"

#include <algorithm>
#include <utility>

#include "bytes.h"
#include "checksum.h"
#include "format.h"

namespace prse {
namespace {

constexpr const char* kSectionNames[kSectionCount] = {
    "ids",    "orders", "fields",  "lengths", "shapes",     "terms", "postings", "positions",
    "tables", "stems",  "stored",  "spaces",  "vectors",    "tags",  "neighbours",
};

constexpr std::size_t kAlignment = 64;

// A section of this size is verified when the segment is opened, a larger one when it is used.
constexpr std::size_t kSmallSection = 64U << 10;

// magic, u32 format, u32 documents, u64 number, u64 file bytes; then for each section
// u64 offset, u64 bytes, u32 checksum; then the u32 checksum of all this.
constexpr std::size_t kTableBegin = 8 + 4 + 4 + 8 + 8;
constexpr std::size_t kHeadBytes = kTableBegin + kSectionCount * (8 + 8 + 4) + 4;

std::size_t aligned(std::size_t offset) { return (offset + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

std::string encode_segment(const std::array<std::string, kSectionCount>& sections,
                           std::uint32_t documents, std::uint64_t number) {
  std::array<std::size_t, kSectionCount> offsets{};
  std::size_t end = kHeadBytes;
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    offsets[i] = aligned(end);
    end = offsets[i] + sections[i].size();
  }
  std::string out(kSegmentMagic);
  out.reserve(end);
  put_fixed(out, kFormat);
  put_fixed(out, documents);
  put_fixed(out, number);
  put_fixed(out, std::uint64_t{end});
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    put_fixed(out, std::uint64_t{offsets[i]});
    put_fixed(out, std::uint64_t{sections[i].size()});
    put_fixed(out, crc32c(sections[i]));
  }
  put_fixed(out, crc32c(out));
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    out.resize(offsets[i]);
    out.append(sections[i]);
  }
  return out;
}

Segment::Segment(std::shared_ptr<const FileBytes> file, std::uint64_t number, std::string path)
    : file_(std::move(file)), number_(number), path_(std::move(path)) {
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    section_paths_[i] = path_ + ", section " + kSectionNames[i];
  }
  read_sections();
  read_fields();
  const auto where = [&](SectionId id) { return section_paths_[id].c_str(); };
  ids_ = DocumentIds(sections_[kIds], documents_, where(kIds));
  orders_ = PackedColumn(sections_[kOrders], documents_, where(kOrders));
  const auto fields = static_cast<std::uint32_t>(fields_.size());
  shapes_ = Shapes(sections_[kShapes], fields, where(kShapes));
  posting_sections_ = {sections_[kPostings], sections_[kPositions], sections_[kTables], &shapes_,
                       documents_,           fields,                where(kPostings)};
  terms_ = Dictionary(sections_[kTerms], where(kTerms));
  stems_ = Stems(sections_[kStems], where(kStems));
  stored_ = StoredValues(sections_[kStored], documents_, where(kStored));
  spaces_ = decode_vectors(sections_[kSpaces], sections_[kVectors], where(kVectors));
  neighbours_ = StoredNeighbours(sections_[kTags], sections_[kNeighbours], where(kNeighbours));
}

void Segment::read_sections() {
  const std::string_view bytes = file_->bytes();
  ByteReader in(bytes, path_.c_str());
  check_head(in, kSegmentMagic, path_);
  documents_ = in.fixed<std::uint32_t>();
  if (in.fixed<std::uint64_t>() != number_) in.fail("it is another segment");
  if (in.fixed<std::uint64_t>() != bytes.size()) in.fail("it has not the length it should");
  std::array<std::uint64_t, kSectionCount> offsets{};
  std::array<std::uint64_t, kSectionCount> lengths{};
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    offsets[i] = in.fixed<std::uint64_t>();
    lengths[i] = in.fixed<std::uint64_t>();
    checksums_[i] = in.fixed<std::uint32_t>();
  }
  const std::size_t head = in.offset();
  checksum_ = in.fixed<std::uint32_t>();
  if (checksum_ != crc32c(bytes.substr(0, head))) in.fail("the head's checksum is wrong");
  for (std::uint32_t i = 0; i < kSectionCount; ++i) {
    if (offsets[i] > bytes.size() || lengths[i] > bytes.size() - offsets[i]) {
      fail_corrupt(section_paths_[i], "it lies outside");
    }
    sections_[i] = bytes.substr(offsets[i], lengths[i]);
    if (lengths[i] <= kSmallSection || i == kFields || i == kShapes || i == kSpaces) {
      verify_now(static_cast<SectionId>(i));
    }
  }
}

void Segment::verify_now(SectionId id) const {
  if (crc32c(sections_[id]) != checksums_[id]) fail_corrupt(section_paths_[id], "its checksum is wrong");
  verified_[id].store(true, std::memory_order_release);
}

void Segment::read_fields() {
  ByteReader in(sections_[kFields], section_paths_[kFields].c_str());
  ByteReader lengths(sections_[kLengths], section_paths_[kLengths].c_str());
  const std::uint64_t count = in.varint();
  if (count > kMostFields) in.fail("there are too many fields");
  for (std::uint64_t i = 0; i < count; ++i) {
    Field field{};
    field.name = in.text();
    field.words = in.varint();
    field.documents = in.varint32();
    field.width = in.byte();
    if (field.width != 1 && field.width != 2 && field.width != 4) in.fail("a width is impossible");
    field.lengths = lengths.take(std::uint64_t{documents_} * field.width);
    fields_.push_back(field);
  }
}

DocumentKey Segment::key(std::uint32_t doc) const {
  std::uint64_t words = 0;
  for (std::uint32_t field = 0; field < fields_.size(); ++field) words += length(field, doc);
  return {length_class(words), id(doc)};
}

std::vector<Dictionary::Cursor> Segment::forms(std::string_view word, std::string_view stem) const {
  verify(kStems);
  return stems_.forms(stem, word, kWordKey, terms());
}

std::vector<Dictionary::Cursor> Segment::words_of_stem(std::string_view stem) const {
  verify(kStems);
  return stems_.forms(stem, {}, kWordKey, terms());
}

PostingList Segment::postings(std::string_view key, std::string_view value) const {
  verify(kPostings);
  verify(kTables);
  return {value, key.starts_with(kWordKey), posting_sections_};
}

std::uint32_t Segment::vectors() const {
  return spaces_.empty() ? 0 : spaces_.back().first_row + spaces_.back().rows;
}

Liveness Segment::all_alive() const {
  return {LiveSet(documents_), LiveSet(vectors()), LiveSet(neighbours_.tags())};
}

namespace {

void check_postings(PostingsCursor cursor, bool with_positions, const std::string& where) {
  std::uint32_t seen = 0;
  std::int64_t last = -1;
  std::vector<std::uint32_t> positions;
  for (; cursor.next(); ++seen) {
    if (cursor.doc() <= last) fail_corrupt(where, "documents do not ascend");
    last = cursor.doc();
    positions.clear();
    if (with_positions) cursor.positions(positions);
  }
  if (seen != cursor.documents()) fail_corrupt(where, "a list has not the length it should");
}

}  // namespace

void check_segment(const Segment& segment, Language language) {
  segment.verify_documents();
  segment.verify_positions();
  segment.verify_vectors();
  for (std::uint32_t doc = 1; doc < segment.documents(); ++doc) {
    if (segment.key(doc - 1) >= segment.key(doc)) fail_corrupt(segment.path(), "documents are not in order");
  }
  for (const DocumentIds::Run run : segment.ids().runs()) {
    for (std::uint32_t doc = run.begin + 1; doc < run.end; ++doc) {
      if (segment.id(doc - 1) >= segment.id(doc)) fail_corrupt(segment.path(), "ids do not ascend");
    }
  }
  std::string last;
  for (auto term = segment.terms().begin(); term.valid(); term.next()) {
    if (term.key().empty() || term.key() <= last) fail_corrupt(segment.path(), "terms do not ascend");
    last = term.key();
    check_postings(PostingsCursor(segment.postings(term.key(), term.value())), last[0] == kWordKey,
                   segment.path() + ", term " + last);
  }
  for (const StoredSpace& space : segment.spaces()) {
    for (std::uint32_t row = 1; row < space.rows; ++row) {
      if (space.id(row - 1) >= space.id(row)) fail_corrupt(segment.path(), "vectors do not ascend");
    }
  }
  for (const StoredValues::Field& field : segment.stored().fields()) {
    std::uint64_t values = 0;
    for (std::uint32_t doc = 0; doc < segment.documents(); ++doc) field.of(doc, [&](std::uint32_t) { ++values; });
    if (values != field.count()) fail_corrupt(segment.path(), "a stored value lies outside");
  }
  for (auto term = segment.terms().lower_bound(std::string(1, kWordKey));
       language != Language::kNone && term.valid(); term.next()) {
    const std::string_view word = std::string_view(term.key()).substr(1);
    segment.forms(word, stem(word, language));
  }
  std::map<std::string, TagNeighbours> tags;
  segment.neighbours().collect(LiveSet(segment.neighbours().tags()), tags);
}

}  // namespace prse
