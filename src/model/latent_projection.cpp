#include "spikesink/model/latent_projection.h"

#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

// Hook points are created in the order of the forward pass.
LatentProjectionImpl::LatentProjectionImpl(const ModelConfig& config, HookRegistry& hooks,
                                           int64_t layer)
    : n_heads_(config.n_heads) {
  const int64_t kv_rank = config.latent.kv_rank, q_rank = config.latent.q_rank,
                d_rope = config.latent.d_rope;
  const auto linear = [&](const char* name, int64_t in, int64_t out, bool has_bias) {
    return register_module(name, Linear(in, out, has_bias));
  };
  const auto norm = [&](const char* name, int64_t width) {
    const auto point = "attn." + std::string(name);
    return register_module(name,
                           Norm(config.latent.norm, width, hooks, layer_hook_name(layer, point)));
  };
  if (q_rank > 0) {
    q_down = linear("q_down", config.d_model, q_rank, config.qkv_bias);
    q_norm = norm("q_latent_norm", q_rank);
    hook_q_latent_ = hooks.add_point(layer_hook_name(layer, kQLatent));
  }
  q_up = linear("q_up", q_rank > 0 ? q_rank : config.d_model, n_heads_ * config.d_head, false);
  kv_down = linear("kv_down", config.d_model, kv_rank, config.qkv_bias);
  k_rope = linear("k_rope", config.d_model, d_rope, config.qkv_bias);
  kv_norm = norm("kv_latent_norm", kv_rank);
  hook_kv_latent_ = hooks.add_point(layer_hook_name(layer, kKvLatent));
  k_up = linear("k_up", kv_rank, n_heads_ * (config.d_head - d_rope), false);
  v_up = linear("v_up", kv_rank, n_heads_ * config.value_width(), false);
}

QueryKeyValue LatentProjectionImpl::forward(const torch::Tensor& x) {
  const auto heads = [&](const torch::Tensor& flat) { return flat.unflatten(-1, {n_heads_, -1}); };
  const auto q_latent = q_down ? hook_q_latent_(q_norm(q_down(x))) : x;
  const auto kv_latent = hook_kv_latent_(kv_norm(kv_down(x)));  // [B, T, kv_rank]
  const auto shared = k_rope(x).unsqueeze(2).expand({-1, -1, n_heads_, -1});
  return {heads(q_up(q_latent)), at::cat({shared, heads(k_up(kv_latent))}, -1),
          heads(v_up(kv_latent))};
}

}  // namespace spikesink
