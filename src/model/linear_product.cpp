#include "model/linear_product.h"

#include <algorithm>

#include "detail/autocast.h"

namespace spikesink::detail {
namespace {

// Minimum number of rows of x: with fewer, converting the weights takes longer than PyTorch's
// loops.
constexpr int64_t kMinRows = 32;
// Number of weights converted at a time: few enough for the processor cache.
constexpr int64_t kSlabElements = 1 << 20;

// The same check that oneDNN does before it multiplies bfloat16.
bool multiplies_bfloat16() {
#if defined(__x86_64__) && defined(__GNUC__)
  static const bool has = __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  return has;
#else
  return true;
#endif
}

bool is_bfloat16_product(const torch::Tensor& x, const torch::Tensor& weight) {
  if (at::autocast::is_autocast_enabled(at::kCPU) && x.scalar_type() != torch::kDouble)
    return at::autocast::get_autocast_dtype(at::kCPU) == torch::kBFloat16;
  return x.scalar_type() == torch::kBFloat16 && weight.scalar_type() == torch::kBFloat16;
}

torch::Tensor round_to_bfloat16(const torch::Tensor& x) {
  return x.defined() ? x.to(torch::kBFloat16).to(torch::kFloat) : x;
}

torch::Tensor product_in_float32(const torch::Tensor& x, const torch::Tensor& weight,
                                 const torch::Tensor& bias) {
  const AutocastScope no_autocast(at::kCPU, false);
  const auto wide = round_to_bfloat16(x);
  const int64_t outputs = weight.size(0);
  // With gradients autograd stores the converted weights in any case, so slabs save nothing.
  const int64_t rows = torch::GradMode::is_enabled()
                           ? outputs
                           : std::max<int64_t>(1, kSlabElements / weight.size(1));
  std::vector<torch::Tensor> slabs;
  for (int64_t first = 0; first < outputs; first += rows) {
    const auto slab = [&](const torch::Tensor& all) {
      return all.defined() ? round_to_bfloat16(all.slice(0, first, first + rows)) : all;
    };
    slabs.push_back(at::linear(wide, slab(weight), slab(bias)).to(torch::kBFloat16));
  }
  return slabs.size() == 1 ? slabs.front() : at::cat(slabs, -1);
}

}  // namespace

torch::Tensor linear_product(const torch::Tensor& x, const torch::Tensor& weight,
                             const torch::Tensor& bias) {
  const bool in_float32 = x.is_cpu() && !multiplies_bfloat16() && is_bfloat16_product(x, weight) &&
                          x.numel() >= kMinRows * weight.size(1);
  return in_float32 ? product_in_float32(x, weight, bias) : at::linear(x, weight, bias);
}

}  // namespace spikesink::detail
