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

struct GptqSettings {
  bool zeros_minus_one = true;
  int64_t group_size = -1;  // not positive: one group a row
};

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
  sizes.in = words[0] * kWordBits / sizes.bits;
  module.expect_shape(".qweight", {sizes.in * sizes.bits / kWordBits, sizes.out});
  module.expect_shape(".qzeros", {sizes.groups, sizes.out * sizes.bits / kWordBits});
  if (module.has(".g_idx")) module.expect_shape(".g_idx", {sizes.in});
  return sizes;
}

// The packages add one to all codes of a word at once, so that a code can carry into the next.
torch::Tensor add_one(const torch::Tensor& words, int64_t bits) {
  if (bits == 3) return unpack_codes(words, bits).add(1).bitwise_and(7);
  const auto ones = static_cast<int64_t>(0xFFFFFFFF / ((1U << bits) - 1));  // one in each code
  const auto sums = words.to(torch::kInt64).add(ones).bitwise_and(0xFFFFFFFF);
  return unpack_codes(sums.to(torch::kInt32), bits);
}

torch::Tensor dequantize_gptq(const std::vector<torch::Tensor>& inputs, int64_t bits,
                              const GptqSettings& settings) {
  const auto zeros =
      settings.zeros_minus_one ? add_one(inputs[1], bits) : unpack_codes(inputs[1], bits);
  const auto codes = unpack_codes(inputs[0].t(), bits);
  const int64_t size = settings.group_size > 0 ? settings.group_size : codes.size(1);
  return dequantize_codes(
      codes,
      {.scales = inputs[2].t(),
       .zeros = zeros.t(),
       .groups = inputs.size() > 3 ? inputs[3]
                                   : at::arange(codes.size(1), torch::kInt64).floor_divide(size)});
}

DerivedTensor derive_gptq(const QuantisedModule& module, const GptqSettings& settings) {
  const auto sizes = gptq_sizes(module);
  std::vector<std::string> suffixes{".qweight", ".qzeros", ".scales"};
  if (module.has(".g_idx")) suffixes.emplace_back(".g_idx");
  return module.weight(sizes.out, sizes.in, suffixes, [=, bits = sizes.bits](const auto& inputs) {
    return dequantize_gptq(inputs, bits, settings);
  });
}

}  // namespace

Quantisation read_gptq(JsonKeys& keys) {
  const char* key = keys.has("checkpoint_format") ? "checkpoint_format" : "format";
  const auto format = keys.text(key, "gptq");
  if (format != "gptq" && format != "gptq_v2") keys.refuse(key, "gptq or gptq_v2");
  if (keys.flag("is_marlin_format", false)) keys.refuse("is_marlin_format", "false");
  if (keys.text("pack_dtype", "int32") != "int32") keys.refuse("pack_dtype", "int32");
  const GptqSettings settings{format == "gptq", keys.integer("group_size", -1)};
  Quantisation result;
  result.summary =
      fmt::format("gptq, {} bits, {}", keys.integer("bits"),
                  settings.group_size > 0 ? fmt::format("groups of {}", settings.group_size)
                                          : "one group a row");
  result.derive = [settings](const WeightSource& source) {
    return weights_of(modules_with(source, ".qweight"),
                      [&](const QuantisedModule& module) { return derive_gptq(module, settings); });
  };
  return result;
}

}  // namespace spikesink::detail
