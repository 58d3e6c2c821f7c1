#pragma once

#include "model/architectures/config_reading.h"
#include "model/weight_names.h"

// Readers and names that Llama and the families derived from it share.

namespace spikesink::detail {

/// Reads a pre-norm decoder with RMSNorm, RoPE, gated feed-forwards and no biases. `context` is the
/// default, 0 for none.
ModelConfig read_llama_like(ConfigKeys& keys, double norm_epsilon = 1e-6,
                            const RopeDefaults& rope = {}, int64_t context = 0);

/// Returns the tensor names of Llama, with layers in `model.layers.N.`.
WeightNames llama_names();

}  // namespace spikesink::detail
