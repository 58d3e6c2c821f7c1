#include <ATen/Parallel.h>

#include "detail/strict_json.h"
#include "weights/quantised/codes.h"
#include "weights/quantised/methods.h"

// bitsandbytes. int8: `weight` int8 [out, in] with one scale of each row: weight * SCB / 127.
// 4 bits (nf4, fp4): `weight` uint8 with two codes a byte, the higher bits first, and
//   weight.quant_map          float32 [16]       value of each code
//   weight.absmax             float32 [blocks]   scale of each block of `blocksize` elements
//   weight.quant_state.bitsandbytes__KIND uint8  JSON: shape, blocksize, nested_*
// With double quantisation `absmax` is uint8, and the scale is
//   nested_quant_map[absmax] * nested_absmax[block / nested_blocksize] + nested_offset.

namespace spikesink::detail {
namespace {

constexpr int kMaxStateDepth = 4;

struct BlockState {
  int64_t rows = 0, columns = 0, block_size = 0, nested_block_size = 0;
  double nested_offset = 0;
};

BlockState read_state(const WeightSource& source, const std::string& tensor) {
  const auto bytes = source.tensor(tensor).contiguous();
  const std::string_view text(static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes());
  const auto json = parse_strict_json(text, kMaxStateDepth, "load_model", source.path());
  JsonKeys keys(json, "load_model", fmt::format("{}, {}", source.path().string(), tensor));
  const auto [rows, columns] = two_sizes(keys, "shape");
  BlockState state{.rows = rows,
                   .columns = columns,
                   .block_size = keys.integer("blocksize"),
                   .nested_block_size = keys.integer("nested_blocksize", 0),
                   .nested_offset = keys.number("nested_offset", 0)};
  if (state.block_size < 1) keys.refuse("blocksize", "a positive number");
  if (keys.has("nested_blocksize") && state.nested_block_size < 1)
    keys.refuse("nested_blocksize", "a positive number");
  return state;
}

int64_t weight_count(const QuantisedModule& module, const BlockState& state) {
  int64_t count = 0;
  if (__builtin_mul_overflow(state.rows, state.columns, &count))
    module.fail(".weight", fmt::format("the shape [{}, {}]", state.rows, state.columns),
                "fewer elements");
  return count;
}

void check_shapes(const QuantisedModule& module, const BlockState& state) {
  const int64_t elements = weight_count(module, state);
  const int64_t blocks = ceil_divide(elements, state.block_size);
  const auto& stored = module.shape(".weight");
  const int64_t bytes = stored.empty() ? 1 : stored[0];
  if (stored.size() > 2 || (stored.size() == 2 && stored[1] != 1) ||
      bytes != ceil_divide(elements, 2))
    module.fail(".weight", fmt::format("[{}]", fmt::join(stored, ", ")),
                fmt::format("[{}, 1], half a byte for each element of [{}, {}]",
                            ceil_divide(elements, 2), state.rows, state.columns));
  module.shape(".weight", stored.size(), "U8");
  module.expect_shape(".weight.quant_map", {16});
  module.expect_shape(".weight.absmax", {blocks});
  if (state.nested_block_size == 0) return;
  module.shape(".weight.absmax", 1, "U8");
  module.expect_shape(".weight.nested_quant_map", {256});
  module.expect_shape(".weight.nested_absmax", {ceil_divide(blocks, state.nested_block_size)});
}

// inputs: codes, quant_map, absmax, and with double quantisation nested_quant_map, nested_absmax.
torch::Tensor block_scales(const std::vector<torch::Tensor>& inputs, const BlockState& state) {
  if (state.nested_block_size == 0) return inputs[2].to(torch::kFloat32).contiguous();
  const auto nested_block =
      at::arange(inputs[2].numel(), torch::kInt64).floor_divide(state.nested_block_size);
  const auto values = inputs[3].to(torch::kFloat32).index_select(0, inputs[2].to(torch::kInt64));
  return values.mul(inputs[4].to(torch::kFloat32).index_select(0, nested_block))
      .add(static_cast<float>(state.nested_offset))
      .contiguous();
}

torch::Tensor dequantize_4bit(const std::vector<torch::Tensor>& inputs, const BlockState& state) {
  const auto scales = block_scales(inputs, state);
  const auto codes = inputs[0].contiguous(), map = inputs[1].to(torch::kFloat32).contiguous();
  auto result = at::empty({state.rows, state.columns}, torch::kFloat32);
  const auto* code = codes.const_data_ptr<uint8_t>();
  const auto* value = map.const_data_ptr<float>();
  const auto* scale = scales.const_data_ptr<float>();
  auto* out = result.data_ptr<float>();
  const int64_t count = result.numel(), size = state.block_size;
  at::parallel_for(0, scales.numel(), 512, [&](int64_t first, int64_t last) {
    for (int64_t block = first; block < last; ++block) {
      for (int64_t i = block * size; i < std::min((block + 1) * size, count); ++i)
        out[i] = value[i % 2 == 0 ? code[i / 2] >> 4 : code[i / 2] & 15] * scale[block];
    }
  });
  return result;
}

DerivedTensor derive_4bit(const WeightSource& source, const QuantisedModule& module,
                          const std::string& state_suffix) {
  const auto state = read_state(source, module.tensor_name(state_suffix));
  check_shapes(module, state);
  std::vector<std::string> suffixes{".weight", ".weight.quant_map", ".weight.absmax"};
  if (state.nested_block_size > 0)
    suffixes.insert(suffixes.end(), {".weight.nested_quant_map", ".weight.nested_absmax"});
  suffixes.push_back(state_suffix);
  return module.weight(state.rows, state.columns, suffixes,
                       [state](const auto& inputs) { return dequantize_4bit(inputs, state); });
}

// Other layouts of int8 are for single GPUs.
void check_row_format(const WeightSource& source, const QuantisedModule& module) {
  const auto format = source.tensor(module.tensor_name(".weight_format")).to(torch::kInt64);
  if (format.any().item<bool>())
    module.fail(".weight_format", fmt::format("{}", format.max().item<int64_t>()), "0, rows");
}

DerivedTensor derive_8bit(const WeightSource& source, const QuantisedModule& module) {
  const auto& weight = module.shape(".weight", 2, "I8");
  module.expect_shape(".SCB", {weight[0]});
  std::vector<std::string> suffixes{".weight", ".SCB"};
  if (module.has(".weight_format")) {
    check_row_format(source, module);
    suffixes.emplace_back(".weight_format");
  }
  return module.weight(weight[0], weight[1], suffixes, [](const auto& inputs) {
    const auto scales = inputs[1].to(torch::kFloat32).mul(1.0F / 127.0F);
    return dequantize_codes(inputs[0], {.scales = scales.unsqueeze(1)});
  });
}

std::vector<DerivedTensor> derive_bitsandbytes(const WeightSource& source) {
  std::vector<DerivedTensor> derived;
  for (const char* kind : {"nf4", "fp4"}) {
    const auto suffix = fmt::format(".weight.quant_state.bitsandbytes__{}", kind);
    for (const auto& module : modules_with(source, suffix))
      derived.push_back(derive_4bit(source, module, suffix));
  }
  for (const auto& module : modules_with(source, ".SCB"))
    derived.push_back(derive_8bit(source, module));
  return derived;
}

}  // namespace

Quantisation read_bitsandbytes(JsonKeys& keys) {
  Quantisation result;
  result.summary = keys.flag("load_in_4bit", keys.flag("_load_in_4bit", false))
                       ? "bitsandbytes, " + keys.text("bnb_4bit_quant_type", "fp4")
                       : "bitsandbytes, int8";
  result.derive = derive_bitsandbytes;
  return result;
}

}  // namespace spikesink::detail
