#include <algorithm>

#include "weights/quantised/codes.h"
#include "weights/quantised/methods.h"

// GPTQ as packed by AutoGPTQ and GPTQModel. Of a module with `in` inputs and `out` outputs:
//   qweight int32 [in * bits / 32, out]       codes, packed along the inputs
//   qzeros  int32 [groups, out * bits / 32]   codes of zero, packed along the outputs
//   scales        [groups, out]
//   g_idx   int32 [in]                        group of each input; absent: equal groups
// weight = (code - zero) * scale. The first format ("gptq") stores zero - 1.

namespace spikesink::detail {
namespace {

// The sizes of a module's weight, from its tensors.
struct GptqSizes {
  int64_t in = 0, out = 0, groups = 0, bits = 0;
};

GptqSizes gptq_sizes(const QuantisedModule& module) {
  const auto& scales = module.shape(".scales", 2);
  const auto& words = module.shape(".qweight", 2, "I32");
  const auto& zeros = module.shape(".qzeros", 2, "I32");
  GptqSizes sizes{.out = scales[1], .groups = scales[0]};
  sizes.bits = sizes.out == 0 ? 0 : zeros[1] * kWordBits / sizes.out;
  if (sizes.bits != 2 && sizes.bits != 3 && sizes.bits != 4 && sizes.bits != 8)
    module.fail(".qzeros", fmt::format("{} bits for {} outputs", zeros[1] * kWordBits, sizes.out),
                "2, 3, 4 or 8 bits for each output");
  if (words[0] > std::numeric_limits<int64_t>::max() / kWordBits)
    module.fail(".qweight", fmt::format("{} rows", words[0]), "fewer");
  sizes.in = words[0] * kWordBits / sizes.bits;
  module.expect_shape(".qweight", {sizes.in * sizes.bits / kWordBits, sizes.out});
  module.expect_shape(".qzeros", {sizes.groups, sizes.out * sizes.bits / kWordBits});
  if (module.has(".g_idx")) module.expect_shape(".g_idx", {sizes.in});
  return sizes;
}

torch::Tensor dequantize_gptq(const std::vector<torch::Tensor>& inputs, int64_t bits,
                              bool zeros_minus_one) {
  auto zeros = unpack_codes(inputs[1], bits);
  if (zeros_minus_one) zeros = zeros.add(1).bitwise_and((1 << bits) - 1);
  return dequantize_codes(unpack_codes(inputs[0].t(), bits),
                          {.scales = inputs[2].t(),
                           .zeros = zeros.t(),
                           .groups = inputs.size() > 3 ? inputs[3] : torch::Tensor()});
}

DerivedTensor derive_gptq(const QuantisedModule& module, bool zeros_minus_one) {
  const auto sizes = gptq_sizes(module);
  std::vector<std::string> suffixes{".qweight", ".qzeros", ".scales"};
  if (module.has(".g_idx")) suffixes.emplace_back(".g_idx");
  return module.weight(sizes.out, sizes.in, suffixes, [=, bits = sizes.bits](const auto& inputs) {
    return dequantize_gptq(inputs, bits, zeros_minus_one);
  });
}

}  // namespace

Quantisation read_gptq(JsonKeys& keys) {
  const auto format = keys.text("checkpoint_format", "gptq");
  if (format != "gptq" && format != "gptq_v2") keys.refuse("checkpoint_format", "gptq or gptq_v2");
  if (keys.flag("is_marlin_format", false)) keys.refuse("is_marlin_format", "false");
  if (keys.text("pack_dtype", "int32") != "int32") keys.refuse("pack_dtype", "int32");
  const auto group_size = keys.integer("group_size", -1);
  Quantisation result;
  result.summary =
      fmt::format("gptq, {} bits, {}", keys.integer("bits"),
                  group_size > 0 ? fmt::format("groups of {}", group_size) : "one group a row");
  result.derive = [zeros_minus_one = format == "gptq"](const WeightSource& source) {
    std::vector<DerivedTensor> derived;
    for (const auto& module : modules_with(source, ".qweight"))
      derived.push_back(derive_gptq(module, zeros_minus_one));
    return derived;
  };
  return result;
}

}  // namespace spikesink::detail
