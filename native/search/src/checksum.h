// CRC-32C (Castagnoli), the checksum of everything in the index.
#pragma once

#include <cstdint>
#include <string_view>

namespace prse {

std::uint32_t crc32c(std::string_view bytes);

}  // namespace prse
