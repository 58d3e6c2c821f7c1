#pragma once

#include <torch/types.h>

#include "weights/quantised/methods.h"

namespace spikesink::detail {

/// The sizes of the blocks that share a scale; 0: not given.
struct ScaleBlocks {
  int64_t rows = 0, columns = 0;
};

/// Returns the module's `.weight` (FP8 or int8, [rows, columns]) times the scales with `suffix`:
/// one value, one of each row, one of each group of columns ([rows, groups]), or one of each block
/// ([ceil(rows / blocks.rows), ceil(columns / blocks.columns)]). A `zeros` suffix names the codes
/// of zero, shaped as the scales; empty: none.
DerivedTensor scaled_weight(const QuantisedModule& module, const std::string& suffix,
                            const ScaleBlocks& blocks, const std::string& zeros = "");

/// Returns the modules whose `.weight` has a dtype that starts with `dtype` ("F8_", "I8").
std::vector<QuantisedModule> modules_of_dtype(const WeightSource& source, std::string_view dtype);

}  // namespace spikesink::detail
