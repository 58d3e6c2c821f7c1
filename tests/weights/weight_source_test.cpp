#include "spikesink/weights/weight_source.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>

#include "message_of.h"
#include "spikesink/error.h"
#include "spikesink/weights/safetensors.h"
#include "temp_dir.h"

namespace spikesink {
namespace {

TEST(OpenWeightsTest, AFolderWithOneFormatIsOpened) {
  const TempDir dir;
  EXPECT_TRUE(contains(message_of<FileError>([&] { open_weights(dir.path()); }), "no weights in"));
  std::filesystem::copy_file(SPIKESINK_GOLDENS "/torch/module.pt", dir / "pytorch_model.bin");
  std::filesystem::copy_file(SPIKESINK_GOLDENS "/gguf/plain.gguf", dir / "a.gguf");
  EXPECT_EQ(open_weights(dir.path())->path(), dir / "pytorch_model.bin");
  save_safetensors(dir / "model.safetensors", {{"x", torch::zeros({1})}});
  EXPECT_EQ(open_weights(dir.path())->path(), dir / "model.safetensors");
}

TEST(OpenWeightsTest, OtherFilesAreRefused) {
  const TempDir dir;
  for (const char* name : {"a.bin", "a.pt", "a.pth", "a.ckpt"}) {
    EXPECT_TRUE(contains(message_of<FileError>([&] { open_weights(dir.write(name, "pickle")); }),
                         "not a file of torch.save"))
        << name;
  }
  EXPECT_TRUE(contains(message_of<FileError>([&] { open_weights(dir.write("a.txt", "text")); }),
                       "got '.txt'"));
  EXPECT_TRUE(contains(message_of<FileError>([&] { open_weights(dir / "missing"); }),
                       "no such file or folder"));
  EXPECT_TRUE(
      contains(message_of<FileError>([&] { open_safetensors(dir / "missing"); }), "No such file"));
  EXPECT_TRUE(contains(message_of<FileError>([&] { open_safetensors(dir.path()); }),
                       "got a folder, expected a regular file"));
  EXPECT_TRUE(contains(message_of<FileError>([&] { open_safetensors("/dev/null"); }),
                       "got a special file"));
}

TEST(OpenWeightsTest, AFolderWithOneGgufIsOpened) {
  const TempDir dir;
  const auto plain = SPIKESINK_GOLDENS "/gguf/plain.gguf";
  std::filesystem::copy_file(plain, dir / "a.gguf");
  EXPECT_EQ(open_weights(dir.path())->format(), WeightFormat::kGguf);
  std::filesystem::copy_file(plain, dir / "b.gguf");
  EXPECT_TRUE(
      contains(message_of<FileError>([&] { open_weights(dir.path()); }), "got 2 .gguf files"));
}

}  // namespace
}  // namespace spikesink
