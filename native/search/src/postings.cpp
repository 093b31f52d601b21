#include "postings.h"

#include <algorithm>

namespace prse {

void PostingsWriter::begin_term() {
  postings_begin_ = postings.size();
  positions_begin_ = positions.size();
  block_positions_begin_ = positions.size();
  documents_ = 0;
  last_doc_ = -1;
}

void PostingsWriter::begin_document(std::uint32_t doc) {
  end_document();
  if (docs_.size() == kBlockDocs) end_block();
  docs_.push_back(doc);
  ++documents_;
}

void PostingsWriter::add_field(std::uint32_t field, std::uint32_t times,
                               std::span<const std::uint32_t> field_positions) {
  fields_.push_back({field, times});
  if (lengths_ != nullptr) {
    const FieldLengths& of_field = (*lengths_)[field];
    bounds.add(field, impact_of(times, of_field.lengths[docs_.back()], of_field.average));
  }
  std::uint32_t last = 0;
  for (const std::uint32_t position : field_positions) {
    put_varint(positions, position - last);
    last = position;
  }
}

void PostingsWriter::end_document() {
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const bool once = fields_[i].times == 1;
    const bool more = i + 1 < fields_.size();
    put_varint(counts_, (fields_[i].field << 2) | (once ? 2U : 0U) | (more ? 1U : 0U));
    if (!once) put_varint(counts_, fields_[i].times);
  }
  fields_.clear();
}

void PostingsWriter::end_block() {
  bounds.end_block(docs_.back(), postings.size() - postings_begin_,
                   block_positions_begin_ - positions_begin_);
  put_varint(postings, static_cast<std::uint64_t>(docs_.back() - last_doc_));
  put_varint(postings, counts_.size());
  put_varint(postings, positions.size() - block_positions_begin_);
  pack_ascending(postings, last_doc_, std::span(docs_).first(docs_.size() - 1));
  postings.append(counts_);
  last_doc_ = docs_.back();
  block_positions_begin_ = positions.size();
  docs_.clear();
  counts_.clear();
}

std::string PostingsWriter::end_term() {
  end_document();
  if (!docs_.empty()) end_block();
  std::string value;
  put_varint(value, documents_);
  put_varint(value, postings_begin_);
  put_varint(value, positions_begin_);
  const std::uint64_t table = bounds.end_list();
  if (table != 0 && lengths_ != nullptr) put_varint(value, table);
  return value;
}

PostingsCursor::PostingsCursor(std::string_view value, std::string_view postings,
                               std::string_view positions, std::string_view bounds,
                               Limits limits, const char* where)
    : all_positions_(positions), limits_(limits), where_(where) {
  ByteReader head(value, where);
  documents_ = head.varint32();
  const std::uint64_t begin = head.varint();
  positions_next_ = head.varint();
  if (begin > postings.size() || positions_next_ > positions.size()) {
    head.fail("a term's list lies outside");
  }
  list_ = postings.substr(begin);
  in_ = ByteReader(list_, where);
  positions_begin_ = positions_next_;
  if (head.at_end()) return;
  const std::uint64_t table = head.varint();
  if (table == 0) head.fail("a table lies nowhere");
  bounds_ = BoundsTable(bounds, table - 1, (documents_ - 1) / kBlockDocs + 1, where);
  for (const char field : bounds_.fields()) {
    if (static_cast<std::uint8_t>(field) >= limits.fields) head.fail("a field lies outside");
  }
}

// Stands before a block as if all before it had been passed over.
void PostingsCursor::jump(std::uint32_t block) {
  const BlockBound at = bounds_.block(block);
  if (at.postings_begin > list_.size() ||
      at.positions_begin > all_positions_.size() - positions_begin_) {
    in_.fail("a block lies outside");
  }
  in_ = ByteReader(list_.substr(at.postings_begin), where_);
  positions_next_ = positions_begin_ + at.positions_begin;
  last_doc_ = block == 0 ? -1 : std::int64_t{bounds_.block(block - 1).last_doc};
  seen_ = block * static_cast<std::uint32_t>(kBlockDocs);
}

bool PostingsCursor::read_block_head() {
  if (seen_ == documents_) return false;
  block_size_ = static_cast<std::uint32_t>(std::min<std::size_t>(kBlockDocs, documents_ - seen_));
  block_last_ = last_doc_ + in_.varint32();
  count_bytes_ = in_.varint();
  position_bytes_ = in_.varint();
  if (block_last_ <= last_doc_) in_.fail("documents do not ascend");
  if (block_last_ >= limits_.documents) in_.fail("a document lies outside");
  if (position_bytes_ > all_positions_.size() - positions_next_) {
    in_.fail("a block's positions lie outside");
  }
  return true;
}

