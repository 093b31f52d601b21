// CRC-32C (Castagnoli), the checksum of everything in the index.
#pragma once

#include <cstdint>
#include <string_view>

namespace prse {

std::uint32_t crc32c(std::string_view bytes);

// The same on any processor.
std::uint32_t crc32c_by_tables(std::string_view bytes);

}  // namespace prse
