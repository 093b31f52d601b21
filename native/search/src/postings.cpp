#include "postings.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "block_coding.h"
#include "packed.h"

namespace prse {
namespace {

constexpr unsigned kWidest = 32;
// So many documents, up to this wide and from the lower half of the numbers on, cannot exceed 32 bits.
constexpr unsigned kNoCarry = 23;
static_assert((kBlockDocs << (kNoCarry + 1)) <= (std::size_t{1} << 31));
constexpr std::size_t kLongestHead = 5;
static_assert(kLongestHead <= kReadAhead);

std::string_view without_read_ahead(std::string_view section) {
  return section.substr(0, section.size() - std::min(section.size(), kReadAhead));
}

const std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

}  // namespace

std::uint32_t PostingBlock::find(std::uint32_t doc, std::uint32_t from) const {
  // What is sought is mostly near.
  std::uint32_t step = 1;
  std::uint32_t low = from;
  while (low + step < size && docs[low + step] < doc) {
    low += step;
    step *= 2;
  }
  const auto begin = docs.begin() + low;
  const auto end = docs.begin() + std::min(size, low + step + 1);
  return static_cast<std::uint32_t>(std::lower_bound(begin, end, doc) - docs.begin());
}

void PostingList::fail(const char* what) const { fail_corrupt(sections_->where, what); }

PostingList::PostingList(std::string_view value, bool with_positions, const PostingSections& sections)
    : sections_(&sections) {
  ByteReader in(value, sections.where);
  const std::uint64_t head = in.varint();
  if (head >> 1 >= sections.documents) in.fail("a list has more documents than there are");
  documents_ = static_cast<std::uint32_t>(head >> 1) + 1;
  if ((head & 1) != 0) {
    if (documents_ != 1) in.fail("a term of several documents is alone");
    if (in.left() == 0) in.fail("it ends too early");
    alone_ = in.take(in.left());
    return;
  }
  const std::string_view postings = without_read_ahead(sections.postings);
  const std::uint64_t begin = in.varint();
  if (begin > postings.size()) in.fail("a term's list lies outside");
  list_ = postings.substr(begin);
  if (documents_ <= kBlockDocs) return;
  table_ = BlockTable(sections.tables, in.varint(), blocks_of(documents_), sections.documents, sections.fields,
                      sections.where);
  if (!with_positions) return;
  positions_begin_ = in.varint();
  if (positions_begin_ > sections.positions.size()) in.fail("a term's positions lie outside");
}

void PostingList::read_alone(PostingBlock& out) const {
  ByteReader in(alone_, sections_->where);
  out.size = 1;
  out.codes_wait = false;
  out.documents_wait = false;
  out.docs[0] = in.varint32();
  if (out.docs[0] >= sections_->documents) in.fail("a document lies outside");
  out.codes[0] = out.least_code = kSpeltOut;
  out.code_width = 0;
  out.spelt_out.clear();
  take_shape(in, sections_->fields, out.spelt_out);
  out.begins.assign({0, static_cast<std::uint32_t>(out.spelt_out.size())});
}

void PostingList::read_alone_positions(std::uint64_t count, std::vector<std::uint32_t>& out) const {
  ByteReader in(alone_, sections_->where);
  in.varint();
  std::vector<FieldCount> shape;
  take_shape(in, sections_->fields, shape);
  if (count > in.left()) in.fail("it ends too early");
  out.clear();
  for (std::uint64_t i = 0; i < count; ++i) out.push_back(in.varint32());
}

void PostingList::read_block(std::uint32_t block, PostingBlock& out) const {
  read_documents(block, out);
  read_codes(out);
}

void PostingList::add_to(std::span<std::uint64_t> bits, PostingBlock& block) const {
  for (std::uint32_t number = 0; number < blocks(); ++number) {
    read_documents(number, block);
    for (std::uint32_t i = 0; i < block.size; ++i) {
      bits[block.docs[i] / 64] |= std::uint64_t{1} << (block.docs[i] % 64);
    }
  }
}

PostingList::Head PostingList::read_head(std::uint32_t block) const {
  const bool has_table = table_.blocks() > 0;
  const std::size_t place = has_table ? table_.place(block) : 0;
  if (place > list_.size()) fail("a block lies outside");
  // Of the head a few bytes are read that may be behind the end; they are there.
  const std::string_view bytes(list_.data() + place, list_.size() - place + kLongestHead);
  Head head;
  head.count = std::min<std::uint32_t>(kBlockDocs, documents_ - block * static_cast<std::uint32_t>(kBlockDocs));
  head.before = has_table && block > 0 ? table_.last_doc(block - 1) : UINT32_MAX;
  head.coding = static_cast<std::uint8_t>(bytes[0]);
  const auto codes = static_cast<std::uint8_t>(bytes[1]);
  head.code_width = codes & kCodeWidth;
  head.in_ones = (codes & kInOnes) != 0;
  head.least_code = 1;
  std::size_t at = 2;
  if ((codes & kOtherLeast) != 0) {
    head.least_code = load<std::uint16_t>(bytes.substr(at), 0);
    at += 2;
  }
  if (head.code_width > 16 || codes >= 2 * kOtherLeast || (head.in_ones && head.least_code == kSpeltOut)) {
    fail("codes are in no known way");
  }
  std::size_t doc_bytes = 0;
  std::size_t lower_bytes = 0;
  if (head.coding >= kSetOfBits) {
    doc_bytes = std::size_t{8} * (head.coding - kSetOfBits);
  } else if (head.coding >= kSplit) {
    const unsigned width = head.coding - kSplit;
    if (width >= kWidest) fail("a width is impossible");
    lower_bytes = packed_bytes(head.count, width);
    doc_bytes = has_table ? upper_bytes(head.count, table_.last_doc(block) - head.before, width)
                          : static_cast<std::uint8_t>(bytes[at++]);
    if (doc_bytes > kMostUpperBytes) fail("a block lies outside");
  } else {
    if (head.coding > kWidest) fail("a width is impossible");
    doc_bytes = packed_bytes(head.count, head.coding);
  }
  const std::size_t code_bytes = head.in_ones ? 0 : packed_bytes(head.count, head.code_width);
  if (list_.size() - place < at + doc_bytes + lower_bytes + code_bytes) fail("a block lies outside");
  head.documents = bytes.substr(at, doc_bytes);
  head.lower = bytes.substr(at + doc_bytes, lower_bytes);
  head.codes = list_.substr(place + at + doc_bytes + lower_bytes);
  return head;
}

void PostingList::wait_for_codes(const Head& head, PostingBlock& out) {
  out.size = head.count;
  out.codes_wait = true;
  out.packed_codes = head.codes;
  out.code_width = head.code_width;
  out.codes_in_ones = head.in_ones;
  out.least_code = head.least_code;
  out.documents_wait = false;
}

void PostingList::read_set_or_documents(std::uint32_t block, PostingBlock& out) const {
  const Head head = read_head(block);
  if (head.coding < kSetOfBits) {
    read_documents(block, out);
    return;
  }
  wait_for_codes(head, out);
  out.documents_wait = true;
  out.set = head.documents;
  out.set_begin = block > 0 ? table_.last_doc(block - 1) + 1 : 0;
  // It ends where it should, so that nothing outside can be found in it.
  const std::uint64_t end = out.set.empty() ? 0 : load<std::uint64_t>(out.set, out.set.size() / 8 - 1);
  const std::uint64_t last = std::uint64_t{out.set_begin} + out.set.size() * 8 - 1 -
                             static_cast<std::uint64_t>(std::countl_zero(end));
  if (end == 0 || last != table_.last_doc(block)) fail("a block ends elsewhere than its table says");
  if (last >= sections_->documents) fail("a document lies outside");
}

void PostingList::read_documents_of_set(std::uint32_t block, PostingBlock& out) const {
  if (out.documents_wait) read_documents(block, out);
}

void PostingList::read_only_codes(std::uint32_t block, PostingBlock& out) const {
  if (!alone_.empty()) {
    read_alone(out);
    return;
  }
  wait_for_codes(read_head(block), out);
  read_codes(out);
}

void PostingList::read_documents(std::uint32_t block, PostingBlock& out) const {
  if (!alone_.empty()) {
    read_alone(out);
    return;
  }
  const Head head = read_head(block);
  wait_for_codes(head, out);
  const std::uint32_t before = head.before;
  const std::uint32_t count = head.count;
  const std::uint8_t* packed = bytes_of(head.documents);
  std::uint64_t last = 0;
  if (head.coding >= kSetOfBits) {
    const std::size_t set_bytes = head.documents.size();
    std::size_t bits = 0;
    for (std::size_t i = 0; i < set_bytes; i += 8) {
      bits += static_cast<std::size_t>(__builtin_popcountll(load<std::uint64_t>(head.documents, i / 8)));
    }
    if (bits != count) fail("a set of bits has not the size it should");
    if (std::uint64_t{before + 1} + set_bytes * 8 > UINT32_MAX) fail("a document lies outside");
    kernels().expand_bits(packed, set_bytes, before + 1, out.docs.data());
    last = out.docs[count - 1];
  } else if (head.coding >= kSplit) {
    read_split(head, out);
    last = out.docs[count - 1];
  } else {
    kernels().unpack(packed, head.coding, count, out.docs.data());
    if (head.coding > kNoCarry || before + 1 > UINT32_MAX / 2) {
      last = std::uint64_t{before + 1} + count - 1;
      for (std::uint32_t i = 0; i < count; ++i) last += out.docs[i];
      if (last > UINT32_MAX) fail("a document lies outside");
    }
    kernels().ascend(before, count, out.docs.data());
    last = out.docs[count - 1];
  }
  if (last >= sections_->documents) fail("a document lies outside");
  if (table_.blocks() > 0 && last != table_.last_doc(block)) fail("a block ends elsewhere than its table says");
}

void PostingList::read_split(const Head& head, PostingBlock& out) const {
  // Whole words, with nothing of what follows in the last.
  std::array<std::uint8_t, kMostUpperBytes + 8> upper;
  const std::size_t bytes = (head.documents.size() + 7) / 8 * 8;
  std::memcpy(upper.data(), head.documents.data(), head.documents.size());
  std::memset(upper.data() + head.documents.size(), 0, bytes - head.documents.size());
  const unsigned width = head.coding - kSplit;
  std::array<std::uint32_t, kBlockDocs + kWriteAhead> lower;
  kernels().unpack(bytes_of(head.lower), width, head.count, lower.data());
  std::array<std::uint32_t, kMostUpperBytes * 8 + kWriteAhead> places;
  if (kernels().expand_bits(upper.data(), bytes, 0, places.data()) != head.count) {
    fail("a block has not the size it should");
  }
  if (!kernels().join(head.before + 1, width, head.count, places.data(), lower.data(), out.docs.data())) {
    fail("documents do not ascend");
  }
}

void PostingList::read_ones(PostingBlock& out) const {
  // In each step as many bits are looked at as are needed at least, in whole words; those behind the last
  // that is needed are of something else.
  std::array<std::uint32_t, 1 + 2 * kBlockDocs + 64 + kWriteAhead> places;
  places[0] = UINT32_MAX;
  const std::uint8_t* const bits = bytes_of(out.packed_codes);
  std::size_t bytes = 0;
  for (std::size_t found = 0; found < out.size;) {
    // What is read ahead is not the list's, but is there.
    if (bytes >= out.packed_codes.size()) fail("codes lie outside");
    const std::size_t step = (out.size - found + 63) / 64 * 8;
    found += kernels().expand_bits(bits + bytes, step, static_cast<std::uint32_t>(bytes * 8),
                                   places.data() + 1 + found);
    bytes += step;
  }
  out.behind = out.packed_codes.substr(std::min<std::size_t>(places[out.size] / 8 + 1, out.packed_codes.size()));
  if (kernels().between(out.least_code, out.size, places.data(), out.codes.data()) >> out.code_width != 0) {
    fail("a code is wider than its block's");
  }
  check_codes(out);
}

// Mostly no number of the codes' width is too high.
void PostingList::check_codes(const PostingBlock& out) const {
  if (out.least_code + (1U << out.code_width) - 1 > shapes().count() &&
      *std::max_element(out.codes.begin(), out.codes.begin() + out.size) > shapes().count()) {
    fail("there is no such shape");
  }
}

void PostingList::read_codes(PostingBlock& out) const {
  if (!out.codes_wait) return;
  out.codes_wait = false;
  out.spelt_out.clear();
  if (out.codes_in_ones) {
    read_ones(out);
    return;
  }
  const std::uint32_t count = out.size;
  kernels().unpack(bytes_of(out.packed_codes), out.code_width, count, out.codes.data());
  for (std::uint32_t i = 0; i < count; ++i) out.codes[i] += out.least_code;
  check_codes(out);
  out.behind = out.packed_codes.substr(packed_bytes(count, out.code_width));
  if (out.least_code != kSpeltOut) return;
  ByteReader in(out.behind, sections_->where);
  out.begins.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    out.begins.push_back(static_cast<std::uint32_t>(out.spelt_out.size()));
    if (out.codes[i] == kSpeltOut) take_shape(in, sections_->fields, out.spelt_out);
  }
  out.begins.push_back(static_cast<std::uint32_t>(out.spelt_out.size()));
  out.behind = out.behind.substr(in.offset());
}

