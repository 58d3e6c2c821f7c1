// Fuzzes model.safetensors.index.json with two valid shards and a third one from the input. Input:
// index, shard.

#include <torch/torch.h>

#include "spikesink/weights/safetensors.h"
#include "target.h"

namespace {

constexpr std::string_view kFirst = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
constexpr std::string_view kSecond =
    R"({"b":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]},"c":{"dtype":"F16","shape":[],"data_offsets":[4,6]}})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::Folder folder;
  static const bool shards_written = [] {
    folder.write("1.safetensors", fuzz::as_safetensors(std::string(kFirst) + '\0' + "1234"));
    folder.write("2.safetensors", fuzz::as_safetensors(std::string(kSecond) + '\0' + "123456"));
    return true;
  }();
  (void)shards_written;
  const auto parts = fuzz::split_input(fuzz::text_of(data, size), 2);
  const auto index = folder.write("model.safetensors.index.json", parts[0]);
  folder.write("3.safetensors", fuzz::as_safetensors(parts[1]));
  fuzz::expect_format_error_at_worst([&] {
    const auto source = spikesink::open_safetensors_index(index);
    for (const auto& info : source->tensors())
      fuzz::require(source->tensor(info.name).sizes().equals(info.shape),
                    "a tensor of another shape than its info's");
  });
  return 0;
}
