#include "liveness.h"

#include <bit>

#include "bytes.h"
#include "checksum.h"
#include "format.h"

namespace prse {
namespace {

void put_set(std::string& out, const LiveSet& set) {
  put_varint(out, set.size());
  put_varint(out, set.dead());
  std::uint32_t next = 0;
  for (const std::uint32_t i : set.dead_records()) {
    put_varint(out, i - next);
    next = i + 1;
  }
}

void take_set(ByteReader& in, LiveSet& set) {
  if (in.varint() != set.size()) in.fail("it belongs to a segment of another size");
  const std::uint64_t dead = in.varint();
  std::uint64_t next = 0;
  for (std::uint64_t i = 0; i < dead; ++i) {
    next += in.varint32();
    if (next >= set.size()) in.fail("a record lies outside");
    set.kill(static_cast<std::uint32_t>(next));
    ++next;
  }
}

}  // namespace

std::vector<std::uint32_t> LiveSet::dead_records() const {
  std::vector<std::uint32_t> dead;
  dead.reserve(dead_);
  for (std::size_t i = 0; dead.size() < dead_; ++i) {
    for (std::uint64_t bits = ~words_[i]; bits != 0; bits &= bits - 1) {
      dead.push_back(static_cast<std::uint32_t>(64 * i) + static_cast<std::uint32_t>(std::countr_zero(bits)));
    }
  }
  return dead;
}

std::string encode_dead(const Liveness& liveness, std::uint64_t segment) {
  std::string out(kDeadMagic);
  put_fixed(out, kFormat);
  put_fixed(out, segment);
  put_set(out, liveness.documents);
  put_set(out, liveness.vectors);
  put_set(out, liveness.tags);
  put_fixed(out, crc32c(out));
  return out;
}

void decode_dead(std::string_view bytes, std::uint64_t segment, const std::string& path,
                 Liveness& liveness) {
  ByteReader in = open_checked(bytes, kDeadMagic, path);
  if (in.fixed<std::uint64_t>() != segment) in.fail("it belongs to another segment");
  take_set(in, liveness.documents);
  take_set(in, liveness.vectors);
  take_set(in, liveness.tags);
  if (!in.at_end()) in.fail("there is more than there should be");
}

}  // namespace prse
