#include "spikesink/model/pass_context.h"

#include <bit>

#include "detail/dtype.h"

namespace spikesink {
namespace {

// Returns [heads]. Let p be the largest power of two up to `heads`. Heads h = 1..p have the slope
// 2^(-8 h / p); the other heads have every second slope of the series for 2p (arXiv 2108.12409).
torch::Tensor alibi_slopes(int64_t heads, torch::Dtype dtype) {
  const auto power = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(heads)));
  const double step = 8.0 / static_cast<double>(power);
  const auto first = at::arange(1, power + 1, dtype) * -step;
  const auto rest = (2 * at::arange(heads - power, dtype) + 1) * (-step / 2);
  return at::exp2(at::cat({first, rest}));
}

}  // namespace

torch::Tensor alibi_bias(const ModelConfig& config, int64_t length,
                         const torch::TensorOptions& options) {
  if (config.alibi == Alibi::kNone) return {};
  const auto dtype = detail::at_least_float(c10::typeMetaToScalarType(options.dtype()));
  const auto slopes = alibi_slopes(config.n_heads, dtype).unsqueeze(1);  // [H, 1]
  const auto positions = at::arange(length, torch::kLong);
  const auto bias =
      config.alibi == Alibi::kFalcon
          ? (slopes.to(torch::kBFloat16) * positions).to(dtype) * config.softmax_scale()
          : slopes * positions;
  return bias.to(options.device());
}

torch::Tensor query_scales(const ModelConfig& config, int64_t length,
                           const torch::TensorOptions& options) {
  const auto [growth, interval] = config.query_scale;
  if (growth == 0) return {};
  const auto dtype = detail::at_least_float(c10::typeMetaToScalarType(options.dtype()));
  const auto intervals = at::arange(length, torch::kLong).floor_divide(interval).to(dtype);
  return (1 + growth * at::log1p(intervals)).view({length, 1, 1}).to(options);
}

}  // namespace spikesink
