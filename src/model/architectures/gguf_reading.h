#pragma once

#include "model/gguf_keys.h"
#include "model/weight_names.h"
#include "spikesink/model/model_config.h"

// Readers of GGUF metadata that several families share.

namespace spikesink::detail {

/// Reads sizes, heads and context. The vocabulary, biases and tied embeddings are found from the
/// tensors. Sets `model_type`. `reads_logit_scale`: the family has the key `logit_scale`, which is
/// read, too.
ModelConfig read_gguf_sizes(GgufKeys& keys, const std::string& model_type,
                            bool reads_logit_scale = false);

/// Reads an RMSNorm with the file's epsilon.
NormConfig read_gguf_rms_norm(GgufKeys& keys);
/// Reads a LayerNorm with the file's epsilon.
NormConfig read_gguf_layer_norm(GgufKeys& keys);

/// Reads the experts of files whose first layers can be dense: their widths, the shared experts,
/// which are one, and the factor of the weights.
void read_gguf_experts(GgufKeys& keys, ModelConfig& config);

/// Reads RoPE with the file's base and its scaling or factors ("rope_freqs.weight").
RopeConfig read_gguf_rope(GgufKeys& keys, const ModelConfig& config);

/// Sets the sliding window of the layers that the file names; of a file that names none: of all but
/// the last of each `period` layers.
void read_gguf_windows(GgufKeys& keys, ModelConfig& config, int64_t window, int64_t period);

/// Gives the layers with a sliding window a RoPE of their own, `rope` with the file's base for
/// them, unless it is that of the other layers.
void read_gguf_sliding_rope(GgufKeys& keys, ModelConfig& config, RopeConfig rope);

/// Returns the common tensor names; no rows are reordered.
WeightNames gguf_names();
/// Returns them for a family whose RoPE rotates adjacent channels.
WeightNames interleaved_gguf_names();

}  // namespace spikesink::detail
