#pragma once

#include <functional>

#include "model/gguf_keys.h"
#include "model/weight_names.h"
#include "spikesink/model/model_config.h"

// Readers of GGUF metadata that several families share.

namespace spikesink::detail {

/// Reads sizes, heads and context. The vocabulary, biases and tied embeddings are found from the
/// tensors. Sets `model_type`.
ModelConfig read_gguf_sizes(GgufKeys& keys, const std::string& model_type);

/// Reads an RMSNorm with the file's epsilon.
NormConfig read_gguf_rms_norm(GgufKeys& keys);
/// Reads a LayerNorm with the file's epsilon.
NormConfig read_gguf_layer_norm(GgufKeys& keys);

/// Reads RoPE with the file's base and its scaling or factors ("rope_freqs.weight").
RopeConfig read_gguf_rope(GgufKeys& keys, const ModelConfig& config, double theta = 10000.0);

/// Sets the sliding window of the layers selected by `slides`; `absent` is the default window.
void read_gguf_windows(GgufKeys& keys, ModelConfig& config, int64_t absent,
                       const std::function<bool(int64_t layer)>& slides);

/// Returns the common tensor names; no rows are reordered.
WeightNames gguf_names();

}  // namespace spikesink::detail
