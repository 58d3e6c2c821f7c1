#include "spikesink/weights/gguf.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "message_of.h"
#include "read_bytes.h"
#include "spikesink/error.h"
#include "spikesink/weights/safetensors.h"
#include "temp_dir.h"
#include "weights/malformed.h"

namespace spikesink {
namespace {

const std::filesystem::path kGoldens = std::filesystem::path(SPIKESINK_GOLDENS) / "gguf";

bool same_bits(const torch::Tensor& a, const torch::Tensor& b) {
  return a.dtype() == b.dtype() && a.sizes() == b.sizes() &&
         std::memcmp(a.data_ptr(), b.data_ptr(), a.nbytes()) == 0;
}

/// The bytes of a GGUF file, written piece by piece.
class Bytes {
 public:
  template <typename T>
  Bytes& number(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Bytes& u32(uint32_t value) { return number(value); }
  Bytes& u64(uint64_t value) { return number(value); }
  Bytes& text(const std::string& text) {
    u64(text.size());
    return raw(text);
  }
  Bytes& raw(const std::string& bytes) {
    bytes_ += bytes;
    return *this;
  }
  Bytes& header(uint64_t tensors, uint64_t values, uint32_t version = 3) {
    return raw("GGUF").u32(version).u64(tensors).u64(values);
  }
  Bytes& tensor(const std::string& name, const std::vector<uint64_t>& sizes, uint32_t type,
                uint64_t offset) {
    text(name).u32(static_cast<uint32_t>(sizes.size()));
    for (const uint64_t size : sizes) u64(size);
    return u32(type).u64(offset);
  }
  /// Zeros up to a multiple of `alignment`, then `data_bytes` more.
  Bytes& data(size_t data_bytes, size_t alignment = 32) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment + data_bytes);
    return *this;
  }
  const std::string& str() const { return bytes_; }
  operator const std::string&() const { return bytes_; }

