#pragma once

#include "model/architectures/config_reading.h"
#include "model/weight_names.h"

// Llama, and what the families that descend from it share.

namespace spikesink::detail {

/// A pre-norm decoder with RMSNorm, RoPE, gated feed-forwards and no biases, as the keys say.
ModelConfig read_llama_like(ConfigKeys& keys, double norm_epsilon = 1e-6,
                            const RopeDefaults& rope = {});

/// Names of embedding, attention and gated feed-forward in `model.layers.N.`; norms as Llama's.
WeightNames llama_names();

}  // namespace spikesink::detail
