#include <algorithm>
#include <bit>

#include "packed.h"
#include "postings.h"

namespace prse {
namespace {

constexpr std::uint32_t kPart = 128;
constexpr std::uint8_t kSetOfBits = 128;
constexpr std::uint32_t kMostWords = 127;

std::uint32_t width_of(std::span<const std::uint32_t> numbers) {
  std::uint32_t all = 0;
  for (const std::uint32_t number : numbers) all |= number;
  return static_cast<std::uint32_t>(std::bit_width(all));
}

}  // namespace

FieldLengths::FieldLengths(std::vector<std::uint32_t> lengths_of_all, double average_length)
    : lengths(std::move(lengths_of_all)), average(average_length) {
  for (std::uint32_t length = 0; length < norms.size(); ++length) norms[length] = norm_of(length);
}

double FieldLengths::norm_of(std::uint32_t length) const {
  return 1 / (1 - kLengthShare + kLengthShare * (length / average));
}

void PostingsWriter::begin_term(bool with_positions) {
  with_positions_ = with_positions;
  postings_begin_ = postings.size();
  positions_begin_ = positions.size();
  documents_ = 0;
  before_ = UINT32_MAX;
}

void PostingsWriter::begin_document(std::uint32_t doc) {
  if (documents_ > 0) end_document();
  if (docs_.size() == kBlockDocs) end_block();
  docs_.push_back(doc);
  ++documents_;
}

void PostingsWriter::add_field(std::uint32_t field, std::uint32_t times,
                               std::span<const std::uint32_t> field_positions) {
  shape_.push_back({field, times});
  tables.add(field, times * lengths_[field].norm(docs_.back()));
  std::uint32_t last = 0;
  for (const std::uint32_t position : field_positions) {
    deltas_.push_back(position - last);
    last = position;
  }
}

void PostingsWriter::end_document() {
  codes_.push_back(shapes.code_of(shape_));
  if (codes_.back() == kSpeltOut) put_shape(spelt_out_, shape_);
  shape_.clear();
}

void PostingsWriter::end_block() {
  const std::uint64_t place = postings.size() - postings_begin_;
  const std::uint64_t positions_place = positions.size() - positions_begin_;
  const std::size_t count = docs_.size();
  gaps_.resize(count);
  std::uint32_t last = before_;
  for (std::size_t i = 0; i < count; ++i) {
    gaps_[i] = docs_[i] - last - 1;
    last = docs_[i];
  }
  const std::uint32_t width = width_of(gaps_);
  const std::uint32_t words = (last - before_ + 63) / 64;
  const bool as_set = words <= kMostWords && words * 8 < packed_bytes(count, width);
  const std::uint32_t least = *std::min_element(codes_.begin(), codes_.end());
  for (std::uint32_t& code : codes_) code -= least;
  const std::uint32_t code_width = width_of(codes_);

  postings.push_back(static_cast<char>(as_set ? kSetOfBits + words : width));
  postings.push_back(static_cast<char>(code_width));
  put_fixed(postings, static_cast<std::uint16_t>(least));
  if (as_set) {
    set_.assign(std::size_t{words} * 8, '\0');
    for (const std::uint32_t doc : docs_) {
      const std::uint32_t bit = doc - before_ - 1;
      set_[bit / 8] = static_cast<char>(set_[bit / 8] | (1 << (bit % 8)));
    }
    postings.append(set_);
  } else {
    pack(postings, gaps_, width);
  }
  pack(postings, codes_, code_width);
  postings.append(spelt_out_);

  const std::span<const std::uint32_t> deltas(deltas_);
  std::string parts;
  for (std::size_t begin = 0; begin < deltas.size(); begin += kPart) {
    const auto part = deltas.subspan(begin, std::min<std::size_t>(kPart, deltas.size() - begin));
    positions.push_back(static_cast<char>(width_of(part)));
    pack(parts, part, width_of(part));
  }
  positions.append(parts);

  tables.end_block(last, place, positions_place);
  before_ = last;
  docs_.clear();
  codes_.clear();
  deltas_.clear();
  spelt_out_.clear();
}

std::string PostingsWriter::value_of_one() const {
  std::string value;
  put_varint(value, 1);
  put_varint(value, docs_.front());
  put_shape(value, shape_);
  for (const std::uint32_t delta : deltas_) put_varint(value, delta);
  return value;
}

std::string PostingsWriter::end_term() {
  std::string value;
  if (documents_ == 1) {
    value = value_of_one();
    shape_.clear();
    docs_.clear();
    deltas_.clear();
    tables.end_block(0, 0, 0);
    tables.end_list();
    return value;
  }
  if (documents_ == 0) return value;
  end_document();
  end_block();
  const std::uint64_t table = tables.end_list();
  put_varint(value, std::uint64_t{documents_ - 1} << 1);
  put_varint(value, postings_begin_);
  if (with_positions_) put_varint(value, positions_begin_);
  if (documents_ > kBlockDocs) put_varint(value, table);
  return value;
}

}  // namespace prse
