#include "weights/quantised/codes.h"
#include "weights/quantised/methods.h"

// AWQ as packed by AutoAWQ ("gemm"). Of a module with `in` inputs and `out` outputs:
//   qweight int32 [in, out / 8]       codes of 4 bits, packed along the outputs
//   qzeros  int32 [groups, out / 8]   codes of zero, packed likewise
//   scales        [groups, out]
// The eight codes of a word belong to the outputs 0, 2, 4, 6, 1, 3, 5, 7, from the lowest bits up.
// weight = (code - zero) * scale.

namespace spikesink::detail {
namespace {

constexpr int64_t kAwqBits = 4, kAwqCodes = 8;

// [rows, outputs / 8] -> the codes [outputs, rows].
torch::Tensor unpack_outputs(const torch::Tensor& words) {
  const auto position_of_output = at::tensor({0, 4, 1, 5, 2, 6, 3, 7}, torch::kInt64);
  return unpack_codes(words, kAwqBits)
      .unflatten(1, {words.size(1), kAwqCodes})
      .index_select(2, position_of_output)
      .flatten(1)
      .t();
}

DerivedTensor derive_awq(const QuantisedModule& module) {
  const auto& words = module.shape(".qweight", 2, "I32");
  const auto& scales = module.shape(".scales", 2);
  const int64_t in = words[0], out = scales[1], groups = scales[0];
  if (out % kAwqCodes != 0)
    module.fail(".scales", fmt::format("{} outputs", out), "a multiple of 8");
  module.expect_shape(".qweight", {in, out / kAwqCodes});
  module.expect_shape(".qzeros", {groups, out / kAwqCodes});
  return module.weight(out, in, {".qweight", ".qzeros", ".scales"}, [](const auto& inputs) {
    return dequantize_codes(unpack_outputs(inputs[0]),
                            {.scales = inputs[2].t(), .zeros = unpack_outputs(inputs[1])});
  });
}

}  // namespace

Quantisation read_awq(JsonKeys& keys) {
  const auto version = keys.text("version", keys.text("format", "gemm"));
  if (version != "gemm" && version != "GEMM")
    keys.refuse(keys.has("version") ? "version" : "format", "gemm");
  if (keys.integer("bits", kAwqBits) != kAwqBits) keys.refuse("bits", "4");
  if (!keys.flag("zero_point", true)) keys.refuse("zero_point", "true");
  Quantisation result;
  result.summary = fmt::format("awq, 4 bits, groups of {}", keys.integer("group_size", 128));
  result.derive = [](const WeightSource& source) {
    return weights_of(modules_with(source, ".qweight"), derive_awq);
  };
  return result;
}

}  // namespace spikesink::detail