void PostingsCursor::skip_block() {
  skip_packed(in_, block_size_ - 1);
  in_.take(count_bytes_);
  positions_next_ += position_bytes_;
  last_doc_ = block_last_;
  seen_ += block_size_;
}

void PostingsCursor::read_block() {
  unpack_ascending(in_, last_doc_, std::span(docs_).first(block_size_ - 1));
  docs_[block_size_ - 1] = static_cast<std::uint32_t>(block_last_);
  if (block_size_ > 1 && docs_[block_size_ - 2] >= docs_[block_size_ - 1]) {
    in_.fail("documents do not ascend");
  }
  counts_ = ByteReader(in_.take(count_bytes_), where_);
  positions_ = ByteReader(all_positions_.substr(positions_next_, position_bytes_), where_);
  positions_next_ += position_bytes_;
  last_doc_ = block_last_;
  seen_ += block_size_;
  size_ = block_size_;
  at_ = 0;
  counted_ = 0;
  positions_to_skip_ = 0;
  current_positions_ = 0;
}

bool PostingsCursor::next() {
  if (at_ + 1 < size_) {
    ++at_;
    return true;
  }
  if (!read_block_head()) return false;
  read_block();
  return true;
}

bool PostingsCursor::seek(std::uint32_t doc) {
  if (size_ == 0 || docs_[size_ - 1] < doc) {
    if (bounds_.blocks() > 0) {
      const std::uint32_t block = bounds_.find(doc);
      if (block == bounds_.blocks()) return false;
      if (block * kBlockDocs > seen_) jump(block);
    }
    while (true) {
      if (!read_block_head()) return false;
      if (block_last_ >= doc) break;
      skip_block();
    }
    read_block();
  }
  const auto from = docs_.begin() + at_;
  at_ = static_cast<std::uint32_t>(std::lower_bound(from, docs_.begin() + size_, doc) - docs_.begin());
  return true;
}

bool PostingsCursor::seek_anywhere(std::uint32_t doc) {
  const std::uint32_t block = bounds_.find(doc);
  if (block == bounds_.blocks()) return false;
  const std::uint32_t current = size_ == 0 ? bounds_.blocks() : (seen_ - 1) / kBlockDocs;
  if (current != block || docs_[at_] > doc) {
    jump(block);
    if (!read_block_head()) return false;
    read_block();
  }
  const auto from = docs_.begin() + at_;
  at_ = static_cast<std::uint32_t>(std::lower_bound(from, docs_.begin() + size_, doc) - docs_.begin());
  if (at_ == size_) in_.fail("a block ends before the document that its table names");
  return true;
}

void PostingsCursor::read_counts() {
  fields_.clear();
  current_positions_ = 0;
  bool more = true;
  while (more) {
    const std::uint32_t code = counts_.varint32();
    const std::uint32_t times = (code & 2) != 0 ? 1 : counts_.varint32();
    if ((code >> 2) >= limits_.fields) counts_.fail("a field lies outside");
    fields_.push_back({code >> 2, times});
    current_positions_ += times;
    more = (code & 1) != 0;
  }
  ++counted_;
}

void PostingsCursor::skip_counts() {
  for (bool more = true; more;) {
    const std::uint32_t code = counts_.varint32();
    positions_to_skip_ += (code & 2) != 0 ? 1 : counts_.varint32();
    more = (code & 1) != 0;
  }
  ++counted_;
}

std::span<const PostingsCursor::FieldCount> PostingsCursor::fields() {
  if (counted_ <= at_) {
    positions_to_skip_ += current_positions_;
    while (counted_ < at_) skip_counts();
    read_counts();
  }
  return fields_;
}

void PostingsCursor::positions(std::vector<std::uint32_t>& out) {
  fields();
  for (; positions_to_skip_ > 0; --positions_to_skip_) positions_.varint();
  for (const FieldCount& field : fields_) {
    std::uint32_t last = 0;
    for (std::uint32_t i = 0; i < field.times; ++i) {
      last += positions_.varint32();
      out.push_back(last);
    }
  }
  current_positions_ = 0;  // they are read: the next document need not skip them
}

}  // namespace prse
