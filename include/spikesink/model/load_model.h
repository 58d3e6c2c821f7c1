#pragma once

#include <filesystem>

#include "spikesink/error.h"
#include "spikesink/model/transformer.h"

namespace [[gnu::visibility("default")]] spikesink {

/// When a model's weights are loaded.
enum class WeightLoadingMode {
  kAuto,  // kByLayer if the weights need more than `LoadOptions::max_memory`, else kWholeModel
  kWholeModel,  // all at once; they stay in memory
  kByLayer,     // each layer's weights when it runs; they are unloaded afterwards
};

struct LoadOptions {
  /// dtype of weights and activations: float32, bfloat16, float64, or float16. The largest float16
  /// value is 65,504, and many spikes overflow it (`NotFinite` reports where).
  torch::Dtype dtype = torch::kFloat32;
  torch::Device device = torch::kCPU;
  WeightLoadingMode weight_loading = WeightLoadingMode::kAuto;
  /// Memory limit in bytes for the weights; with kByLayer also for the hidden states between two
  /// layers of a `run`. 0: 80 % of the free memory. Hidden states over the limit go to a temporary
  /// file. A very small limit can be exceeded, because at least two weight groups (see WeightGroup)
  /// and the activations of one batch in one layer are always in memory.
  int64_t max_memory = 0;
};

/// Reads the configuration of a Hugging Face folder (`config.json` of transformers 4 or 5) or of a
/// `.gguf` file. Throws FileError for an unknown model type, and for an unknown key unless its
/// value is null, false, zero or empty.
ModelConfig read_model_config(const std::filesystem::path& path);

/// Loads a model without processing its weights (no folding, no centring). Supported model types:
/// docs/models.md. Throws FileError for a tensor that is missing, unused, wrongly shaped or not
/// finite; the message names the tensor and what was expected. With kByLayer, values that are not
/// finite are reported when the layer is loaded.
Transformer load_model(const std::filesystem::path& path, const LoadOptions& options = {});

}  // namespace spikesink