 private:
  std::string bytes_;
};

TEST(GgufTest, QuantisedTypesAgreeWithTheReferenceBitForBit) {
  const GgufFile file(kGoldens / "quantised.gguf");
  const auto expected = open_weights(kGoldens / "expected.safetensors");
  ASSERT_EQ(file.tensors().size(), 24U);
  for (const TensorInfo& info : file.tensors()) {
    EXPECT_EQ(info.dtype, info.name);
    EXPECT_TRUE(same_bits(file.tensor(info.name), expected->tensor(info.name))) << info.name;
  }
}

TEST(GgufTest, PlainTypesAgreeWithTheReferenceBitForBit) {
  const GgufFile file(kGoldens / "plain.gguf");
  const auto expected = open_weights(kGoldens / "expected.safetensors");
  ASSERT_EQ(file.tensors().size(), 8U);
  for (const TensorInfo& info : file.tensors()) {
    EXPECT_EQ(info.dtype, info.name);
    EXPECT_TRUE(same_bits(file.tensor(info.name), expected->tensor(info.name))) << info.name;
  }
}

TEST(GgufTest, EveryKindOfMetadataIsRead) {
  const GgufFile file(kGoldens / "plain.gguf");
  EXPECT_EQ(file.get<int64_t>("kind.uint8"), 255);
  EXPECT_EQ(file.get<int64_t>("kind.int8"), -128);
  EXPECT_EQ(file.get<int64_t>("kind.uint16"), 65535);
  EXPECT_EQ(file.get<int64_t>("kind.int16"), -32768);
  EXPECT_EQ(file.get<int64_t>("kind.uint32"), 4294967295);
  EXPECT_EQ(file.get<int64_t>("kind.int32"), -2147483648);
  EXPECT_EQ(file.get<int64_t>("kind.uint64"), INT64_MAX);
  EXPECT_EQ(file.get<int64_t>("kind.int64"), INT64_MIN);
  EXPECT_EQ(file.get<double>("kind.float32"), static_cast<double>(0.1F));
  EXPECT_EQ(file.get<double>("kind.float64"), 0.1);
  EXPECT_TRUE(file.get<bool>("kind.bool"));
  EXPECT_EQ(file.get<std::string>("kind.string"), "spike → sink");
  EXPECT_EQ(file.get<std::vector<bool>>("list.bool"), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(file.get<std::vector<int64_t>>("list.int32"), (std::vector<int64_t>{-1, 0, 1}));
  EXPECT_EQ(file.get<std::vector<double>>("list.float32"), (std::vector<double>{0.5, -0.25}));
  EXPECT_EQ(file.get<std::vector<std::string>>("list.string"),
            (std::vector<std::string>{"", "a", "é"}));
  EXPECT_EQ(file.metadata().begin()->first, "general.alignment");
}

TEST(GgufTest, AnAbsentKeyAndAnotherKindAreReported) {
  const GgufFile file(kGoldens / "plain.gguf");
  EXPECT_EQ(file.find<int64_t>("no.such.key"), nullptr);
  EXPECT_TRUE(contains(message_of<FileError>([&] { file.get<double>("no.such.key"); }),
                       "a key is missing: expected a real number"));
  EXPECT_TRUE(contains(message_of<FileError>([&] { file.find<int64_t>("kind.string"); }),
                       "got a string, expected an integer"));
  EXPECT_TRUE(contains(message_of<FileError>([&] { file.get<bool>("list.bool"); }),
                       "got a list of booleans, expected a boolean"));
}

TEST(GgufTest, ALargeTensorIsDequantisedWhole) {
  constexpr int64_t kBlocks = 40000;
  constexpr uint32_t kQ8_0 = 8;
  Bytes bytes;
  bytes.header(1, 0).tensor("x", {32 * 100, kBlocks / 100}, kQ8_0, 0).data(0);
  for (int64_t block = 0; block < kBlocks; ++block) {
    bytes.number<uint16_t>(0x3c00);  // 1.0
    for (int64_t j = 0; j < 32; ++j) bytes.number(static_cast<int8_t>((block + j) % 256 - 128));
  }
  const TempDir dir;
  const GgufFile file(dir.write("large.gguf", bytes.str()));
  const auto positions = torch::arange(kBlocks).unsqueeze(1) + torch::arange(32);
  const auto expected = (positions % 256 - 128).to(torch::kFloat32).reshape({kBlocks / 100, 3200});
  EXPECT_TRUE(torch::equal(file.tensor("x"), expected));
}

TEST(GgufTest, VersionTwoAndAnEmptyTensorAreRead) {
  const TempDir dir;
  Bytes bytes;
  bytes.header(2, 0, 2).tensor("none", {0, 2}, 2, 0).tensor("one", {1}, 0, 0).data(4);
  const GgufFile file(dir.write("a.gguf", bytes.str()));
  EXPECT_EQ(file.format(), WeightFormat::kGguf);
  EXPECT_EQ(file.tensor("none").sizes(), (std::vector<int64_t>{2, 0}));
  EXPECT_TRUE(torch::equal(file.tensor("one"), torch::zeros({1})));
}

TEST(GgufTest, AMisalignedTensorIsCopied) {
  const TempDir dir;
  const Bytes bytes = Bytes()
                          .header(2, 1)
                          .text("general.alignment")
                          .u32(4)
                          .u32(1)
                          .tensor("a", {1}, 24, 0)
                          .tensor("b", {2}, 0, 1)
                          .data(9, 1);
  const torch::Tensor tensor = GgufFile(dir.write("a.gguf", bytes.str())).tensor("b");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data_ptr()) % 4, 0U);
  EXPECT_TRUE(torch::equal(tensor, torch::zeros({2})));
}

TEST(GgufTest, TheDemoModelIsRead) {
  if (!std::filesystem::exists(SPIKESINK_SMOLLM2)) GTEST_SKIP() << "scripts/setup brings the model";
  const GgufFile file(SPIKESINK_SMOLLM2);
  EXPECT_EQ(file.tensors().size(), 272U);
  EXPECT_EQ(file.get<int64_t>("llama.block_count"), 30);
  EXPECT_EQ(file.get<std::vector<std::string>>("tokenizer.ggml.tokens").size(), 49152U);
  const torch::Tensor embedding = file.tensor("token_embd.weight");
  EXPECT_EQ(embedding.sizes(), (std::vector<int64_t>{49152, 576}));
  EXPECT_TRUE(embedding.isfinite().all().item<bool>());
}

class MalformedGgufTest : public testing::TestWithParam<Malformed> {};

