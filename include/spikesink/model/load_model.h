#pragma once

#include <filesystem>

#include "spikesink/error.h"
#include "spikesink/model/transformer.h"

namespace spikesink {

struct LoadOptions {
  torch::Dtype dtype =
      torch::kFloat32;  // what weights and activations are held in: float32, bfloat16 or float64
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
