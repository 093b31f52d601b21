#include <algorithm>
#include <bit>

#include "block_coding.h"
#include "packed.h"
#include "postings.h"

namespace prse {
namespace {

constexpr std::uint32_t kPart = 128;

std::uint32_t width_of(std::span<const std::uint32_t> numbers) {
  std::uint32_t all = 0;
  for (const std::uint32_t number : numbers) all |= number;
  return static_cast<std::uint32_t>(std::bit_width(all));
}

void set_bit(std::string& bits, std::size_t at) {
  bits[at / 8] = static_cast<char>(bits[at / 8] | (1 << (at % 8)));
}

// Appends codes in ones, so many bits in all.
void put_ones(std::string& out, std::span<const std::uint32_t> codes, std::size_t bits) {
  const std::size_t begin = out.size();
  out.resize(begin + (bits + 7) / 8);
  std::size_t at = begin * 8;
  for (const std::uint32_t code : codes) {
    at += code;
    set_bit(out, at++);
  }
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
  if (docs_.size() == kBlockDocs) end_block(true);
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

// The way that takes the fewest bytes; of equal ones a set, which need not be read.
std::uint8_t PostingsWriter::choose_coding(std::uint32_t last, bool has_table) {
  const std::size_t count = docs_.size();
  const std::uint32_t width = width_of(gaps_);
  const std::uint32_t range = last - before_;
  const unsigned split = best_split(count, range);
  const std::size_t upper = upper_bytes(count, range, split);
  const std::size_t split_bytes = upper + packed_bytes(count, split) + (has_table ? 0 : 1);
  const std::size_t least = std::min(packed_bytes(count, width), split_bytes);
  const std::uint32_t words = (range + 63) / 64;
  if (words <= kMostSetWords && words * 8 <= least) return static_cast<std::uint8_t>(kSetOfBits + words);
  if (least < split_bytes || upper > kMostUpperBytes) return static_cast<std::uint8_t>(width);
  return static_cast<std::uint8_t>(kSplit + split);
}

void PostingsWriter::put_documents(std::uint8_t coding, std::uint32_t last, bool has_table) {
  if (coding >= kSetOfBits) {
    set_.assign(std::size_t{8} * (coding - kSetOfBits), '\0');
    for (const std::uint32_t doc : docs_) set_bit(set_, doc - before_ - 1);
    postings.append(set_);
    return;
  }
  if (coding < kSplit) {
    pack(postings, gaps_, coding);
    return;
  }
  const unsigned width = coding - kSplit;
  upper_.assign(upper_bytes(docs_.size(), last - before_, width), '\0');
  for (std::size_t i = 0; i < docs_.size(); ++i) {
    const std::uint32_t number = docs_[i] - before_ - 1;
    set_bit(upper_, (number >> width) + i);
    gaps_[i] = number & ((1U << width) - 1);
  }
  if (!has_table) postings.push_back(static_cast<char>(upper_.size()));
  postings.append(upper_);
  pack(postings, gaps_, width);
}

void PostingsWriter::end_block(bool has_table) {
  const std::uint64_t place = postings.size() - postings_begin_;
  const std::uint64_t positions_place = positions.size() - positions_begin_;
  const std::size_t count = docs_.size();
  gaps_.resize(count);
  std::uint32_t last = before_;
  for (std::size_t i = 0; i < count; ++i) {
    gaps_[i] = docs_[i] - last - 1;
    last = docs_[i];
  }
  const std::uint8_t coding = choose_coding(last, has_table);
  const std::uint32_t least = *std::min_element(codes_.begin(), codes_.end());
  std::size_t ones = count;
  for (std::uint32_t& code : codes_) {
    code -= least;
    ones += code;
  }
  const std::uint32_t code_width = width_of(codes_);
  const bool in_ones = least != kSpeltOut && (ones + 7) / 8 < packed_bytes(count, code_width);

  postings.push_back(static_cast<char>(coding));
  postings.push_back(static_cast<char>(code_width | (in_ones ? kInOnes : 0) | (least != 1 ? kOtherLeast : 0)));
  if (least != 1) put_fixed(postings, static_cast<std::uint16_t>(least));
  put_documents(coding, last, has_table);
  if (in_ones) {
    put_ones(postings, codes_, ones);
  } else {
    pack(postings, codes_, code_width);
  }
  postings.append(spelt_out_);

  const std::span<const std::uint32_t> deltas(deltas_);
  std::string& out = has_table ? positions : postings;
  std::string parts;
  for (std::size_t begin = 0; begin < deltas.size(); begin += kPart) {
    const auto part = deltas.subspan(begin, std::min<std::size_t>(kPart, deltas.size() - begin));
    const std::uint32_t greatest = *std::max_element(part.begin(), part.end());
    if (greatest > INT32_MAX) fail_invalid("a document has more words than can be counted");
    const std::uint8_t code = Truncated::code_below(greatest);
    out.push_back(static_cast<char>(code));
    pack_truncated(parts, part, code);
  }
  out.append(parts);

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
    tables.end_list(1);
    return value;
  }
  if (documents_ == 0) return value;
  end_document();
  end_block(documents_ > kBlockDocs);
  const auto in_segment = static_cast<std::uint32_t>(lengths_.front().lengths.size());
  const std::uint64_t table = tables.end_list(in_segment);
  put_varint(value, std::uint64_t{documents_ - 1} << 1);
  put_varint(value, postings_begin_);
  if (documents_ > kBlockDocs) {
    put_varint(value, table);
    if (with_positions_) put_varint(value, positions_begin_);
  }
  return value;
}

}  // namespace prse
