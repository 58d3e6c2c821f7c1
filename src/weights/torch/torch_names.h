#pragma once

#include <filesystem>

namespace spikesink::detail {

/// True for the extensions that files of torch.save have.
inline bool has_torch_extension(const std::filesystem::path& file) {
  const auto extension = file.extension();
  return extension == ".bin" || extension == ".pt" || extension == ".pth" || extension == ".ckpt";
}

inline bool is_torch_index(const std::filesystem::path& file) {
  return file.string().ends_with(".bin.index.json");
}

}  // namespace spikesink::detail