void PositionReader::open(const PostingList& list, std::uint32_t number, const PostingBlock& block) {
  const Shapes& shapes = list.shapes();
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i < block.size; ++i) {
    begins_[i] = static_cast<std::uint32_t>(total);
    total += shapes.times(block.codes[i]);  // 0 where it is spelt out
    if (block.least_code != kSpeltOut || block.codes[i] != kSpeltOut) continue;
    for (const FieldCount& field : block.fields(i, shapes)) total += field.times;
  }
  if (total > UINT32_MAX / 2) list.fail("a block has too many positions");
  begins_[block.size] = static_cast<std::uint32_t>(total);
  if (!list.alone_.empty()) {
    list.read_alone_positions(total, numbers_);
    return;
  }
  const bool has_table = list.table_.blocks() > 0;
  const std::string_view section = has_table ? list.sections_->positions : block.behind;
  const std::uint64_t place = has_table ? list.positions_begin_ + list.table_.positions_place(number) : 0;
  const std::uint64_t parts = (total + kPart - 1) / kPart;
  const std::size_t usable = has_table ? without_read_ahead(section).size() : section.size();
  if (place > usable || parts > usable - place) list.fail("positions lie outside");
  std::size_t at = place + parts;
  if (numbers_.size() < total + kWriteAhead) numbers_.resize(total + kWriteAhead);
  for (std::uint64_t i = 0; i < parts; ++i) {
    const Truncated part(static_cast<std::uint8_t>(section[place + i]));
    if (part.width > kWidest) list.fail("a width is impossible");
    const std::size_t count = i + 1 < parts ? kPart : total - i * kPart;
    std::uint32_t* const numbers = numbers_.data() + i * kPart;
    const std::size_t bytes = packed_bytes(count, part.width);
    if (bytes > usable - at) list.fail("positions lie outside");
    const std::uint8_t* const firsts = bytes_of(section) + at;
    at += bytes;
    if (part.shorts == 0) {
      kernels().unpack(firsts, part.width, count, numbers);
      continue;
    }
    // What is read ahead is there, if it is not the list's.
    const std::size_t longer =
        kernels().unpack_truncated(firsts, part.width, part.shorts, firsts + bytes, count, numbers);
    if (packed_bytes(longer, 1) > usable - at) list.fail("positions lie outside");
    at += packed_bytes(longer, 1);
  }
}

