// What is wrong with a GGUF file of any architecture is said by name.

#include <gtest/gtest.h>

#include <algorithm>

#include "golden_models.h"
#include "message_of.h"
#include "one_thread.h"
#include "read_bytes.h"
#include "spikesink/model/load_model.h"
#include "spikesink/weights/gguf.h"
#include "temp_dir.h"

namespace spikesink {
namespace {

std::vector<GoldenModel> gguf_models() {
  std::vector<GoldenModel> found;
  for (const auto& model : golden_models()) {
    if (model.path.extension() == ".gguf") found.push_back(model);
  }
  return found;
}

// The string in a file with the eight bytes of its length before it.
std::string stored(const std::string& text) {
  std::string length(8, '\0');
  for (size_t byte = 0; byte < 8; ++byte)
    length[byte] = static_cast<char>(text.size() >> (8 * byte) & 0xff);
  return length + text;
}

class BadGgufTest : public testing::TestWithParam<GoldenModel> {
 protected:
  torch::Tensor logits(const std::filesystem::path& path) const {
    return load_model(path)->forward(torch::arange(3).unsqueeze(0));
  }
  std::filesystem::path with(const std::string& name, const std::string& other) {
    auto changed = bytes;
    const auto at = changed.find(stored(name));
    EXPECT_NE(at, std::string::npos) << name;
    if (at != std::string::npos) changed.replace(at, name.size() + 8, stored(other));
    folder.write("model.gguf", changed);
    return folder / "model.gguf";
  }
  /// Renamed, it is missed; or its new name is ignored and said; or nothing depends on it.
  void expect_named(const std::string& name, const std::string& in_message) {
    SCOPED_TRACE(name);
    auto other = name;
    other.back() = other.back() == '_' ? '-' : '_';
    try {
      const auto file = with(name, other);
      if (std::ranges::count(read_model_config(file).ignored_keys, other) > 0) return;
      EXPECT_TRUE(logits(file).equal(expected)) << "was not missed";
    } catch (const FileError& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find(in_message), std::string::npos) << message;
      EXPECT_TRUE(contains(message, (folder / "model.gguf").string()));
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    }
  }

  OneThread one_thread;
  torch::NoGradGuard no_grad;
  TempDir folder;
  std::string bytes = read_bytes(GetParam().path);
  torch::Tensor expected = logits(GetParam().path);
};

TEST_P(BadGgufTest, AMissingTensorIsNamed) {
  const GgufFile file(GetParam().path);
  for (const auto& info : file.tensors())
    expect_named(info.name, info.name.substr(0, info.name.size() - 1));
}

// Or, where a key has a default, another that disagrees with it.
TEST_P(BadGgufTest, AMissingKeyIsNamed) {
  const GgufFile file(GetParam().path);
  const auto prefix = file.get<std::string>("general.architecture") + ".";
  for (const auto& [key, value] : file.metadata()) {
    if (key.starts_with(prefix)) expect_named(key, prefix);
  }
}

TEST_P(BadGgufTest, AnUnknownArchitectureIsNamed) {
  const auto name = GgufFile(GetParam().path).get<std::string>("general.architecture");
  const std::string other(name.size(), 'x');
  const auto message = message_of<FileError>([&] { load_model(with(name, other)); });
  EXPECT_TRUE(contains(message, "got '" + other + "', expected one of "));
  EXPECT_TRUE(contains(message, (folder / "model.gguf").string()));
}

INSTANTIATE_TEST_SUITE_P(Models, BadGgufTest, testing::ValuesIn(gguf_models()),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace spikesink
