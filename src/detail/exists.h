#pragma once

#include <filesystem>

namespace spikesink::detail {

/// True if the path exists. A dangling link counts as existing, so that opening it gives an error
/// message.
inline bool exists(const std::filesystem::path& path) {
  std::error_code error;
  const auto type = std::filesystem::symlink_status(path, error).type();
  return type != std::filesystem::file_type::not_found;
}

/// True if the path is a folder; false if its status cannot be read.
inline bool is_folder(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

/// Returns the path itself if it is a folder, else the folder of the file.
inline std::filesystem::path folder_of(const std::filesystem::path& path) {
  return is_folder(path) ? path : path.parent_path();
}

}  // namespace spikesink::detail