void PositionReader::read(std::uint32_t at, std::span<const FieldCount> fields,
                          std::vector<std::uint32_t>& out) const {
  const std::uint32_t* next = numbers(at);
  for (const FieldCount& field : fields) {
    std::uint32_t position = 0;
    for (std::uint32_t i = 0; i < field.times; ++i) out.push_back(position += *next++);
  }
}

bool PostingsCursor::next() {
  if (next_block_ > 0 && at_ + 1 < block_.size) {
    ++at_;
    return true;
  }
  if (next_block_ == list_.blocks()) return false;
  list_.read_block(next_block_++, block_);
  at_ = 0;
  positions_open_ = false;
  return true;
}

bool PostingsCursor::seek(std::uint32_t doc) {
  if (next_block_ > 0 && block_.docs[block_.size - 1] >= doc) {
    at_ = block_.find(doc, at_);
    return true;
  }
  if (list_.table().blocks() > 0) next_block_ = list_.table().find(doc, next_block_);
  do {
    if (next_block_ == list_.blocks()) return false;
    list_.read_block(next_block_++, block_);
    positions_open_ = false;
  } while (block_.docs[block_.size - 1] < doc);
  at_ = block_.find(doc);
  return true;
}

void PostingsCursor::positions(std::vector<std::uint32_t>& out) {
  if (!positions_open_) positions_.open(list_, next_block_ - 1, block_);
  positions_open_ = true;
  positions_.read(at_, fields(), out);
}

}  // namespace prse
