#pragma once

#include <functional>

#include "model/gguf_keys.h"
#include "model/weight_names.h"
#include "spikesink/model/model_config.h"

// What the families' GGUF files have in common.

namespace spikesink::detail {

/// Sizes, heads, context, and what the tensors alone tell: the vocabulary, biases, and whether the
/// unembedding is the embedding. model_type is `model_type`.
ModelConfig read_gguf_sizes(GgufKeys& keys, const std::string& model_type);

/// RMSNorm of the file's epsilon.
NormConfig read_gguf_rms_norm(GgufKeys& keys);
/// LayerNorm, likewise.
NormConfig read_gguf_layer_norm(GgufKeys& keys);

/// RoPE with the file's base and scaling, or its own divisors ("rope_freqs.weight").
RopeConfig read_gguf_rope(GgufKeys& keys, const ModelConfig& config, double theta = 10000.0);

/// The file's window, or `absent`, for the layers that slide.
void read_gguf_windows(GgufKeys& keys, ModelConfig& config, int64_t absent,
                       const std::function<bool(int64_t layer)>& slides);

/// Names of embedding, attention, feed-forward and norms; rows as they are.
WeightNames gguf_names();

}  // namespace spikesink::detail
