#include "spikesink/weights/hub_cache.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "message_of.h"
#include "temp_dir.h"

namespace spikesink {
namespace {

constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";

class HubCacheTest : public testing::Test {
 protected:
  HubCacheTest() {
    set("HF_HUB_CACHE", dir.path().string());
    const auto model = dir / "models--org--name";
    std::filesystem::create_directories(model / "snapshots" / kCommit);
    std::filesystem::create_directories(model / "refs" / "pr");
    dir.write("models--org--name/refs/main", std::string(kCommit) + "\n");
    dir.write("models--org--name/refs/pr/1", kCommit);
    snapshot = model / "snapshots" / kCommit;
  }
  ~HubCacheTest() override {
    for (const auto& [name, value] : before)
      value.empty() ? ::unsetenv(name.c_str()) : ::setenv(name.c_str(), value.c_str(), 1);
  }

  void set(const char* name, const std::string& value) {
    const char* old = std::getenv(name);
    before.emplace(name, old == nullptr ? "" : old);
    value.empty() ? ::unsetenv(name) : ::setenv(name, value.c_str(), 1);
  }
  static std::string refusal(const std::string& name) {
    return message_of<FileError>([&] { find_model(name); });
  }

  TempDir dir;
  std::filesystem::path snapshot;
  std::map<std::string, std::string> before;
};

TEST_F(HubCacheTest, ANameIsFound) {
  EXPECT_EQ(find_model("org/name"), snapshot);
  EXPECT_EQ(find_model("org/name@main"), snapshot);
  EXPECT_EQ(find_model("org/name@pr/1"), snapshot);
  EXPECT_EQ(find_model(std::string("org/name@") + kCommit), snapshot);
}

TEST_F(HubCacheTest, APathIsReturnedAsItIs) {
  EXPECT_EQ(find_model(dir.path().string()), dir.path());
  for (const char* text : {"/no/such/folder", "./a", "../b", "a/b/c", "model.gguf/", ""})
    EXPECT_EQ(find_model(text), text) << text;
}

TEST_F(HubCacheTest, TheCacheIsWhereTheVariablesSay) {
  set("HF_HUB_CACHE", "");
  set("HUGGINGFACE_HUB_CACHE", "");
  std::filesystem::create_directory(dir / "home");
  std::filesystem::create_directory_symlink(dir.path(), dir / "home" / "hub");
  set("HF_HOME", (dir / "home").string());
  EXPECT_EQ(find_model("org/name"), dir / "home/hub/models--org--name/snapshots" / kCommit);
}

TEST_F(HubCacheTest, AnAbsentModelIsReportedWithTheCommandThatFetchesIt) {
  EXPECT_TRUE(contains(refusal("org/other"), "fetch it with: hf download org/other"));
  EXPECT_TRUE(contains(refusal("org/name@v2"), "hf download org/name --revision v2"));
  EXPECT_TRUE(contains(refusal("gpt2"), "hf download gpt2"));
}

}  // namespace
}  // namespace spikesink
