#include "segment_builder.h"

#include <algorithm>
#include <utility>

#include "bytes.h"

namespace prse {

void SegmentBuilder::set_documents(const std::vector<Document>& documents) {
  documents_ = static_cast<std::uint32_t>(documents.size());
  std::vector<std::uint64_t> column;
  for (const Document& document : documents) column.push_back(document.id);
  sections_[kIds] = encode_document_ids(column);
  column.clear();
  for (const Document& document : documents) {
    column.push_back(static_cast<std::uint64_t>(document.order) ^ (std::uint64_t{1} << 63));
  }
  sections_[kOrders] = encode_column(column);
}

void SegmentBuilder::add_field(std::string_view name, const std::vector<std::uint32_t>& lengths) {
  std::uint64_t words = 0;
  std::uint32_t with_words = 0;
  std::uint32_t longest = 0;
  for (const std::uint32_t length : lengths) {
    words += length;
    with_words += length > 0 ? 1 : 0;
    longest = std::max(longest, length);
  }
  const std::uint8_t width = longest <= UINT8_MAX ? 1 : longest <= UINT16_MAX ? 2 : 4;
  put_text(fields_text_, name);
  put_varint(fields_text_, words);
  put_varint(fields_text_, with_words);
  fields_text_.push_back(static_cast<char>(width));
  for (const std::uint32_t length : lengths) {
    sections_[kLengths].append(reinterpret_cast<const char*>(&length), width);
  }
  lengths_.emplace_back(lengths, with_words == 0 ? 1 : static_cast<double>(words) / with_words);
  ++fields_;
}

void SegmentBuilder::begin_term(std::string_view key) {
  key_ = key;
  postings.begin_term(key.starts_with(kWordKey));
}

void SegmentBuilder::end_term() {
  const std::string value = postings.end_term();
  if (postings.documents() == 0) return;
  if (key_.starts_with(kWordKey)) stems_.add(std::string_view(key_).substr(1), terms_.size());
  terms_.add(key_, value);
}

void SegmentBuilder::set_vectors(const std::map<std::string, VectorSpace>& spaces) {
  VectorSections vectors = encode_vectors(spaces);
  sections_[kSpaces] = std::move(vectors.spaces);
  sections_[kVectors] = std::move(vectors.vectors);
}

void SegmentBuilder::set_neighbours(const std::map<std::string, TagNeighbours>& tags) {
  NeighbourSections neighbours = encode_neighbours(tags);
  sections_[kTags] = std::move(neighbours.tags);
  sections_[kNeighbours] = std::move(neighbours.neighbours);
}

std::string SegmentBuilder::finish(std::uint64_t number) {
  put_varint(sections_[kFields], fields_);
  sections_[kFields].append(fields_text_);
  sections_[kTerms] = terms_.finish();
  sections_[kStems] = stems_.finish();
  sections_[kStored] = stored.finish(documents_);
  sections_[kShapes] = postings.shapes.finish();
  sections_[kPostings] = std::move(postings.postings);
  sections_[kPositions] = std::move(postings.positions);
  for (const SectionId id : {kPostings, kPositions}) sections_[id].append(kReadAhead, '\0');
  sections_[kTables] = std::move(postings.tables.section);
  return encode_segment(sections_, documents_, number);
}

}  // namespace prse
