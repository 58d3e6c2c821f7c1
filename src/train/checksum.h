#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace spikesink::detail {

/// XXH128 of a file in hexadecimal, as `xxh128sum` prints it. Throws FormatError in the name of
/// `function`.
std::string checksum(const std::filesystem::path& file, std::string_view function);
/// Of bytes in memory.
std::string checksum(std::string_view bytes);

}  // namespace spikesink::detail
