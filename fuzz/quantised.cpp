// Fuzzes a quantised checkpoint: its settings, and reading every dequantised tensor. Input: the
// configuration with `quantization_config` or `quantization`, and the safetensors file.

#include <torch/torch.h>

#include "detail/strict_json.h"
#include "spikesink/weights/safetensors.h"
#include "target.h"
#include "weights/quantised/quantisation.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::Folder folder;
  const auto parts = fuzz::split_input(fuzz::text_of(data, size), 2);
  const auto file = folder.write("model.safetensors", fuzz::as_safetensors(parts[1]));
  fuzz::expect_format_error_at_worst([&] {
    const auto config =
        spikesink::detail::parse_strict_json(parts[0], 8, "read_model_config", file);
    const auto quantisation = spikesink::detail::read_quantisation(config, file.string());
    const auto weights =
        spikesink::detail::dequantized(spikesink::open_safetensors(file), quantisation);
    for (const auto& info : weights.source->tensors()) {
      const auto tensor = weights.source->tensor(info.name);
      fuzz::require(tensor.sizes().equals(info.shape), "a tensor of another shape than its info's");
      fuzz::require(tensor.nbytes() <= 64 * size, "many more bytes than the file has");
    }
  });
  return 0;
}
