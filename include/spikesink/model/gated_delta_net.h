#pragma once

#include "spikesink/hooks/hook_registry.h"
#include "spikesink/model/linear.h"
#include "spikesink/model/norm.h"
#include "spikesink/model/pass_context.h"

namespace [[gnu::visibility("default")]] spikesink {

/// A gated DeltaNet (arXiv 2412.06464), which mixes tokens without attention weights. Each value
/// head h has a state S, a d_key x d_value matrix, and token t changes it to
///   S_t = e^g S_(t-1) + k (beta (v - k^T e^g S_(t-1)))^T,   output: S_t^T q / sqrt(d_key)
/// with its own decay g <= 0 and rate beta. q, k and v come out of a causal convolution of
/// `DeltaNetConfig::kernel` tokens and SiLU; q and k have norm 1. The output has an RMSNorm and is
/// multiplied by SiLU of a gate. States are float32 or float64. A cached pass continues the states.
///
/// Hooks (H: value heads, K: key heads): `delta.hook_in` [B, T, d_model], `delta.hook_q` and
/// `delta.hook_k` [B, T, K, d_key], `delta.hook_v` [B, T, H, d_value], `delta.hook_decay` (g) and
/// `delta.hook_beta` [B, T, H], `delta.hook_gate` and `delta.hook_z` [B, T, H, d_value], the input
/// of the output projection.
class GatedDeltaNetImpl : public torch::nn::Module {
 public:
  GatedDeltaNetImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer);

  /// x [B, T, d_model] -> [B, T, d_model].
  torch::Tensor forward(const torch::Tensor& input, const PassContext& context);

  Linear qkv{nullptr};        // queries, then keys, then values
  torch::Tensor convolution;  // [channels of qkv, kernel], the last column for the token itself
  Linear decay{nullptr}, beta{nullptr}, gate{nullptr}, o{nullptr};
  torch::Tensor decay_bias;  // [H]
  torch::Tensor log_rate;    // [H]: g = -e^log_rate softplus(decay(x) + decay_bias)
  Norm norm{nullptr};        // over d_value

 private:
  torch::Tensor convolve(const torch::Tensor& x, RecurrentState* cached) const;

  int64_t layer_;
  DeltaNetConfig config_;
  HookPoint hook_in_, hook_q_, hook_k_, hook_v_, hook_decay_, hook_beta_, hook_gate_, hook_z_;
};
TORCH_MODULE(GatedDeltaNet);

}  // namespace spikesink
