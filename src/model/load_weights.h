#pragma once

#include "model/weight_names.h"
#include "spikesink/model/transformer.h"
#include "spikesink/weights/weight_source.h"

namespace spikesink::detail {

/// What the names of the body begin with in this file; FormatError when its embedding is missing.
std::string find_base(const WeightSource& source, const WeightNames& names);

/// Fills every parameter of `model` from `source`, converted to `options`. A tensor that is
/// missing, unused, wrongly shaped or not finite is a FormatError. Returns how many tensors were
/// read.
size_t load_weights(Transformer& model, const WeightSource& source, const WeightNames& names,
                    const std::string& base, const torch::TensorOptions& options);

}  // namespace spikesink::detail
