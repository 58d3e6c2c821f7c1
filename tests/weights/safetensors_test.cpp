#include "spikesink/weights/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "detail/edit_distance.h"
#include "message_of.h"
#include "read_bytes.h"
#include "spikesink/error.h"
#include "temp_dir.h"
#include "weights/cut_and_changed.h"
#include "weights/malformed.h"

namespace spikesink {
namespace {

std::string with_size(uint64_t size, const std::string& rest) {
  std::string bytes(sizeof size, '\0');
  std::memcpy(bytes.data(), &size, sizeof size);
  return bytes + rest;
}

/// A file of a true header size, `header` and `data_bytes` zeros.
std::string file_of(const std::string& header, size_t data_bytes = 0) {
  return with_size(header.size(), header) + std::string(data_bytes, '\0');
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return fmt::format(R"("{}":{{"dtype":"{}","shape":{},"data_offsets":{}}})", name, dtype, shape,
                     offsets);
}

std::string object(const std::vector<std::string>& entries) {
  return fmt::format("{{{}}}", fmt::join(entries, ","));
}

bool same(const torch::Tensor& a, const torch::Tensor& b) {
  return a.dtype() == b.dtype() && a.sizes() == b.sizes() &&
         torch::equal(a.flatten().view(torch::kByte), b.flatten().view(torch::kByte));
}

std::map<std::string, torch::Tensor> one_of_each_dtype() {
  const torch::Tensor numbers =
      torch::tensor({-2.5, 0.0, 1.0, 3.25, 100.0, -7.0}, torch::kFloat64).reshape({2, 3});
  std::map<std::string, torch::Tensor> tensors;
  for (const auto dtype :
       {torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kInt64,
        torch::kInt32, torch::kInt16, torch::kInt8, torch::kBool}) {
    tensors[c10::toString(dtype)] = numbers.to(dtype);
  }
  tensors["Byte"] = torch::arange(3, torch::kUInt8);
  tensors["Float8_e8m0fnu"] = torch::arange(256, torch::kUInt8).view(torch::kFloat8_e8m0fnu);
  tensors["scalar"] = torch::tensor(0.5F);
  tensors["nothing"] = torch::empty({2, 0, 3}, torch::kBFloat16);
  tensors["transposed"] = torch::arange(12, torch::kFloat32).reshape({3, 4}).t();
  return tensors;
}

TEST(SafetensorsTest, RoundTripKeepsEveryTensor) {
  const TempDir dir;
  const auto tensors = one_of_each_dtype();
  save_safetensors(dir / "a.safetensors", tensors, {{"format", "pt"}});
  const auto source = open_safetensors(dir / "a.safetensors");
  EXPECT_EQ(source->format(), WeightFormat::kSafetensors);
  EXPECT_EQ(source->path(), dir / "a.safetensors");
  ASSERT_EQ(source->tensors().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_TRUE(same(source->tensor(name), tensor)) << name;
    EXPECT_EQ(source->info(name).shape, tensor.sizes().vec());
  }
  EXPECT_EQ(source->info("BFloat16").dtype, "BF16");
}

TEST(SafetensorsTest, WrittenDataIsAligned) {
  const TempDir dir;
  save_safetensors(dir / "a.safetensors", one_of_each_dtype());
  const std::string bytes = read_bytes(dir / "a.safetensors");
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  EXPECT_EQ((sizeof header + header) % 64, 0U);
  EXPECT_EQ(bytes[8], '{');
}

TEST(SafetensorsTest, SavingLeavesNoTemporaryFileAndReplacesTheOld) {
  const TempDir dir;
  const auto file = dir / "a.safetensors";
  save_safetensors(file, {{"x", torch::zeros({4})}});
  const torch::Tensor old = open_safetensors(file)->tensor("x");
  save_safetensors(file, {{"x", old + 1}});
  EXPECT_TRUE(same(open_safetensors(file)->tensor("x"), torch::ones({4})));
  EXPECT_TRUE(same(old, torch::zeros({4})));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(SafetensorsTest, AFailedSaveLeavesTheOldFile) {
  const TempDir dir;
  std::filesystem::create_directories(dir / "a.safetensors" / "in the way");
  EXPECT_TRUE(contains(message_of<FileError>([&] { save_safetensors(dir / "a.safetensors", {}); }),
                       "cannot write"));
  EXPECT_TRUE(
      contains(message_of<FileError>([&] { save_safetensors(dir / "no folder" / "a", {}); }),
               "cannot write"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(SafetensorsTest, TensorsThatCannotBeSavedAreInvalidArguments) {
  const TempDir dir;
  const auto message = [&](const std::string& name, const torch::Tensor& tensor) {
    return message_of<std::invalid_argument>([&] {
      save_safetensors(dir / "a", {{name, tensor}});
    });
  };
  EXPECT_TRUE(contains(message("x", torch::Tensor()), "undefined (tensor 'x')"));
  EXPECT_TRUE(contains(message("x", torch::zeros({1}, torch::kComplexFloat)), "cannot be saved"));
  EXPECT_TRUE(contains(message("x", torch::zeros({1}).to_sparse()), "cannot be saved"));
  EXPECT_TRUE(contains(message("__metadata__", torch::zeros({1})), "cannot be named"));
  EXPECT_TRUE(contains(message("\xff", torch::zeros({1})), "not UTF-8"));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(SafetensorsTest, TensorsComeInTheOrderOfTheFileAndOutliveTheSource) {
  const TempDir dir;
  const auto header = object({entry("a", "I32", "[1]", "[4,8]"), entry("b", "I32", "[]", "[0,4]")});
  auto source = open_safetensors(dir.write("a.safetensors", file_of(header, 8)));
  EXPECT_EQ(source->tensors()[0].name, "b");
  EXPECT_EQ(source->tensors()[1].name, "a");
  const torch::Tensor scalar = source->tensor("b");
  source.reset();
  EXPECT_EQ(scalar.dim(), 0);
  EXPECT_EQ(scalar.item<int32_t>(), 0);
}

TEST(SafetensorsTest, AnEditStaysInMemory) {
  const TempDir dir;
  const auto file = dir / "a.safetensors";
  save_safetensors(file, {{"x", torch::zeros({4})}});
  const std::string before = read_bytes(file);
  const auto source = open_safetensors(file);
  source->tensor("x").fill_(1);
  EXPECT_TRUE(same(source->tensor("x"), torch::ones({4}))) << "the tensor is a view of the mapping";
  EXPECT_EQ(read_bytes(file), before);
}

TEST(SafetensorsTest, AMisalignedTensorIsCopied) {
  const TempDir dir;
  for (size_t padding = 0; padding < 8; ++padding) {
    const auto header = object({entry("x", "F64", "[2]", "[0,16]")}) + std::string(padding, ' ');
    const auto source = open_safetensors(dir.write("a.safetensors", file_of(header, 16)));
    const torch::Tensor tensor = source->tensor("x");
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data_ptr()) % 8, 0U);
    EXPECT_TRUE(same(tensor, torch::zeros({2}, torch::kFloat64)));
  }
}

TEST(SafetensorsTest, AnUnknownNameComesWithTheNearest) {
  const TempDir dir;
  save_safetensors(dir / "a.safetensors",
                   {{"layers.0.weight", torch::zeros({1})}, {"layers.0.bias", torch::zeros({1})}});
  const auto source = open_safetensors(dir / "a.safetensors");
  EXPECT_TRUE(source->contains("layers.0.weight"));
  EXPECT_FALSE(source->contains("layers.0.wieght"));
  EXPECT_TRUE(
      contains(message_of<std::invalid_argument>([&] { source->tensor("layers.0.wieght"); }),
               "no tensor 'layers.0.wieght' (" + source->path().string() +
                   "); the nearest names are 'layers.0.weight', "));
}

TEST(NearestTest, FewestEditsFirst) {
  const std::vector<std::string> names{"hook_attn_out", "hook_mlp_out", "hook_embed",
                                       std::string(1000, 'x')};
  EXPECT_EQ(detail::nearest("hook_mpl_out", names, 2),
            (std::vector<std::string>{"hook_mlp_out", "hook_attn_out"}));
  EXPECT_EQ(detail::nearest("hook_embed", names, 1), (std::vector<std::string>{"hook_embed"}));
  EXPECT_EQ(detail::nearest("", names, 9).size(), 4U);
  EXPECT_TRUE(detail::nearest("x", {}, 3).empty());
  EXPECT_TRUE(detail::nearest("x", names, 0).empty());
}

class MalformedSafetensorsTest : public testing::TestWithParam<Malformed> {};

TEST_P(MalformedSafetensorsTest, IsRefused) {
  const TempDir dir;
  const auto file = dir.write("bad.safetensors", GetParam().bytes);
  const std::string message = message_of<FileError>([&] { open_weights(file); });
  EXPECT_TRUE(contains(message, GetParam().fragment));
  EXPECT_TRUE(contains(message, file.string()));
}

std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets,
                size_t data_bytes) {
  return file_of(object({entry("x", dtype, shape, offsets)}), data_bytes);
}

std::string two(const std::string& first_offsets, const std::string& second_offsets,
                size_t data_bytes) {
  return file_of(
      object({entry("x", "U8", "[4]", first_offsets), entry("y", "U8", "[4]", second_offsets)}),
      data_bytes);
}

const Malformed kMalformedSafetensors[] = {
    {"Empty", "", "the file is empty"},
    {"ShorterThanItsHeaderSize", "1234567", "too short for its header: got 7 bytes"},
    {"HeaderPastTheEnd", with_size(3, "{}"),
     "the header's size is impossible: got 3 bytes, expected at most 2"},
    {"HeaderSizeOfAllOnes", with_size(UINT64_MAX, "{}"), "the header's size is impossible"},
    {"LfsPointer", "version https://git-lfs.github.com/spec/v1",
     "likely an interrupted download, a Git LFS pointer"},
    {"NoHeader", file_of(""), "not JSON"},
    {"BrokenJson", file_of(R"({"x":)"), "not JSON"},
    {"TextAfterJson", file_of("{}{}"), "not JSON"},
    {"BadUtf8", file_of("{\"\xff\":1}"), "not JSON"},
    {"HeaderIsAnArray", file_of("[]"), "got a JSON array, expected an object"},
    {"DeepNesting", file_of(R"({"x":{"shape":[[1]]}})"), "nested deeper than 3 levels"},
    {"TensorTwice",
     file_of(object({entry("x", "U8", "[1]", "[0,1]"), entry("x", "U8", "[1]", "[0,1]")}), 1),
     "a key occurs twice: 'x'"},
    {"FieldTwice",
     file_of(R"({"x":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}})", 1),
     "a key occurs twice: 'dtype'"},
    {"EntryIsANumber", file_of(R"({"x":1})"), "the header's entry: got number, expected an object"},
    {"NoDtype", file_of(R"({"x":{"shape":[1],"data_offsets":[0,1]}})", 1), "lacks 'dtype'"},
    {"NoShape", file_of(R"({"x":{"dtype":"U8","data_offsets":[0,1]}})", 1), "lacks 'shape'"},
    {"NoOffsets", file_of(R"({"x":{"dtype":"U8","shape":[1]}})", 1), "lacks 'data_offsets'"},
    {"DtypeIsANumber", file_of(R"({"x":{"dtype":1,"shape":[1],"data_offsets":[0,1]}})", 1),
     "the dtype: got number"},
    {"UnknownDtype", one("F4_E2M1", "[1]", "[0,1]", 1),
     "unknown dtype: got 'F4_E2M1', expected one of F64, F32"},
    {"ShapeIsANumber", one("U8", "1", "[0,1]", 1), "'shape': got number, expected an array"},
    {"NegativeSize", one("U8", "[-1]", "[0,1]", 1), "'shape' contains -1"},
    {"FractionalSize", one("U8", "[1.0]", "[0,1]", 1), "'shape' contains 1.0"},
    {"SizeIsText", one("U8", R"(["1"])", "[0,1]", 1), R"('shape' contains "1")"},
    {"SizePastInt64", one("U8", "[9223372036854775808]", "[0,1]", 1),
     "'shape' contains 9223372036854775808"},
    {"TooManyElements", one("U8", "[4294967296,4294967296]", "[0,1]", 1),
     "more elements than can be counted"},
    {"TooManyBytes", one("F64", "[4611686018427387904]", "[0,8]", 8),
     "more elements than can be counted"},
    {"HugeAndZero", one("U8", "[0,4294967296,4294967296]", "[0,0]", 0),
     "more elements than can be counted"},
    {"OneOffset", one("U8", "[1]", "[1]", 1), "data_offsets: got 1 numbers, expected 2"},
    {"NegativeOffset", one("U8", "[1]", "[-1,0]", 1), "'data_offsets' contains -1"},
    {"OffsetsSwapped", one("U8", "[1]", "[1,0]", 1), "expected begin before end"},
    {"DataPastTheEnd", one("U8", "[4]", "[0,4]", 3),
     "the data passes the end of the file: got offset 4, expected at most 3"},
    {"OffsetOfAllOnes", one("U8", "[1]", "[18446744073709551614,18446744073709551615]", 1),
     "passes the end of the file"},
    {"SizeUnlikeShape", one("F32", "[2]", "[0,4]", 4),
     "the data does not fit the shape: got 4 bytes, expected 8 for [2] of F32"},
    {"Overlap", two("[0,4]", "[3,7]", 7), "overlaps that of another tensor"},
    {"SamePlace", two("[0,4]", "[0,4]", 4), "overlaps that of another tensor"},
    {"Gap", two("[0,4]", "[5,9]", 9), "leaves a gap"},
    {"GapInFront", one("U8", "[1]", "[1,2]", 2), "leaves a gap"},
    {"BytesAfterTheLast", one("U8", "[1]", "[0,1]", 2), "bytes follow the last tensor"},
    {"MetadataIsAnArray", file_of(R"({"__metadata__":[]})"),
     "__metadata__: got array, expected an object"},
    {"MetadataHoldsANumber", file_of(R"({"__metadata__":{"step":1}})"),
     "__metadata__: got number as 'step'"},
};

INSTANTIATE_TEST_SUITE_P(Safetensors, MalformedSafetensorsTest,
                         testing::ValuesIn(kMalformedSafetensors),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(SafetensorsTest, BooleansAreCheckedWhenTheyAreRead) {
  const TempDir dir;
  const auto file =
      dir.write("odd.safetensors", file_of(object({entry("x", "BOOL", "[1]", "[0,1]")})) + "\x02");
  const auto source = open_safetensors(file);
  const auto message = message_of<FileError>([&] { source->tensor("x"); });
  EXPECT_TRUE(contains(message, "a boolean is neither 0 nor 1: got 2"));
}

TEST(SafetensorsTest, ACutOrChangedFileIsReadOrRefused) {
  const TempDir dir;
  save_safetensors(dir / "good.safetensors", one_of_each_dtype());
  expect_read_or_refused(read_bytes(dir / "good.safetensors"), open_safetensors);
}

class SafetensorsIndexTest : public testing::Test {
 protected:
  void SetUp() override {
    save_safetensors(dir_ / "1.safetensors", {{"a", torch::zeros({2})}, {"b", torch::ones({2})}});
    save_safetensors(dir_ / "2.safetensors", {{"c", torch::full({2}, 2)}});
  }

  std::string message(const std::string& index) {
    const auto file = dir_.write("model.safetensors.index.json", index);
    return message_of<FileError>([&] { open_weights(file); });
  }

  TempDir dir_;
};

TEST_F(SafetensorsIndexTest, ShardsAreOneSource) {
  dir_.write(
      "model.safetensors.index.json",
      R"({"metadata":{"total_size":32},"weight_map":{"a":"1.safetensors","b":"1.safetensors","c":"2.safetensors"}})");
  const auto source = open_weights(dir_.path());
  EXPECT_EQ(source->path(), dir_ / "model.safetensors.index.json");
  ASSERT_EQ(source->tensors().size(), 3U);
  EXPECT_TRUE(same(source->tensor("b"), torch::ones({2})));
  EXPECT_TRUE(same(source->tensor("c"), torch::full({2}, 2)));
}

TEST_F(SafetensorsIndexTest, AWrongIndexIsRefused) {
  EXPECT_TRUE(contains(message("{"), "not JSON"));
  EXPECT_TRUE(contains(message("{}"), "weight_map: got nothing"));
  EXPECT_TRUE(contains(message(R"({"weight_map":[]})"), "weight_map: got array"));
  EXPECT_TRUE(contains(message(R"({"weight_map":{"a":1}})"), "the shard of a tensor: got number"));
  EXPECT_TRUE(contains(message(R"({"weight_map":{"a":"1.safetensors","a":"2.safetensors"}})"),
                       "a key occurs twice: 'a'"));
  EXPECT_TRUE(contains(message(R"({"weight_map":{"a":"3.safetensors"}})"), "a shard is missing"));
  EXPECT_TRUE(contains(message(R"({"weight_map":{"a":"../1.safetensors"}})"), "not in the folder"));
  EXPECT_TRUE(
      contains(message(R"({"weight_map":{"a":"x/../../1.safetensors"}})"), "not in the folder"));
  EXPECT_TRUE(contains(message(R"({"weight_map":{"a":"/etc/passwd"}})"), "not in the folder"));
  EXPECT_TRUE(contains(message(R"({"weight_map":{"a":""}})"), "not in the folder"));
  EXPECT_TRUE(contains(message(R"({"weight_map":{"a":"2.safetensors"}})"),
                       "the index names a tensor that is not in its shard: 'a'"));
  EXPECT_TRUE(contains(message(R"({"weight_map":{"a":"1.safetensors"}})"),
                       "that the index does not assign to it: 'b'"));
}

}  // namespace
}  // namespace spikesink
