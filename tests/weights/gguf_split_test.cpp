// GGUF models in several files, as llama.cpp splits them.

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstring>
#include <filesystem>

#include "message_of.h"
#include "read_bytes.h"
#include "spikesink/error.h"
#include "spikesink/weights/gguf.h"
#include "spikesink/weights/safetensors.h"
#include "temp_dir.h"

namespace spikesink {
namespace {

namespace fs = std::filesystem;

const fs::path kSplitGoldens = fs::path(SPIKESINK_GOLDENS) / "gguf";

std::string part_name(int number) {
  return "split-0000" + std::to_string(number) + "-of-00003.gguf";
}

/// Sets the first bytes of the value of a key.
template <typename T>
std::string with(std::string bytes, const std::string& key, T value) {
  const size_t at = bytes.find(key);
  EXPECT_NE(at, std::string::npos) << key;
  if (at != std::string::npos)
    std::memcpy(bytes.data() + at + key.size() + 4, &value, sizeof value);
  return bytes;
}

class GgufSplitTest : public testing::Test {
 protected:
  void SetUp() override {
    for (int number = 1; number <= 3; ++number) dir.write(part_name(number), bytes_of(number));
  }
  static std::string bytes_of(int number) { return read_bytes(kSplitGoldens / part_name(number)); }
  fs::path part(int number) const { return dir / part_name(number); }

  /// The message is one line, has the words and names the file at fault.
  void expect_refused(const fs::path& opened, const std::string& words, const fs::path& at_fault) {
    const std::string message = message_of<FileError>([&] { open_weights(opened); });
    EXPECT_TRUE(message.starts_with("[GgufFile] ")) << message;
    EXPECT_TRUE(contains(message, words));
    EXPECT_TRUE(contains(message, at_fault.string()));
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }

