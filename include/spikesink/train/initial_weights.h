#pragma once

#include "spikesink/model/transformer.h"
#include "spikesink/train/train_config.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Initialises the weights of a new model. The same seed gives the same weights, rounded to the
/// model's dtype, on every device.
void initialize_weights(Transformer& model, const InitialWeightsConfig& config, uint64_t seed);

}  // namespace spikesink
