#include "spikesink/weights/torch_file.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>

#include "message_of.h"
#include "read_bytes.h"
#include "spikesink/error.h"
#include "spikesink/weights/safetensors.h"
#include "temp_dir.h"
#include "weights/cut_and_changed.h"
#include "weights/malformed.h"
#include "weights/pickle_bytes.h"
#include "weights/zip_bytes.h"

namespace spikesink {
namespace {

namespace fs = std::filesystem;

const fs::path kTorchGoldens = SPIKESINK_GOLDENS "/torch";

bool equal_bits(const torch::Tensor& a, const torch::Tensor& b) {
  return a.dtype() == b.dtype() && a.sizes() == b.sizes() &&
         torch::equal(a.contiguous().flatten().view(torch::kByte),
                      b.contiguous().flatten().view(torch::kByte));
}

void expect_same(const WeightSource& source, const fs::path& expected_file) {
  const auto expected = open_safetensors(expected_file);
  EXPECT_EQ(source.format(), WeightFormat::kTorch);
  ASSERT_EQ(source.tensors().size(), expected->tensors().size());
  for (const TensorInfo& info : expected->tensors()) {
    EXPECT_TRUE(equal_bits(source.tensor(info.name), expected->tensor(info.name))) << info.name;
    EXPECT_EQ(source.info(info.name).dtype, info.dtype);
    EXPECT_EQ(source.info(info.name).shape, info.shape);
  }
}

TEST(TorchFileTest, FilesOfTorchSaveAreRead) {
  for (const char* name : {"protocol2.bin", "protocol3.bin", "protocol4.bin", "protocol5.bin"}) {
    SCOPED_TRACE(name);
    expect_same(*open_torch_file(kTorchGoldens / name), kTorchGoldens / "expected.safetensors");
  }
  expect_same(*open_weights(kTorchGoldens / "module.pt"), kTorchGoldens / "module.safetensors");
}

TEST(TorchFileTest, ShardsAreOneSource) {
  const auto source = open_weights(kTorchGoldens / "shards");
  expect_same(*source, kTorchGoldens / "expected.safetensors");
  EXPECT_EQ(source->path(), kTorchGoldens / "shards/pytorch_model.bin.index.json");
}

TEST(TorchFileTest, TensorsAreViewsInTheOrderAndWithTheStridesOfTheFile) {
  const auto file = kTorchGoldens / "protocol2.bin";
  auto source = open_torch_file(file);
  EXPECT_EQ(source->tensors().front().name, "float64");
  EXPECT_EQ(source->tensors().back().name, "größe");
  const torch::Tensor transposed = source->tensor("transposed"),
                      columns = source->tensor("columns");
  EXPECT_EQ(transposed.strides(), torch::IntArrayRef({1, 3}));
  EXPECT_EQ(columns.strides(), torch::IntArrayRef({6, 2}));
  EXPECT_EQ(columns.data_ptr(), source->byte_ranges("columns").front().data());
  EXPECT_EQ(source->byte_ranges("columns").front().size(), 4U * (6 + 2 * 2 + 1));
  EXPECT_EQ(source->tensor("tied").data_ptr(), source->tensor("whole").data_ptr());
  EXPECT_TRUE(source->byte_ranges("empty").front().empty());
  const torch::Tensor values = columns.clone();
  source.reset();
  EXPECT_TRUE(equal_bits(columns, values)) << "the file stays mapped";
}

TEST(TorchFileTest, OtherFilesOfTorchAreRefused) {
  const auto message = [](const char* name) {
    return message_of<FileError>([&] { open_weights(kTorchGoldens / "refused" / name); });
  };
  EXPECT_TRUE(
      contains(message("checkpoint.pt"), "torch.save(torch.load(file)['model'], new_file)"));
  EXPECT_TRUE(contains(message("legacy.pt"), "torch.save before version 1.6"));
  EXPECT_TRUE(contains(message("module.pt"), "asks for torch.nn.modules.container.Sequential"));
  EXPECT_TRUE(contains(message("script.pt"), "a TorchScript archive"));
}

std::string archive(const std::string& pickle, const std::string& data = std::string(16, '\1'),
                    const std::vector<ZipPart>& more = {}) {
  std::vector<ZipPart> parts = {{.name = "a/data.pkl", .data = pickle},
                                {.name = "a/data/0", .data = data}};
  parts.insert(parts.end(), more.begin(), more.end());
  return zip_of(parts);
}

std::string one(const pickled::Tensor& tensor) {
  return archive(pickled::dict({pickled::item("x", pickled::tensor(tensor))}));
}

TEST(TorchFileTest, AMisalignedTensorIsCopied) {
  const TempDir dir;
  for (size_t padding = 1; padding <= 4; ++padding) {
    const std::string pickle = pickled::dict(
        {pickled::item(std::string(padding, 'x'), pickled::tensor({.strides = {1, 2}}))});
    std::string data;
    for (const float value : {1.F, 2.F, 3.F, 4.F}) data += number_bytes(value);
    const auto source = open_torch_file(dir.write("a.pt", archive(pickle, data)));
    const torch::Tensor tensor = source->tensor(std::string(padding, 'x'));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data_ptr()) % 4, 0U);
    EXPECT_TRUE(equal_bits(tensor, torch::tensor({{1.F, 3.F}, {2.F, 4.F}})));
  }
}

