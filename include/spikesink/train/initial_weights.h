#pragma once

#include "spikesink/model/transformer.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Fills a fresh model: matrices and embeddings with normal numbers of this deviation, those that
/// write to the stream over sqrt(blocks) besides (GPT-2's rule); norms' scales with what makes them
/// 1, DynamicTanh's alpha with 0.5, all else with 0. The same seed gives the same weights in every
/// dtype, on every device.
void initialize_weights(Transformer& model, double deviation, uint64_t seed);

}  // namespace spikesink
