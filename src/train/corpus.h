#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace spikesink::detail {

/// The files of a corpus, those of a folder by name. Throws FormatError for a path that is not
/// there, a kind that is not known, and a folder with nothing in it.
std::vector<std::filesystem::path> corpus_files(const std::vector<std::string>& paths);

bool is_token_shard(const std::filesystem::path& file);

/// The documents of a text file. Throws FormatError.
std::vector<std::string> documents(const std::filesystem::path& file);

}  // namespace spikesink::detail
