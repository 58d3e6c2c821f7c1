// Fuzzes a GGUF file: metadata, dequantisation of every tensor, configuration, tokenizer. An input
// without the magic number is a recipe, from which a file is written whose counts, lengths and
// types are consistent more often than in mutated bytes.

#include <fuzzer/FuzzedDataProvider.h>
#include <torch/torch.h>

#include <array>

#include "spikesink/model/load_model.h"
#include "spikesink/text/tokenizer.h"
#include "spikesink/weights/gguf.h"
#include "target.h"

namespace {

constexpr std::array kKeys = {
    "general.architecture",       "general.alignment",          "general.file_type",
    "llama.block_count",          "llama.embedding_length",     "llama.attention.head_count",
    "llama.rope.dimension_count", "tokenizer.ggml.model",       "tokenizer.ggml.pre",
    "tokenizer.ggml.tokens",      "tokenizer.ggml.merges",      "tokenizer.ggml.scores",
    "tokenizer.ggml.token_type",  "tokenizer.ggml.bos_token_id"};
constexpr std::array kWords = {"llama", "gpt2",    "gemma3", "phi3", "bert",
                               "t5",    "default", "a",      "b",    "ab"};
constexpr std::array<size_t, 13> kWidths = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
constexpr uint32_t kString = 8, kArray = 9;

class Recipe {
 public:
  Recipe(const uint8_t* data, size_t size) : input_(data, size) {}

  std::string file() {
    const auto keys = input_.ConsumeIntegralInRange<uint64_t>(0, 12);
    const auto tensors = input_.ConsumeIntegralInRange<uint64_t>(0, 4);
    bytes_ = "GGUF";
    put<uint32_t>(input_.ConsumeBool() ? 3 : 2);
    put(tensors);
    put(keys);
    for (uint64_t key = 0; key < keys; ++key) put_key();
    for (uint64_t tensor = 0; tensor < tensors; ++tensor) put_tensor(tensor);
    bytes_.resize((bytes_.size() + 31) / 32 * 32);
    return bytes_ + input_.ConsumeRemainingBytesAsString();
  }

 private:
  template <typename T>
  void put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void put_string(std::string_view text) {
    put<uint64_t>(text.size());
    bytes_ += text;
  }
  void put_word() {
    put_string(input_.ConsumeBool() ? input_.PickValueInArray(kWords)
                                    : input_.ConsumeRandomLengthString(24));
  }
  void put_plain(uint32_t type) {
    if (type == kString) return put_word();
    auto value = input_.ConsumeBytes<char>(type < kWidths.size() ? kWidths[type] : 1);
    value.resize(type < kWidths.size() ? kWidths[type] : 1);
    bytes_.append(value.begin(), value.end());
  }
  void put_value(uint32_t type) {
    put(type);
    if (type != kArray) return put_plain(type);
    const auto element = input_.ConsumeIntegralInRange<uint32_t>(0, 13);
    const auto count = input_.ConsumeIntegralInRange<uint64_t>(0, 20);
    put(element);
    put(input_.ConsumeBool() ? count : input_.ConsumeIntegral<uint64_t>());
    for (uint64_t index = 0; index < count; ++index) put_plain(element);
  }
  void put_key() {
    put_string(input_.ConsumeBool() ? input_.PickValueInArray(kKeys)
                                    : input_.ConsumeRandomLengthString(24));
    put_value(input_.ConsumeIntegralInRange<uint32_t>(0, 13));
  }
  void put_tensor(uint64_t number) {
    put_string(input_.ConsumeBool() ? "t" + std::to_string(number)
                                    : input_.ConsumeRandomLengthString(12));
    const auto dimensions = input_.ConsumeIntegralInRange<uint32_t>(0, 5);
    put(dimensions);
    for (uint32_t dimension = 0; dimension < dimensions; ++dimension)
      put(input_.ConsumeBool() ? 32 * input_.ConsumeIntegralInRange<uint64_t>(0, 8)
                               : input_.ConsumeIntegral<uint64_t>());
    put(input_.ConsumeIntegralInRange<uint32_t>(0, 42));
    put(input_.ConsumeBool() ? 32 * input_.ConsumeIntegralInRange<uint64_t>(0, 64)
                             : input_.ConsumeIntegral<uint64_t>());
  }

  FuzzedDataProvider input_;
  std::string bytes_;
};

void read(const std::filesystem::path& path) {
  const spikesink::GgufFile file(path);
  for (const auto& info : file.tensors()) {
    int64_t numel = 1;
    for (const int64_t extent : info.shape) numel *= extent;
    if (numel > 1 << 20) continue;  // would take too long
    fuzz::require(file.tensor(info.name).sizes().equals(info.shape),
                  "a tensor of another shape than its info's");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::Folder folder;
  const auto text = fuzz::text_of(data, size);
  const auto file = folder.write(
      "model.gguf", text.starts_with("GGUF") ? std::string(text) : Recipe(data, size).file());
  fuzz::expect_format_error_at_worst([&] { read(file); });
  fuzz::expect_format_error_at_worst([&] { spikesink::read_model_config(file); });
  fuzz::expect_format_error_at_worst(
      [&] { spikesink::load_tokenizer(file)->encode("a text of 3 words"); });
  return 0;
}
