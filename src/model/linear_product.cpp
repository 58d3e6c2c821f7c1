#include "model/linear_product.h"

#include <algorithm>

#include "detail/autocast.h"

namespace spikesink::detail {
namespace {

// Rows of x: with fewer, widening the weights takes longer than PyTorch's loops.
constexpr int64_t kFewestRows = 32;
// Of the weight, widened at a time: few enough to stay in a cache.
constexpr int64_t kSlabElements = 1 << 20;

// As oneDNN asks before it multiplies bfloat16.
bool multiplies_bfloat16() {
#if defined(__x86_64__) && defined(__GNUC__)
  static const bool has = __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  return has;
#else
  return true;
#endif
}

bool is_of_bfloat16(const torch::Tensor& x, const torch::Tensor& weight) {
  if (at::autocast::is_autocast_enabled(at::kCPU) && x.scalar_type() != torch::kDouble)
    return at::autocast::get_autocast_dtype(at::kCPU) == torch::kBFloat16;
  return x.scalar_type() == torch::kBFloat16 && weight.scalar_type() == torch::kBFloat16;
}

torch::Tensor rounded(const torch::Tensor& x) {
  return x.defined() ? x.to(torch::kBFloat16).to(torch::kFloat) : x;
}

torch::Tensor widened_product(const torch::Tensor& x, const torch::Tensor& weight,
                              const torch::Tensor& bias) {
  const AutocastScope as_given(at::kCPU, false);
  const auto wide = rounded(x);
  const int64_t outputs = weight.size(0);
  // With gradients the widened weights are kept in any case.
  const int64_t rows = torch::GradMode::is_enabled()
                           ? outputs
                           : std::max<int64_t>(1, kSlabElements / weight.size(1));
  std::vector<torch::Tensor> slabs;
  for (int64_t first = 0; first < outputs; first += rows) {
    const auto of_slab = [&](const torch::Tensor& all) {
      return all.defined() ? rounded(all.slice(0, first, first + rows)) : all;
    };
    slabs.push_back(at::linear(wide, of_slab(weight), of_slab(bias)).to(torch::kBFloat16));
  }
  return slabs.size() == 1 ? slabs.front() : at::cat(slabs, -1);
}

}  // namespace

torch::Tensor linear_product(const torch::Tensor& x, const torch::Tensor& weight,
                             const torch::Tensor& bias) {
  const bool widens = x.is_cpu() && !multiplies_bfloat16() && is_of_bfloat16(x, weight) &&
                      x.numel() >= kFewestRows * weight.size(1);
  return widens ? widened_product(x, weight, bias) : at::linear(x, weight, bias);
}

}  // namespace spikesink::detail
