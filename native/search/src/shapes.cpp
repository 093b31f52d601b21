#include "shapes.h"

namespace prse {

void put_shape(std::string& out, std::span<const FieldCount> shape) {
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool once = shape[i].times == 1;
    const bool more = i + 1 < shape.size();
    put_varint(out, (shape[i].field << 2) | (once ? 2U : 0U) | (more ? 1U : 0U));
    if (!once) put_varint(out, shape[i].times);
  }
}

void take_shape(ByteReader& in, std::uint32_t fields, std::vector<FieldCount>& out) {
  for (bool more = true; more;) {
    const std::uint32_t code = in.varint32();
    const std::uint32_t times = (code & 2) != 0 ? 1 : in.varint32();
    if ((code >> 2) >= fields) in.fail("a field lies outside");
    if (times == 0) in.fail("a word stands nowhere");
    out.push_back({code >> 2, times});
    more = (code & 1) != 0;
  }
}

std::uint32_t ShapeWriter::add(std::span<const FieldCount> shape) {
  if (count_ == kMostShapes) return kSpeltOut;
  put_shape(spelt_, shape);
  return ++count_;
}

std::uint32_t ShapeWriter::code_of(std::span<const FieldCount> shape) {
  if (shape.size() == 1 && shape[0].times < kFewTimes) {
    std::uint16_t& code = simple_[shape[0].field][shape[0].times];
    if (code == 0) code = static_cast<std::uint16_t>(add(shape));
    return code;
  }
  std::vector<std::uint64_t> key;
  for (const FieldCount& part : shape) key.push_back(std::uint64_t{part.field} << 32 | part.times);
  const auto found = others_.find(key);
  if (found != others_.end()) return found->second;
  const std::uint32_t code = add(shape);
  if (code != kSpeltOut) others_.emplace(std::move(key), code);
  return code;
}

std::string ShapeWriter::finish() const {
  std::string out;
  put_varint(out, count_);
  return out + spelt_;
}

Shapes::Shapes(std::string_view section, std::uint32_t fields, const char* where) {
  ByteReader in(section, where);
  const std::uint64_t count = in.varint();
  if (count > kMostShapes) in.fail("there are too many shapes");
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t begin = counts_.size();
    take_shape(in, fields, counts_);
    begins_.push_back(static_cast<std::uint32_t>(counts_.size()));
    std::uint32_t times = 0;
    for (std::size_t at = begin; at < counts_.size(); ++at) times += counts_[at].times;
    times_.push_back(times);
    singles_.push_back(counts_.size() - begin == 1 ? counts_.back() : FieldCount{0, 0});
  }
}

}  // namespace prse
