#include "dictionary.h"

#include <algorithm>
#include <cassert>

namespace prse {
namespace {

constexpr std::uint32_t kBlockKeys = 16;

// The first bytes of a key as a number that compares as they do.
std::uint64_t head_of(std::string_view key) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, key.data(), std::min(key.size(), sizeof bytes));
  return __builtin_bswap64(bytes);
}

constexpr std::uint64_t kLongLength = 15;

void put_lengths(std::string& out, std::size_t shared, std::size_t rest) {
  out.push_back(static_cast<char>(std::min(shared, kLongLength) | std::min(rest, kLongLength) << 4));
  for (const std::size_t length : {shared, rest}) {
    if (length >= kLongLength) put_varint(out, length - kLongLength);
  }
}

struct Lengths {
  std::uint64_t shared;
  std::uint64_t rest;
};

Lengths take_lengths(ByteReader& in) {
  const std::uint8_t both = in.byte();
  Lengths lengths{both & kLongLength, std::uint64_t{both} >> 4};
  for (std::uint64_t* length : {&lengths.shared, &lengths.rest}) {
    if (*length < kLongLength) continue;
    const std::uint64_t more = in.varint();
    if (more > UINT32_MAX) in.fail("a key is too long");
    *length += more;
  }
  return lengths;
}

}  // namespace

void DictionaryWriter::add(std::string_view key, std::string_view value) {
  assert(count_ == 0 || std::string_view(last_key_) < key);
  std::size_t shared = 0;
  if (count_ % kBlockKeys == 0) {
    if (out_.size() > UINT32_MAX) fail_invalid("a segment's dictionary exceeds 4 GiB");
    blocks_.push_back(static_cast<std::uint32_t>(out_.size()));
    heads_.push_back(head_of(key));
  } else {
    const auto parted = std::mismatch(key.begin(), key.end(), last_key_.begin(), last_key_.end());
    shared = static_cast<std::size_t>(parted.first - key.begin());
  }
  put_lengths(out_, shared, key.size() - shared);
  out_.append(key.substr(shared));
  put_text(out_, value);
  last_key_ = key;
  ++count_;
}

std::string DictionaryWriter::finish() {
  for (const std::uint64_t head : heads_) put_fixed(out_, head);
  for (const std::uint32_t place : blocks_) put_fixed(out_, place);
  put_fixed(out_, static_cast<std::uint32_t>(blocks_.size()));
  put_fixed(out_, count_);
  return std::move(out_);
}

Dictionary::Dictionary(std::string_view section, const char* where) : where_(where) {
  if (section.size() < 8) fail_corrupt(where, "it is too short");
  const std::string_view counts = section.substr(section.size() - 8);
  block_count_ = load<std::uint32_t>(counts, 0);
  count_ = load<std::uint32_t>(counts, 1);
  section.remove_suffix(8);
  if (block_count_ != (std::uint64_t{count_} + kBlockKeys - 1) / kBlockKeys ||
      std::uint64_t{block_count_} * 12 > section.size()) {
    fail_corrupt(where, "its counts do not fit");
  }
  blocks_ = section.substr(0, section.size() - std::size_t{block_count_} * 12);
  heads_ = section.substr(blocks_.size(), std::size_t{block_count_} * 8);
  places_ = section.substr(blocks_.size() + heads_.size());
}

void Dictionary::Cursor::next() {
  ++ordinal_;
  valid_ = ordinal_ < dictionary_->count_;
  if (valid_) read_entry(*this);
}

void Dictionary::read_entry(Cursor& cursor) {
  const auto [shared, length] = take_lengths(cursor.in_);
  const std::string_view rest = cursor.in_.take(length);
  if (shared > cursor.key_.size()) cursor.in_.fail("a key shares more than there is");
  cursor.key_.resize(shared);
  cursor.key_.append(rest);
  cursor.value_ = cursor.in_.text();
}

Dictionary::Cursor Dictionary::at_block(std::uint32_t block) const {
  Cursor cursor;
  cursor.dictionary_ = this;
  cursor.ordinal_ = block * kBlockKeys;
  cursor.valid_ = block < block_count_;
  if (!cursor.valid_) return cursor;
  const std::uint32_t place = load<std::uint32_t>(places_, block);
  if (place > blocks_.size()) fail_corrupt(where_, "a block lies outside");
  cursor.in_ = ByteReader(blocks_.substr(place), where_);
  read_entry(cursor);
  return cursor;
}

// Of a block, in place: it shares nothing with the one before.
std::string_view Dictionary::first_key(std::uint32_t block) const {
  const std::uint32_t place = load<std::uint32_t>(places_, block);
  if (place > blocks_.size()) fail_corrupt(where_, "a block lies outside");
  ByteReader in(blocks_.substr(place), where_);
  return in.take(take_lengths(in).rest);
}

Dictionary::Cursor Dictionary::lower_bound(std::string_view key) const {
  // The last block whose first key is not above the wanted one.
  const std::uint64_t head = head_of(key);
  std::uint32_t low = 0;
  std::uint32_t high = block_count_;
  while (high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    const std::uint64_t there = load<std::uint64_t>(heads_, middle);
    const bool below = there != head ? there < head : first_key(middle) <= key;
    (below ? low : high) = middle;
  }
  Cursor cursor = at_block(low);
  while (cursor.valid() && cursor.key() < key) cursor.next();
  return cursor;
}

Dictionary::Cursor Dictionary::at(std::uint32_t ordinal) const {
  Cursor cursor = at_block(ordinal / kBlockKeys);
  while (cursor.ordinal() < ordinal) cursor.next();
  return cursor;
}

Dictionary::Cursor Dictionary::find(std::string_view key) const {
  Cursor cursor = lower_bound(key);
  cursor.valid_ = cursor.valid() && cursor.key() == key;
  return cursor;
}

const Dictionary::Cursor& KeyFinder::find(std::string_view key) {
  bool near = has_sought_ && cursor_.valid() && sought_ <= key;
  if (near) {
    for (std::uint32_t i = 0; i < kBlockKeys && cursor_.valid() && cursor_.key() < key; ++i) cursor_.next();
    near = cursor_.valid() && cursor_.key() >= key;
  }
  if (!near) cursor_ = dictionary_->lower_bound(key);
  sought_ = key;
  has_sought_ = true;
  return cursor_;
}

}  // namespace prse
