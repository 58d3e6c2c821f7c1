#include "weights/quantised/scaled.h"

// FP8: `weight` F8_E4M3 or F8_E5M2 [out, in], times `weight_scale_inv` (DeepSeek-V3, transformers:
// of blocks, or one) or `weight_scale` (FBGEMM, AutoFP8: one, or one a row).

namespace spikesink::detail {
namespace {

ScaleBlocks read_block_size(JsonKeys& keys) {
  if (!keys.has("weight_block_size")) return {};
  const auto& sizes = keys.array("weight_block_size");
  const auto is_size = [](const auto& size) { return is_int64(size) && size > 0; };
  if (sizes.size() != 2 || !std::ranges::all_of(sizes, is_size))
    keys.refuse("weight_block_size", "two positive integers");
  return {.rows = sizes[0].get<int64_t>(), .columns = sizes[1].get<int64_t>()};
}

}  // namespace

Quantisation read_fp8(JsonKeys& keys) {
  const auto blocks = read_block_size(keys);
  Quantisation result;
  result.summary =
      blocks.rows == 0 ? "fp8" : fmt::format("fp8, blocks of {} x {}", blocks.rows, blocks.columns);
  result.derive = [blocks](const WeightSource& source) {
    std::vector<DerivedTensor> derived;
    for (const auto& module : modules_of_dtype(source, "F8_")) {
      for (const char* suffix : {".weight_scale_inv", ".weight_scale"}) {
        if (module.has(suffix)) derived.push_back(scaled_weight(module, suffix, blocks));
      }
    }
    return derived;
  };
  return result;
}

}  // namespace spikesink::detail
