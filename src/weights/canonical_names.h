#pragma once

#include "weights/derived_weights.h"

namespace spikesink::detail {

/// Returns `source` with the names that its tensors had before tools wrapped the model:
/// torch.compile ("_orig_mod."), data parallelism ("module.") and PEFT ("base_model.model.",
/// "base_layer.", "modules_to_save.default."). "module." and
/// "base_model.model." are removed if all names begin with them.
std::unique_ptr<WeightSource> with_canonical_names(std::unique_ptr<WeightSource> source);

}  // namespace spikesink::detail
