#include "document_ids.h"

#include "bytes.h"

namespace prse {

std::string encode_document_ids(std::span<const std::uint64_t> ids) {
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i == 0 || ids[i] <= ids[i - 1]) sizes.push_back(0);
    ++sizes.back();
  }
  std::string out;
  put_varint(out, sizes.size());
  for (const std::size_t size : sizes) put_varint(out, size);
  return out + encode_column(ids);
}

DocumentIds::DocumentIds(std::string_view section, std::uint32_t documents, const char* where) {
  ByteReader in(section, where);
  const std::uint64_t count = in.varint();
  if (count > kLengthClasses) in.fail("there are too many runs");
  std::uint32_t begin = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t size = in.varint();
    if (size == 0 || size > documents - begin) in.fail("a run has not the length it should");
    runs_.push_back({begin, begin + static_cast<std::uint32_t>(size)});
    begin = runs_.back().end;
  }
  if (begin != documents) in.fail("a run has not the length it should");
  ids_ = PackedColumn(in.take(in.left()), documents, where);
}

std::uint32_t DocumentIds::first_above(Run run, std::uint64_t id) const {
  std::uint32_t low = run.begin;
  std::uint32_t high = run.end;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (ids_[middle] <= id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::optional<std::uint32_t> DocumentIds::find(std::uint64_t id) const {
  for (const Run run : runs_) {
    const std::uint32_t above = first_above(run, id);
    if (above > run.begin && ids_[above - 1] == id) return above - 1;
  }
  return std::nullopt;
}

}  // namespace prse
