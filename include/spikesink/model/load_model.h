#pragma once

#include <filesystem>

#include "spikesink/error.h"
#include "spikesink/model/transformer.h"

namespace spikesink {

struct LoadOptions {
  /// What weights and activations are held in: float32, bfloat16, float64, or float16, which holds
  /// no more than 65,504: many a spike overflows it (`NotFinite` says where).
  torch::Dtype dtype = torch::kFloat32;
  torch::Device device = torch::kCPU;
};

/// The configuration of a Hugging Face folder (`config.json`, the spelling of transformers 4 or 5)
/// or a `.gguf` file. A model type, or a key off its neutral value, that is not understood is a
/// FormatError.
ModelConfig read_model_config(const std::filesystem::path& path);

/// Loads a model, weights raw. The model types that are known: docs/models.md.
/// A tensor that is missing, unused, wrongly shaped or not finite is a FormatError that names it,
/// what was got and what was expected.
Transformer load_model(const std::filesystem::path& path, const LoadOptions& options = {});

}  // namespace spikesink