TEST_P(MalformedGgufTest, IsRefused) {
  const TempDir dir;
  const auto file = dir.write("bad.gguf", GetParam().bytes);
  const std::string message = message_of<FileError>([&] { open_weights(file); });
  EXPECT_TRUE(contains(message, GetParam().fragment));
  EXPECT_TRUE(contains(message, file.string()));
}

constexpr uint32_t kF32 = 0, kQ4_0 = 2, kI8 = 24;
constexpr uint32_t kUint32 = 4, kInt32 = 5, kBool = 7, kString = 8, kArray = 9, kUint64 = 10;

Bytes one_value(const std::string& key, uint32_t kind) {
  return Bytes().header(0, 1).text(key).u32(kind);
}

Bytes aligned_to(uint32_t alignment) {
  return one_value("general.alignment", kUint32).u32(alignment);
}

Bytes one_tensor(const std::vector<uint64_t>& sizes, uint32_t type, uint64_t offset,
                 size_t data_bytes) {
  return Bytes().header(1, 0).tensor("x", sizes, type, offset).data(data_bytes);
}

Bytes two_tensors(const char* second_name, uint64_t second_offset) {
  return Bytes()
      .header(2, 0)
      .tensor("x", {40}, kI8, 0)
      .tensor(second_name, {40}, kI8, second_offset)
      .data(200);
}

const std::string kPadding(64, '\0');

