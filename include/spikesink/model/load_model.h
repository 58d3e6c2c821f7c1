#pragma once

#include <filesystem>

#include "spikesink/error.h"
#include "spikesink/model/transformer.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Where a model's weights are.
enum class WeightLoading {
  kAuto,        // as kByLayer where they need more than `LoadOptions::max_memory`, else as kWhole
  kWholeModel,  // in memory
  kByLayer,     // in their file: a layer's are brought when it is computed, and dropped after
};

struct LoadOptions {
  /// What weights and activations are held in: float32, bfloat16, float64, or float16, which holds
  /// no more than 65,504: many a spike overflows it (`NotFinite` says where).
  torch::Dtype dtype = torch::kFloat32;
  torch::Device device = torch::kCPU;
  WeightLoading weight_loading = WeightLoading::kAuto;
  /// Bytes that weights, and the hidden states of a `run` by layer, may take; 0: 80 % of what is
  /// free. Hidden states beyond it wait in a temporary file. A layer is computed with whatever this
  /// is: two parts (layers, embedding, head), and what a batch needs within one, are the least.
  int64_t max_memory = 0;
};

/// The configuration of a Hugging Face folder (`config.json`, the spelling of transformers 4 or 5)
/// or a `.gguf` file. A model type, or a key off its neutral value, that is not understood is a
/// FormatError.
ModelConfig read_model_config(const std::filesystem::path& path);

/// Loads a model, weights raw. The model types that are known: docs/models.md.
/// A tensor that is missing, unused, wrongly shaped or not finite is a FormatError that names it,
/// what was got and what was expected. Of a model that comes by layer, values that are not finite
/// are met when they are brought.
Transformer load_model(const std::filesystem::path& path, const LoadOptions& options = {});

}  // namespace spikesink
