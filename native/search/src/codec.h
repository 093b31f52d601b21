// Packs the ascending document numbers of a block: differences less one, all in the width of
// the widest.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "bytes.h"

namespace prse {

constexpr std::size_t kBlockDocs = 128;

// Appends numbers that ascend strictly from above `before`: one byte with the width in bits,
// then the packed differences. `before` is -1 at the start of a list.
void pack_ascending(std::string& out, std::int64_t before, std::span<const std::uint32_t> numbers);

// Reads back `numbers.size()` numbers. PRSE_CORRUPT if one would exceed 32 bits.
void unpack_ascending(ByteReader& in, std::int64_t before, std::span<std::uint32_t> numbers);

// Passes over what `pack_ascending` wrote for `count` numbers.
void skip_packed(ByteReader& in, std::size_t count);

}  // namespace prse
