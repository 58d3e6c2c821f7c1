#include "model/fused_attention.h"

#include <ATen/SDPBackend.h>

#include <algorithm>

namespace spikesink::detail {
namespace {

// The GPU kernels need rows of a multiple of 16 bytes; 8 elements are enough for each dtype.
constexpr int64_t kAlignment = 8;

// The memory-efficient kernel needs as many key/value heads as query heads.
torch::Tensor repeat_heads(const torch::Tensor& x, int64_t heads) {
  return x.size(1) == heads ? x : x.repeat_interleave(heads / x.size(1), 1);
}

// Flash attention (half precision, newer GPUs) if PyTorch would choose it or cuDNN's kernel, whose
// log-sum-exp is not reliable.
bool uses_flash_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                          bool causal, double scale) {
  const auto choice = static_cast<at::SDPBackend>(
      at::_fused_sdp_choice(q, k, v, {}, 0.0, causal, scale, /*enable_gqa=*/true));
  return choice == at::SDPBackend::flash_attention ||
         (choice == at::SDPBackend::cudnn_attention && q.size(3) == v.size(3));
}

// Appends zeros to each vector, up to `width`.
torch::Tensor widen(const torch::Tensor& x, int64_t width) {
  return x.size(3) == width ? x : at::constant_pad_nd(x, {0, width - x.size(3)});
}

// The kernel needs queries, keys and values of one width.
AttentionOutput attend_on_cpu(const torch::Tensor& q, const torch::Tensor& k,
                              const torch::Tensor& v, bool causal, double scale) {
  const int64_t width = std::max(q.size(3), v.size(3));
  const auto [z, lse] = at::_scaled_dot_product_flash_attention_for_cpu(
      widen(q, width), widen(k, width), widen(v, width), 0.0, causal, {}, scale);
  return {z.slice(3, 0, v.size(3)), lse};
}

AttentionOutput attend_on_gpu(const torch::Tensor& q, const torch::Tensor& k,
                              const torch::Tensor& v, bool causal, double scale) {
  if (uses_flash_attention(q, k, v, causal, scale)) {
    const auto result = at::_scaled_dot_product_flash_attention(q, k, v, 0.0, causal,
                                                                /*return_debug_mask=*/false, scale);
    return {std::get<0>(result), std::get<1>(result)};
  }
  const auto [z, lse, seed, offset] = at::_scaled_dot_product_efficient_attention(
      q, repeat_heads(k, q.size(1)), repeat_heads(v, q.size(1)), {}, /*compute_log_sumexp=*/true,
      0.0, causal, scale);
  return {z, lse.slice(2, 0, q.size(2))};  // it is padded to a multiple of 32 queries
}

}  // namespace

bool has_fused_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
  if (q.is_cpu()) return true;
  return q.is_cuda() && q.scalar_type() != torch::kDouble && k.size(3) % kAlignment == 0 &&
         v.size(3) % kAlignment == 0;
}

AttentionOutput fused_attention(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& v, bool causal, double scale) {
  return q.is_cpu() ? attend_on_cpu(q, k, v, causal, scale) : attend_on_gpu(q, k, v, causal, scale);
}

}  // namespace spikesink::detail
