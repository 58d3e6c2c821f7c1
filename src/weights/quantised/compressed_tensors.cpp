#include <array>

#include "weights/quantised/codes.h"
#include "weights/quantised/scaled.h"

// compressed-tensors (LLM Compressor, vLLM). Of a module with `in` inputs and `out` outputs, the
// formats float-quantized, int-quantized and naive-quantized have `weight` (FP8 or int8 [out, in]),
// `weight_scale` and `weight_zero_point`: see scaled_weight. The format pack-quantized has
//
//   weight_packed      int32 [out, ceil(in * bits / 32)]      codes, packed along the inputs
//   weight_scale             [out, groups]
//   weight_zero_point  int32 [ceil(out * bits / 32), groups]  packed along the outputs
//   weight_g_idx       int32 [in]                             group of each input; -1: not set
//   weight_shape             [2]                              out, in
//
// weight = (code - zero) * scale; without zero points, zero is 2^(bits - 1).

namespace spikesink::detail {
namespace {

int64_t words_for(int64_t codes, int64_t bits) {
  return ceil_divide(codes, kWordBits / bits);
}

// The sizes of a packed weight.
struct PackedSizes {
  int64_t out = 0, in = 0, bits = 0;
};

PackedSizes packed_sizes(const WeightSource& source, const QuantisedModule& module) {
  const auto& words = module.shape(".weight_packed", 2, "I32");
  module.expect_shape(".weight_shape", {2});
  const auto shape = source.tensor(module.tensor_name(".weight_shape")).to(torch::kInt64);
  PackedSizes sizes{.out = shape[0].item<int64_t>(), .in = shape[1].item<int64_t>()};
  for (const int64_t bits : {2, 4, 8}) {
    if (sizes.in > 0 && words_for(sizes.in, bits) == words[1]) sizes.bits = bits;
  }
  if (sizes.bits == 0 || sizes.out != words[0])
    module.fail(".weight_packed", fmt::format("[{}]", fmt::join(words, ", ")),
                fmt::format("2, 4 or 8 bits for each element of [{}, {}]", sizes.out, sizes.in));
  return sizes;
}

torch::Tensor dequantize_packed(const PackedSizes& sizes, const torch::Tensor& words,
                                const torch::Tensor& scales, const torch::Tensor& zeros,
                                const torch::Tensor& groups) {
  const auto codes = unpack_codes(words, sizes.bits).narrow(1, 0, sizes.in);
  GroupScales all{.scales = scales, .groups = groups};
  all.zeros = zeros.defined() ? unpack_codes(zeros.t(), sizes.bits).narrow(1, 0, sizes.out).t()
                              : at::full_like(scales, 1 << (sizes.bits - 1), torch::kFloat32);
  return dequantize_codes(codes, all);
}

bool is_set(const torch::Tensor& groups) {
  return !groups.eq(-1).all().item<bool>();
}

DerivedTensor derive_packed(const WeightSource& source, const QuantisedModule& module) {
  const auto sizes = packed_sizes(source, module);
  const int64_t groups = module.shape(".weight_scale", 2)[1];
  std::vector<std::string> suffixes{".weight_packed", ".weight_scale", ".weight_shape"};
  const bool has_zeros = module.has(".weight_zero_point"), has_groups = module.has(".weight_g_idx");
  if (has_zeros) {
    module.expect_shape(".weight_zero_point", {words_for(sizes.out, sizes.bits), groups});
    suffixes.emplace_back(".weight_zero_point");
  }
  if (has_groups) suffixes.emplace_back(".weight_g_idx");
  return module.weight(sizes.out, sizes.in, suffixes, [=](const auto& inputs) {
    return dequantize_packed(sizes, inputs[0], inputs[1], has_zeros ? inputs[3] : torch::Tensor(),
                             has_groups && is_set(inputs.back()) ? inputs.back() : torch::Tensor());
  });
}

std::vector<DerivedTensor> derive_compressed(const WeightSource& source,
                                             const ScaleBlocks& blocks) {
  std::vector<DerivedTensor> derived;
  for (const auto& module : modules_with(source, ".weight_packed"))
    derived.push_back(derive_packed(source, module));
  for (const char* dtype : {"F8_", "I8"}) {
    for (const auto& module : modules_of_dtype(source, dtype))
      derived.push_back(
          scaled_weight(module, ".weight_scale", blocks,
                        module.has(".weight_zero_point") ? ".weight_zero_point" : ""));
  }
  return derived;
}

void check_format(JsonKeys& keys, std::string_view key, const std::string& format) {
  constexpr std::array<std::string_view, 6> kFormats{"dense",          "float-quantized",
                                                     "int-quantized",  "naive-quantized",
                                                     "pack-quantized", "mixed-precision"};
  if (std::ranges::find(kFormats, format) == kFormats.end())
    keys.refuse(key, fmt::format("one of {}", fmt::join(kFormats, ", ")));
}

// The sizes of blocks that share a scale are the same in all groups of settings.
void read_blocks(JsonKeys& settings, ScaleBlocks& blocks) {
  if (!settings.has("block_structure")) return;
  const auto [rows, columns] = two_sizes(settings, "block_structure");
  if (blocks.rows > 0 && (blocks.rows != rows || blocks.columns != columns))
    settings.refuse("block_structure", fmt::format("[{}, {}]", blocks.rows, blocks.columns));
  blocks = {.rows = rows, .columns = columns};
}

// Reads the weights' settings of one group; returns "4 bits, group".
std::string read_group(JsonKeys& keys, ScaleBlocks& blocks) {
  if (keys.has("format")) check_format(keys, "format", keys.text("format"));
  const auto* weights = keys.find("weights");
  if (weights == nullptr) return "no weights";
  JsonKeys settings(*weights, "read_model_config", keys.where("weights"));
  read_blocks(settings, blocks);
  const auto size = settings.integer("group_size", 0);
  const auto bits = settings.integer("num_bits", 8);
  if (bits != 2 && bits != 4 && bits != 8) settings.refuse("num_bits", "2, 4 or 8");
  return fmt::format(
      "{} {} bits, {}", settings.text("type", "int"), bits,
      size > 0 ? fmt::format("groups of {}", size) : "by " + settings.text("strategy", "tensor"));
}

void check_sparsity(JsonKeys& keys) {
  const auto* found = keys.find("sparsity_config");
  if (found == nullptr || found->empty()) return;
  JsonKeys sparsity(*found, "read_model_config", keys.where("sparsity_config"));
  if (sparsity.text("format", "dense") != "dense") sparsity.refuse("format", "dense");
}

}  // namespace

Quantisation read_compressed_tensors(JsonKeys& keys) {
  check_format(keys, "format", keys.text("format", "dense"));
  if (keys.text("quantization_status", "compressed") != "compressed")
    keys.refuse("quantization_status", "compressed");
  check_sparsity(keys);
  if (const auto* transforms = keys.find("transform_config");
      transforms && !is_neutral(*transforms))
    keys.refuse("transform_config", "no transforms of the weights");
  Quantisation result{.summary = "compressed-tensors"};
  ScaleBlocks blocks;
  if (const auto* groups = keys.find("config_groups")) {
    JsonKeys all(*groups, "read_model_config", keys.where("config_groups"));
    for (const auto& [name, group] : groups->items()) {
      JsonKeys settings(group, "read_model_config", all.where(name));
      result.summary += ", " + read_group(settings, blocks);
    }
  }
  result.derive = [blocks](const WeightSource& source) {
    return derive_compressed(source, blocks);
  };
  return result;
}

}  // namespace spikesink::detail
