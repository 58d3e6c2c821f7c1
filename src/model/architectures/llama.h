#pragma once

#include "model/architectures/config_reading.h"
#include "model/weight_names.h"

// Readers and names that Llama and the families derived from it share.

namespace spikesink::detail {

/// Reads a pre-norm decoder with RMSNorm, RoPE, gated feed-forwards and no biases. `config` has the
/// sizes that files may omit.
ModelConfig read_llama_like(ConfigKeys& keys, double norm_epsilon = 1e-6,
                            const RopeDefaults& rope = {}, ModelConfig config = {});
/// Reads Llama itself.
ModelConfig read_llama_with_sizes(ConfigKeys& keys, ModelConfig sizes);

/// Returns the tensor names of Llama, with layers in `model.layers.N.`.
WeightNames llama_names();
/// Returns them for a family whose RoPE rotates adjacent channels.
WeightNames interleaved_llama_names();

}  // namespace spikesink::detail
