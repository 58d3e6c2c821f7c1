#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace spikesink::detail {

/// Returns the XXH128 of a file in hexadecimal, as `xxh128sum` prints it. Throws FileError, whose
/// message starts with [`function`].
std::string checksum(const std::filesystem::path& file, std::string_view function);
/// Returns the XXH128 of bytes in memory.
std::string checksum(std::string_view bytes);

}  // namespace spikesink::detail
