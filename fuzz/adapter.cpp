// Fuzzes a LoRA adapter of a base with two matrices: its settings, and reading every merged tensor.
// Input: adapter_config.json, and the safetensors file.

#include <torch/torch.h>

#include "spikesink/weights/safetensors.h"
#include "target.h"
#include "weights/adapters/merge_adapter.h"
#include "weights/canonical_names.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::Folder folder;
  static const bool base_written = [] {
    spikesink::save_safetensors(
        folder / "base.safetensors",
        {{"model.q.weight", torch::ones({3, 2})}, {"model.e.weight", torch::ones({4, 3})}});
    return true;
  }();
  (void)base_written;
  const auto parts = fuzz::split_input(fuzz::text_of(data, size), 2);
  const auto config = folder.write("adapter_config.json", parts[0]);
  const auto file = folder.write("adapter_model.safetensors", fuzz::as_safetensors(parts[1]));
  fuzz::expect_format_error_at_worst([&] {
    using namespace spikesink::detail;
    const auto adapter = with_canonical_names(spikesink::open_safetensors(file));
    const auto merged = with_adapter(spikesink::open_safetensors(folder / "base.safetensors"),
                                     *adapter, AdapterConfig(config), {{"model.", ""}, ""});
    for (const auto& info : merged->tensors())
      fuzz::require(merged->tensor(info.name).sizes().equals(info.shape),
                    "a tensor of another shape than its info's");
  });
  return 0;
}
