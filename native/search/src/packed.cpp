#include "packed.h"

#include <algorithm>
#include <bit>

namespace prse {
namespace {

// Gathers bits and lets go of whole words.
class BitWriter {
 public:
  BitWriter(std::string& out, std::size_t bytes) : at_(out.size()), end_(at_ + bytes), out_(out) {
    out_.resize(end_ + sizeof(std::uint64_t));  // the last word may be written beyond
  }
  ~BitWriter() {
    if (bits_ > 0) store();
    out_.resize(end_);
  }
  BitWriter(const BitWriter&) = delete;
  BitWriter& operator=(const BitWriter&) = delete;

  void put(std::uint64_t value, unsigned width) {
    pending_ |= value << bits_;
    bits_ += width;
    if (bits_ < 64) return;
    store();
    bits_ -= 64;
    pending_ = bits_ == 0 ? 0 : value >> (width - bits_);
  }

 private:
  void store() {
    std::memcpy(out_.data() + at_, &pending_, sizeof pending_);
    at_ += sizeof pending_;
  }

  std::size_t at_;
  std::size_t end_;
  std::string& out_;
  std::uint64_t pending_ = 0;
  unsigned bits_ = 0;
};

}  // namespace

void pack(std::string& out, std::span<const std::uint32_t> numbers, unsigned width) {
  if (width == 0) return;
  BitWriter writer(out, packed_bytes(numbers.size(), width));
  for (const std::uint32_t number : numbers) writer.put(number, width);
}

std::string encode_column(std::span<const std::uint64_t> numbers) {
  std::string groups;
  std::string packed;
  for (std::size_t begin = 0; begin < numbers.size(); begin += PackedColumn::kGroup) {
    const auto group =
        numbers.subspan(begin, std::min<std::size_t>(PackedColumn::kGroup, numbers.size() - begin));
    const std::uint64_t least = *std::min_element(group.begin(), group.end());
    const std::uint64_t most = *std::max_element(group.begin(), group.end());
    const auto width = static_cast<std::uint32_t>(std::bit_width(most - least));
    put_fixed(groups, PackedColumn::Group{least, static_cast<std::uint32_t>(packed.size() / 16), width});
    if (width == 0) continue;
    BitWriter writer(packed, std::size_t{16} * width);
    for (const std::uint64_t number : group) writer.put(number - least, width);
  }
  return groups + packed + std::string(16, '\0');
}

PackedColumn::PackedColumn(std::string_view section, std::uint32_t count, const char* where) {
  ByteReader in(section, where);
  const std::size_t groups = (std::size_t{count} + kGroup - 1) / kGroup;
  groups_ = in.take(groups * sizeof(Group));
  packed_ = in.take(in.left());
  if (packed_.size() < 16) in.fail("it ends too early");
  for (std::size_t i = 0; i < groups; ++i) {
    const Group group = load<Group>(groups_, i);
    if (group.width > 64 || std::size_t{group.place} * 16 + std::size_t{group.width} * 16 > packed_.size() - 16) {
      in.fail("numbers lie outside");
    }
  }
}

}  // namespace prse
