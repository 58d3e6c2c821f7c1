#include "model/fused_attention.h"

#include <ATen/SDPBackend.h>

namespace spikesink::detail {
namespace {

// The GPU's kernels want rows of whole vectors of 16 bytes; this suits each of their dtypes.
constexpr int64_t kAlignment = 8;

// The key/value heads repeated: the memory-efficient kernel wants as many as there are queries'.
torch::Tensor for_each_head(const torch::Tensor& x, int64_t heads) {
  return x.size(1) == heads ? x : x.repeat_interleave(heads / x.size(1), 1);
}

// Flash attention (half precision, newer GPUs) where PyTorch would take it or cuDNN's, which gives
// no log-sum-exp that can be relied on.
bool flash_attends(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                   bool causal, double scale) {
  const auto choice = static_cast<at::SDPBackend>(
      at::_fused_sdp_choice(q, k, v, {}, 0.0, causal, scale, /*enable_gqa=*/true));
  return choice == at::SDPBackend::flash_attention ||
         (choice == at::SDPBackend::cudnn_attention && q.size(3) == v.size(3));
}

Attended attend_on_gpu(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                       bool causal, double scale) {
  if (flash_attends(q, k, v, causal, scale)) {
    const auto result = at::_scaled_dot_product_flash_attention(q, k, v, 0.0, causal,
                                                                /*return_debug_mask=*/false, scale);
    return {std::get<0>(result), std::get<1>(result)};
  }
  const auto [z, lse, seed, offset] = at::_scaled_dot_product_efficient_attention(
      q, for_each_head(k, q.size(1)), for_each_head(v, q.size(1)), {}, /*compute_log_sumexp=*/true,
      0.0, causal, scale);
  return {z, lse.slice(2, 0, q.size(2))};  // it is filled up to a multiple of 32 queries
}

}  // namespace

bool has_fused_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
  if (q.is_cpu()) return true;
  return q.is_cuda() && q.scalar_type() != torch::kDouble && k.size(3) % kAlignment == 0 &&
         v.size(3) % kAlignment == 0;
}

Attended fused_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                         bool causal, double scale) {
  if (!q.is_cpu()) return attend_on_gpu(q, k, v, causal, scale);
  const auto [z, lse] =
      at::_scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, causal, {}, scale);
  return {z, lse};
}

}  // namespace spikesink::detail
