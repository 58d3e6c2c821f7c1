#pragma once

#include "spikesink/model/transformer.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Initialises the weights of a new model. Matrices and embeddings: normal distribution with this
/// standard deviation, divided by sqrt(blocks) for matrices that write to the residual stream (as
/// in GPT-2). Norm scales: 1 (stored as 0 with `scale_plus_one`). DynamicTanh alpha: 0.5. All
/// others: 0. The same seed gives the same weights, rounded to the model's dtype, on every device.
void initialize_weights(Transformer& model, double deviation, uint64_t seed);

}  // namespace spikesink
