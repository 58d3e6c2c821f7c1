#pragma once

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

namespace spikesink {

/// A tiny random checkpoint of tests/goldens/models (scripts/goldens/architectures.py).
struct GoldenModel {
  std::filesystem::path path;  // the folder, or the GGUF file in it

  std::filesystem::path folder() const {
    return std::filesystem::is_directory(path) ? path : path.parent_path();
  }
  /// "gpt2_hub" or "gpt2_hub_gguf".
  std::string name() const {
    auto text = folder().parent_path().filename().string() + "_" + folder().filename().string();
    std::replace(text.begin(), text.end(), '-', '_');
    return path == folder() ? text : text + "_gguf";
  }
};

inline void PrintTo(const GoldenModel& model, std::ostream* out) {
  *out << model.name();
}

/// All of them, sorted.
inline std::vector<GoldenModel> golden_models() {
  namespace fs = std::filesystem;
  std::vector<GoldenModel> found;
  for (const auto& entry : fs::recursive_directory_iterator(SPIKESINK_GOLDENS "/models")) {
    if (entry.path().filename() == "config.json") found.push_back({entry.path().parent_path()});
    if (entry.path().extension() == ".gguf") found.push_back({entry.path()});
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return found;
}

}  // namespace spikesink
