#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace spikesink::detail {

/// Returns the files of a corpus; the files of a folder are sorted by name. Throws FileError for
/// a missing path, an unknown file type, and a folder without suitable files.
std::vector<std::filesystem::path> corpus_files(const std::vector<std::string>& paths);

bool is_token_shard(const std::filesystem::path& file);

/// Returns the documents of a text file. Throws FileError.
std::vector<std::string> documents(const std::filesystem::path& file);

}  // namespace spikesink::detail
