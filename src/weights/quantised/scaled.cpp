#include "weights/quantised/scaled.h"

#include "weights/quantised/codes.h"

namespace spikesink::detail {
namespace {

using Shape = std::vector<int64_t>;

bool is_scale_of_blocks(const Shape& scales, const Shape& weight, const ScaleBlocks& blocks) {
  return blocks.rows > 0 && blocks.columns > 0 && scales.size() == 2 &&
         scales[0] == ceil_divide(weight[0], blocks.rows) &&
         scales[1] == ceil_divide(weight[1], blocks.columns);
}

bool is_scale_of_rows(const Shape& scales, const Shape& weight) {
  return !scales.empty() && scales.size() <= 2 && scales[0] == weight[0] &&
         (scales.size() == 1 || (scales[1] > 0 && weight[1] % scales[1] == 0));
}

bool is_scale_of_all(const Shape& scales) {
  return std::ranges::all_of(scales, [](int64_t size) { return size == 1; });
}

// The scales of each row's groups of columns: [rows, groups].
torch::Tensor by_row(const torch::Tensor& scales, int64_t rows, bool is_of_all) {
  if (is_of_all) return scales.reshape({1, 1}).expand({rows, 1});
  return scales.dim() == 1 ? scales.unsqueeze(1) : scales;
}

// The scales of blocks as scales of each row and group of columns.
torch::Tensor of_each_row(const torch::Tensor& scales, int64_t rows, int64_t block_rows) {
  return scales.index_select(0, at::arange(rows, torch::kInt64).floor_divide(block_rows));
}

torch::Tensor groups_of(int64_t columns, int64_t size) {
  return at::arange(columns, torch::kInt64).floor_divide(size);
}

}  // namespace

DerivedTensor scaled_weight(const QuantisedModule& module, const std::string& suffix,
                            const ScaleBlocks& blocks, const std::string& zeros) {
  const auto& weight = module.shape(".weight", 2);
  const auto& scales = module.shape(suffix);
  const bool of_all = is_scale_of_all(scales),
             of_blocks = !of_all && is_scale_of_blocks(scales, weight, blocks);
  if (!of_all && !of_blocks && !is_scale_of_rows(scales, weight))
    module.fail(suffix, fmt::format("[{}]", fmt::join(scales, ", ")),
                fmt::format("one scale, or those of rows, groups of columns or blocks of [{}, {}] "
                            "of a matrix [{}, {}]",
                            blocks.rows, blocks.columns, weight[0], weight[1]));
  std::vector<std::string> suffixes{".weight", suffix};
  if (!zeros.empty()) {
    suffixes.push_back(zeros);
    if (module.shape(zeros) != scales) module.fail(zeros, "another shape", "that of the scales");
  }
  return module.weight(weight[0], weight[1], suffixes, [=](const auto& inputs) {
    const int64_t rows = inputs[0].size(0), columns = inputs[0].size(1);
    const auto spread = [&](const torch::Tensor& values) {
      return of_blocks ? of_each_row(values, rows, blocks.rows) : by_row(values, rows, of_all);
    };
    GroupScales all{.scales = spread(inputs[1])};
    if (inputs.size() > 2) all.zeros = spread(inputs[2]);
    if (of_blocks) all.groups = groups_of(columns, blocks.columns);
    return dequantize_codes(inputs[0], all);
  });
}

std::vector<QuantisedModule> modules_of_dtype(const WeightSource& source, std::string_view dtype) {
  std::vector<QuantisedModule> modules;
  for (const auto& module : modules_with(source, ".weight")) {
    if (source.info(module.tensor_name(".weight")).dtype.starts_with(dtype))
      modules.push_back(module);
  }
  return modules;
}

}  // namespace spikesink::detail
