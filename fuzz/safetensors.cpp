// Fuzzes a safetensors file: open_safetensors, and reading every tensor.

#include <torch/torch.h>

#include "spikesink/weights/safetensors.h"
#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::Folder folder;
  const auto file =
      folder.write("model.safetensors", fuzz::as_safetensors(fuzz::text_of(data, size)));
  fuzz::expect_format_error_at_worst([&] {
    const auto source = spikesink::open_safetensors(file);
    for (const auto& info : source->tensors()) {
      const auto tensor = source->tensor(info.name);
      fuzz::require(tensor.sizes().equals(info.shape), "a tensor of another shape than its info's");
      const auto bytes = source->byte_ranges(info.name).front();
      fuzz::require(bytes.size() == tensor.nbytes(), "bytes of another size");
      volatile uint8_t sum = 0;
      for (const uint8_t byte : bytes) sum = sum + byte;
    }
  });
  return 0;
}
