#include "weights/quantised/scaled.h"

// FP8: `weight` F8_E4M3 or F8_E5M2 [out, in], times `weight_scale_inv` (DeepSeek-V3, transformers:
// of blocks, or one) or `weight_scale` (FBGEMM, AutoFP8: one, or one a row).

namespace spikesink::detail {
namespace {

ScaleBlocks read_block_size(JsonKeys& keys) {
  if (!keys.has("weight_block_size")) return {};
  const auto [rows, columns] = two_sizes(keys, "weight_block_size");
  return {.rows = rows, .columns = columns};
}

}  // namespace

Quantisation read_fp8(JsonKeys& keys) {
  const auto blocks = read_block_size(keys);
  Quantisation result;
  result.summary =
      blocks.rows == 0 ? "fp8" : fmt::format("fp8, blocks of {} x {}", blocks.rows, blocks.columns);
  result.derive = [blocks](const WeightSource& source) {
    return weights_of(modules_of_dtype(source, "F8_"), [&](const QuantisedModule& module) {
      const bool is_inverse = module.has(".weight_scale_inv");
      return scaled_weight(module, is_inverse ? ".weight_scale_inv" : ".weight_scale", blocks);
    });
  };
  return result;
}

}  // namespace spikesink::detail