  TempDir dir;
};

TEST_F(GgufSplitTest, AnyPartAndTheFolderAreTheWholeModel) {
  const auto expected = open_weights(kSplitGoldens / "expected.safetensors");
  for (const fs::path& path : {part(1), part(2), part(3), dir.path()}) {
    const auto source = open_weights(path);
    const auto* file = dynamic_cast<const GgufFile*>(source.get());
    ASSERT_NE(file, nullptr);
    EXPECT_EQ(file->path(), part(1));
    EXPECT_EQ(file->get<std::string>("general.name"), "three parts");
    EXPECT_EQ(file->get<int64_t>("split.no"), 0);
    ASSERT_EQ(file->tensors().size(), 8U);
    for (const TensorInfo& info : file->tensors()) {
      EXPECT_EQ(info.dtype, info.name);
      const torch::Tensor tensor = file->tensor(info.name);
      EXPECT_TRUE(torch::equal(tensor, expected->tensor(info.name))) << info.name;
      const auto ranges = file->byte_ranges(info.name);
      ASSERT_EQ(ranges.size(), 1U);
      EXPECT_EQ(ranges[0].size(), tensor.nbytes());
      EXPECT_EQ(std::memcmp(ranges[0].data(), tensor.data_ptr(), tensor.nbytes()), 0);
    }
  }
}

TEST_F(GgufSplitTest, TensorsOutliveTheFile) {
  const torch::Tensor tensor = GgufFile(part(1)).tensor("BF16");
  const auto expected = open_weights(kSplitGoldens / "expected.safetensors");
  EXPECT_TRUE(torch::equal(tensor, expected->tensor("BF16")));
}

TEST_F(GgufSplitTest, LinksAreParts) {
  const TempDir links;
  for (int number = 1; number <= 3; ++number)
    fs::create_symlink(part(number), links / part_name(number));
  EXPECT_EQ(open_weights(links.path())->tensors().size(), 8U);
}

TEST_F(GgufSplitTest, AModelOfOnePartIsWhole) {
  const fs::path file = dir.write("whole.gguf", with<uint16_t>(bytes_of(1), "split.count", 1));
  EXPECT_EQ(open_weights(file)->tensors().size(), 3U);
  const fs::path merged = dir.write("merged.gguf", with<uint16_t>(bytes_of(1), "split.count", 0));
  EXPECT_EQ(open_weights(merged)->tensors().size(), 3U);
}

TEST_F(GgufSplitTest, AMissingPartIsNamed) {
  fs::remove(part(2));
  const char* words =
      "a part of the model is missing: got no file 'split-00002-of-00003.gguf', expected all 3 "
      "parts in one folder";
  expect_refused(part(1), words, part(1));
  expect_refused(part(3), words, part(3));
  expect_refused(dir.path(), words, part(1));
  fs::remove(part(1));
  expect_refused(dir.path(), "got no file 'split-00001-of-00003.gguf'", part(3));
}

TEST_F(GgufSplitTest, ARenamedPartIsRefused) {
  const fs::path renamed = dir / "model.gguf";
  fs::rename(part(2), renamed);
  expect_refused(renamed,
                 "a part of a split model was renamed: got 'model.gguf', expected a name that ends "
                 "in -00002-of-00003.gguf",
                 renamed);
  for (const char* name : {"split-00000-of-00003.gguf", "split-00004-of-00003.gguf",
                           "split-0002-of-00003.gguf", "split-00002-of-0000x.gguf"}) {
    expect_refused(dir.write(name, bytes_of(2)), "a part of a split model was renamed", dir / name);
  }
}

TEST_F(GgufSplitTest, PartsUnderEachOthersNamesAreRefused) {
  const char* words = "a part does not agree with its name: got split.no 0, expected 1";
  dir.write(part_name(2), bytes_of(1));  // the same part twice
  expect_refused(part(1), words, part(2));
  expect_refused(part(2), words, part(2));
  expect_refused(dir.path(), words, part(2));
}

TEST_F(GgufSplitTest, PartsOfOtherModelsAreRefused) {
  dir.write(part_name(3), with<uint16_t>(bytes_of(3), "split.count", 4));
  expect_refused(part(1), "does not agree with its name: got split.count 4, expected 3", part(3));
  expect_refused(part(3), "does not agree with its name: got split.count 4, expected 3", part(3));
  dir.write(part_name(3), with<int32_t>(bytes_of(3), "split.tensors.count", 9));
  expect_refused(part(1),
                 "two parts are of different models: got split.tensors.count 9, expected 8 as in "
                 "split-00001-of-00003.gguf",
                 part(3));
  dir.write(part_name(3), read_bytes(kSplitGoldens / "plain.gguf"));
  expect_refused(part(1), "got nothing, expected an integer from 0 to 65535", part(3));
}

TEST_F(GgufSplitTest, CountsThatLieAreRefused) {
  for (int number = 1; number <= 3; ++number)
    dir.write(part_name(number), with<int32_t>(bytes_of(number), "split.tensors.count", 9));
  expect_refused(dir.path(),
                 "the parts do not have all tensors of the model: got 8 tensors, expected 9 of "
                 "split.tensors.count",
                 part(1));
  dir.write(part_name(1), with<int32_t>(bytes_of(1), "split.tensors.count", -1));
  expect_refused(part(1), "got -1, expected an integer from 0 to 2147483647", part(1));
  dir.write(part_name(1), with<uint16_t>(bytes_of(1), "split.no", 65535));
  expect_refused(part(1), "got split.no 65535, expected 0", part(1));
}

TEST_F(GgufSplitTest, ATensorInTwoPartsIsRefused) {
  std::string bytes = bytes_of(3);
  bytes.replace(bytes.find("I64"), 3, "F64");
  dir.write(part_name(3), bytes);
  const std::string message = message_of<FileError>([&] { open_weights(dir.path()); });
  EXPECT_TRUE(contains(message, "two tensors have one name: 'F64'"));
}

TEST_F(GgufSplitTest, ADamagedPartIsNamed) {
  const std::string bytes = bytes_of(2);
  dir.write(part_name(2), bytes.substr(0, bytes.size() - 30));
  expect_refused(part(3), "the data passes the end of the file", part(2));
}

TEST_F(GgufSplitTest, AFolderWithAnotherModelIsRefused) {
  dir.write("other.gguf", read_bytes(kSplitGoldens / "plain.gguf"));
  EXPECT_TRUE(contains(message_of<FileError>([&] { open_weights(dir.path()); }),
                       "got 4 .gguf files, expected one or the parts of one"));
  fs::rename(dir / "other.gguf", dir / "other-00001-of-00003.gguf");
  EXPECT_TRUE(contains(message_of<FileError>([&] { open_weights(dir.path()); }),
                       "the folder contains several models"));
}

}  // namespace
}  // namespace spikesink