TEST(TorchFileTest, BooleansAreCheckedWhenTheyAreRead) {
  const TempDir dir;
  const std::string pickle =
      pickled::dict({pickled::item("x", pickled::tensor({.type = "BoolStorage"}))});
  const auto source = open_torch_file(dir.write("a.pt", archive(pickle, "\1\1\2\1")));
  EXPECT_TRUE(contains(message_of<FileError>([&] { source->tensor("x"); }), "got 2"));
}

class MalformedTorchFileTest : public testing::TestWithParam<Malformed> {};

TEST_P(MalformedTorchFileTest, IsRefused) {
  const TempDir dir;
  const auto file = dir.write("bad.pt", GetParam().bytes);
  const std::string message = message_of<FileError>([&] { open_weights(file); });
  EXPECT_TRUE(contains(message, GetParam().fragment));
  EXPECT_TRUE(contains(message, file.string()));
}

const std::string kGood = pickled::dict({pickled::item("x", pickled::tensor())});

const Malformed kMalformedTorchFiles[] = {
    {"LfsPointer", "version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"},
    {"Html", "<html>404</html>", "not a file of torch.save"},
    {"BarePickle", kGood, "a bare pickle, expected a zip file"},
    {"Truncated", archive(kGood).substr(0, 200), "likely an interrupted download"},
    {"OtherZip", zip_of({{.name = "word/document.xml", .data = "x"}}),
     "got 0 entries NAME/data.pkl"},
    {"TwoPickles", archive(kGood, "", {{.name = "b/data.pkl", .data = ""}}),
     "got 2 entries NAME/data.pkl"},
    {"Script", archive(kGood, "", {{.name = "a/constants.pkl", .data = ""}}),
     "a TorchScript archive"},
    {"ScriptCode", archive(kGood, "", {{.name = "a/code/x.py", .data = "", .method = 8}}),
     "a TorchScript archive"},
    {"Compressed", archive(kGood, "", {{.name = "a/x", .data = "", .method = 8}}),
     "'a/x' of the zip file is compressed"},
    {"BigEndian", archive(kGood, "", {{.name = "a/byteorder", .data = "big"}}),
     "got 'big', expected 'little'"},
    {"NoStorage", one({.key = "1"}), "the storage '1' of the tensor is missing"},
    {"AnotherEntryAsStorage", one({.key = "../data.pkl"}), "is missing"},
    {"StorageTooShort", archive(kGood, std::string(15, '1')),
     "'0' is too short: got 15 bytes, expected 4 elements of Float"},
    {"StorageOfAllOnes", one({.elements = INT64_MAX}), "'0' is too short"},
    {"NegativeStorage", one({.elements = -1}), "'0' is too short"},
    {"MoreThanTheStorage", one({.shape = {5}, .strides = {0}}),
     "more elements than its storage: got [5], expected at most 4"},
    {"PastTheStorage", one({.shape = {2, 2}, .strides = {3, 1}}),
     "passes the end of its storage: got [2, 2] with strides [3, 1] at 0"},
    {"OffsetPastTheStorage", one({.offset = 1}), "at 1, expected an end of at most 4"},
    {"EmptyPastTheStorage", one({.offset = 5, .shape = {0}, .strides = {1}}),
     "passes the end of its storage"},
    {"OffsetOverflow", one({.offset = INT64_MAX}), "passes the end of its storage"},
    {"StrideOverflow", one({.shape = {3}, .strides = {INT64_MAX}}),
     "passes the end of its storage"},
    {"StridesOverflow", one({.strides = {INT64_MAX, INT64_MAX}}), "passes the end of its storage"},
    {"NegativeOffset", one({.offset = -1}), "a negative offset or stride: got -1"},
    {"NegativeStride", one({.strides = {2, -1}}), "a negative offset or stride: got 0 and [2, -1]"},
    {"NegativeSize", one({.shape = {-2, -2}}), "a negative size"},
    {"TooManyElements", one({.shape = {1LL << 32, 1LL << 32}}),
     "more elements than can be counted"},
    {"MissingStride", one({.strides = {1}}), "got 1 strides for 2 dimensions"},
    {"Twice",
     archive(pickled::dict(
         {pickled::item("x", pickled::tensor()), pickled::item("x", pickled::tensor())})),
     "two tensors have one name: 'x'"},
    {"System", archive(pickled::dict({pickled::item("x", pickled::global("posix", "system"))})),
     "posix.system"},
};

INSTANTIATE_TEST_SUITE_P(Torch, MalformedTorchFileTest, testing::ValuesIn(kMalformedTorchFiles),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(TorchFileTest, ACutOrChangedFileIsReadOrRefused) {
  expect_read_or_refused(read_bytes(kTorchGoldens / "protocol4.bin"), open_torch_file);
}

TEST(TorchIndexTest, AWrongIndexIsRefused) {
  const TempDir dir;
  dir.write("1.bin", archive(kGood));
  const auto message = [&](const char* index) {
    const auto file = dir.write("pytorch_model.bin.index.json", index);
    return message_of<FileError>([&] { open_weights(file); });
  };
  EXPECT_TRUE(contains(message("{}"), "[open_torch_index] weight_map: got nothing"));
  EXPECT_TRUE(contains(message(R"({"weight_map":{"x":"2.bin"}})"), "a shard is missing"));
  EXPECT_TRUE(contains(message(R"({"weight_map":{"x":"../1.bin"}})"), "not in the folder"));
  EXPECT_TRUE(contains(message(R"({"weight_map":{"y":"1.bin"}})"),
                       "a tensor that is not in its shard: 'y'"));
}

}  // namespace
}  // namespace spikesink
