#pragma once

#include <filesystem>

namespace spikesink::detail {

/// Whether the name is there, if only as a link that leads nowhere: opening it says what is wrong.
inline bool is_there(const std::filesystem::path& path) {
  std::error_code error;
  const auto type = std::filesystem::symlink_status(path, error).type();
  return type != std::filesystem::file_type::not_found;
}

/// False, too, where that cannot be told.
inline bool is_folder(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

}  // namespace spikesink::detail