const Malformed kMalformedGguf[] = {
    {"Empty", "", "the file is empty"},
    {"CutInTheMagic", "GG", "the file ends too early: got 2 bytes, expected 4"},
    {"WrongMagic", Bytes().raw("GGML").u32(3).u64(0).u64(0), "not a GGUF file"},
    {"VersionOne", Bytes().raw("GGUF").u32(1).u32(0).u32(0), "GGUF v1 is not read"},
    {"VersionFour", Bytes().header(0, 0, 4), "unknown version: got 4"},
    {"VersionZero", Bytes().header(0, 0, 0), "unknown version: got 0"},
    {"BigEndian", Bytes().header(0, 0, 0x03000000), "a big-endian file is not read"},
    {"CutInTheHeader", Bytes().raw("GGUF").u32(3).u64(0), "the file ends too early"},
    {"TooManyTensors", Bytes().header(uint64_t{1} << 60, 0),
     "the count passes the end of the file"},
    {"TooManyKeys", Bytes().header(0, uint64_t{1} << 60), "the count passes the end of the file"},
    {"KeyPastTheEnd", Bytes().header(0, 1).u64(60000).raw(kPadding), "the file ends too early"},
    {"KeyTooLong", Bytes().header(0, 1).u64(65536).raw(kPadding),
     "a name is too long: got 65536 bytes, expected at most 65535"},
    {"KeyTwice", Bytes().header(0, 2).text("k").u32(kBool).raw("\1").text("k").u32(kBool).raw("\1"),
     "a key occurs twice"},
    {"UnknownKind", one_value("k", 13).raw(kPadding), "unknown kind of value: got 13"},
    {"CutInAValue", one_value("k", kUint64).u32(0),
     "the file ends too early: got 4 bytes, expected 8"},
    {"StringPastTheEnd", one_value("k", kString).u64(uint64_t{1} << 60).raw(kPadding),
     "the file ends too early"},
    {"OddBoolean", one_value("k", kBool).raw("\2"), "a boolean is neither 0 nor 1: got 2"},
    {"UintPastInt64", one_value("k", kUint64).u64(uint64_t{1} << 63),
     "a number is too large: got 9223372036854775808"},
    {"ListPastTheEnd", one_value("k", kArray).u32(kInt32).u64(uint64_t{1} << 60).raw(kPadding),
     "the count passes the end of the file: got 1152921504606846976 items, expected at most 16"},
    {"ListOfStringsPastTheEnd",
     one_value("k", kArray).u32(kString).u64(uint64_t{1} << 60).raw(kPadding), "the count passes"},
    {"ListOfLists", one_value("k", kArray).u32(kArray).u64(1).raw(kPadding),
     "a list of lists is not understood"},
    {"ListOfUnknownKind", one_value("k", kArray).u32(99).u64(1).raw(kPadding),
     "unknown kind of value: got 99"},
    {"AlignmentOfZero", aligned_to(0), "general.alignment is not understood"},
    {"AlignmentOfThree", aligned_to(3), "general.alignment is not understood"},
    {"AlignmentTooLarge", aligned_to(1U << 31), "general.alignment is not understood"},
    {"AlignmentIsText", one_value("general.alignment", kString).text("32"),
     "general.alignment is not understood"},
    {"PartOfAModel",
     Bytes()
         .header(0, 2)
         .text("split.count")
         .u32(kUint32)
         .u32(2)
         .text("split.no")
         .u32(kUint32)
         .u32(0),
     "got 'bad.gguf', expected a name that ends in -00001-of-00002.gguf"},
    {"PartsOfNoNumber", one_value("split.count", kUint32).u32(2),
     "got nothing, expected an integer from 0 to 65535"},
    {"TooManyParts", one_value("split.count", kUint64).u64(uint64_t{1} << 62),
     "got 4611686018427387904, expected an integer from 0 to 65535"},
    {"PartsAreText", one_value("split.count", kString).text("2"),
     "got a value of another type, expected an integer from 0 to 65535"},
    {"NoDimensions", Bytes().header(1, 0).tensor("x", {}, kF32, 0).data(64),
     "number of dimensions: got 0"},
    {"FiveDimensions", one_tensor({1, 1, 1, 1, 1}, kF32, 0, 4),
     "number of dimensions: got 5, expected 1 to 4"},
    {"SizePastInt64", one_tensor({uint64_t{1} << 63}, kF32, 0, 4), "a number is too large"},
    {"TooManyElements", one_tensor({uint64_t{1} << 32, uint64_t{1} << 32}, kF32, 0, 4),
     "more elements than can be counted"},
    {"TooManyBytes", one_tensor({uint64_t{1} << 62}, kF32, 0, 4),
     "more elements than can be counted"},
    {"KnownUnsupportedType", one_tensor({256}, 41, 0, 98),
     "the tensor's type is not supported: got Q1_0"},
    {"UnknownType", one_tensor({256}, 77, 0, 98),
     "the tensor's type is not supported: got type 77"},
    {"PartOfABlock", one_tensor({16, 2}, kQ4_0, 0, 18),
     "got 16 elements, expected a multiple of 32 for Q4_0"},
    {"UnalignedOffset", one_tensor({1}, kF32, 4, 8),
     "the offset is not aligned: got 4, expected a multiple of 32"},
    {"DataPastTheEnd", one_tensor({2}, kF32, 0, 7),
     "the data passes the end of the file: got 8 bytes at 0, expected at most 7"},
    {"OffsetPastTheEnd", one_tensor({1}, kF32, uint64_t{1} << 63, 4),
     "the data passes the end of the file"},
    {"NoData", Bytes().header(1, 0).tensor("x", {1}, kF32, 0),
     "the data passes the end of the file"},
    {"Overlap", two_tensors("y", 32), "the data of two tensors overlaps: 'x' and 'y'"},
    {"TensorTwice", two_tensors("x", 64), "two tensors have one name: 'x'"},
    {"CutInTheTensors", Bytes().header(1, 0).text("x").u32(1).u64(1).u32(0).raw("1234"),
     "the file ends too early"},
};

INSTANTIATE_TEST_SUITE_P(Gguf, MalformedGgufTest, testing::ValuesIn(kMalformedGguf),
                         [](const auto& info) { return std::string(info.param.name); });

class ChangedGgufTest : public testing::TestWithParam<const char*> {};

TEST_P(ChangedGgufTest, IsReadOrRefused) {
  const TempDir dir;
  const std::string good = read_bytes(kGoldens / (std::string(GetParam()) + ".gguf"));
  const auto try_it = [&](const std::string& bytes) {
    try {
      const GgufFile file(dir.write("changed.gguf", bytes));
      for (const TensorInfo& info : file.tensors())
        file.tensor(info.name).to(torch::kFloat64).sum();
    } catch (const FileError&) {
    }
  };
  for (size_t i = 0; i < good.size(); i += i < 2048 ? 1 : 61) {
    EXPECT_NO_THROW(try_it(good.substr(0, i))) << "cut at " << i;
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ (1 << i % 8));
    EXPECT_NO_THROW(try_it(changed)) << "bit changed at " << i;
    changed[i] = '\xff';
    EXPECT_NO_THROW(try_it(changed)) << "byte changed at " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Gguf, ChangedGgufTest, testing::Values("plain", "quantised"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace spikesink
