#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace examples {

/// Returns all bytes of a file or pipe. Throws spikesink::FileError.
std::string read_file(const std::filesystem::path& file);

/// Returns the sequences of a --tokens file. Throws spikesink::FileError.
std::vector<std::vector<int64_t>> read_token_ids(const std::filesystem::path& file);

}  // namespace examples
