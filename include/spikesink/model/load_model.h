#pragma once

#include <filesystem>
#include <string>
#include <vector>

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
  /// Keys of the configuration to read as if they were absent, such as "text_config.key".
  std::vector<std::string> ignored_keys;
  /// Tensors to read as if the file did not have them (without the prefixes of wrappers). A "*" at
  /// one end stands for any text.
  std::vector<std::string> ignored_tensors;
  /// Folder of a LoRA adapter (`adapter_config.json`) to merge into the weights; empty: none.
  std::filesystem::path adapter;
};

/// Reads the configuration of a Hugging Face folder (`config.json` of transformers 4 or 5) or of a
/// `.gguf` file. A key that transformers, for GGUF llama.cpp, does not read for this model type is
/// ignored (and named in ModelConfig::ignored_keys). Throws FileError for an unknown model type,
/// and for any other key that is not supported unless its value is null, false, zero or empty;
/// `ignored_keys` as in LoadOptions. Throws std::invalid_argument if an ignored key is not in the
/// file.
ModelConfig read_model_config(const std::filesystem::path& path,
                              const std::vector<std::string>& ignored_keys = {});

/// Returns what of a model's files was ignored, in one line; "" if nothing was.
std::string describe_ignored(const ModelConfig& config);

/// Loads a model without processing its weights (no folding, no centring). Supported model types
/// and files: docs/models.md. Quantised weights are dequantised. Throws FileError for a tensor that
/// is missing, unused, wrongly shaped or not finite; the message names the tensor and what was
/// expected. With kByLayer, values that are not finite are reported when the layer is loaded.
Transformer load_model(const std::filesystem::path& path, const LoadOptions& options = {});

}  // namespace spikesink
