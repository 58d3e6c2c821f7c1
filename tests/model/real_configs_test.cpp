// Configurations of published models: SPIKESINK_CONFIGS names a folder of them. What is said of
// each is compared with a golden, which the test writes anew with SPIKESINK_WRITE_GOLDENS.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "read_bytes.h"
#include "spikesink/error.h"
#include "spikesink/model/load_model.h"
#include "temp_dir.h"

namespace spikesink {
namespace {

std::string outcome(const std::string& text, const TempDir& folder) {
  folder.write("config.json", text);
  try {
    const auto ignored = read_model_config(folder.path()).ignored_keys;
    return ignored.empty() ? "read" : fmt::format("read, ignored: {}", fmt::join(ignored, ", "));
  } catch (const FileError& error) {
    std::string message = error.what();
    const auto path = (folder / "config.json").string();
    if (const auto at = message.find(path); at != std::string::npos)
      message.replace(at, path.size(), "config.json");
    return "refused: " + message.substr(0, message.find(", expected one of"));
  }
}

TEST(RealConfigsTest, AreReadOrRefusedWithAReason) {
  const char* configs = std::getenv("SPIKESINK_CONFIGS");
  if (configs == nullptr) GTEST_SKIP() << "SPIKESINK_CONFIGS names no folder";
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(configs)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  const TempDir folder;
  std::string said;
  for (const auto& file : files)
    said += fmt::format("{}: {}\n", file.stem().string(), outcome(read_bytes(file), folder));
  const std::filesystem::path golden = SPIKESINK_GOLDENS "/real_configs.txt";
  if (std::getenv("SPIKESINK_WRITE_GOLDENS") != nullptr) std::ofstream(golden) << said;
  EXPECT_EQ(said, read_bytes(golden));
}

}  // namespace
}  // namespace spikesink
