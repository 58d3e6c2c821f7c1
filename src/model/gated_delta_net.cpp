#include "spikesink/model/gated_delta_net.h"

#include "detail/autocast.h"
#include "detail/dtype.h"
#include "model/gated_delta_rule.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

namespace {

constexpr double kUnitNormEpsilon = 1e-6;  // added to the sum of squares

torch::Tensor unit_norm(const torch::Tensor& x) {
  return x * at::rsqrt(x.square().sum(-1, /*keepdim=*/true) + kUnitNormEpsilon);
}

// Heads [B, T, K, d] -> [B, H, T, d]: each key head serves H / K value heads.
torch::Tensor repeat_heads(const torch::Tensor& heads, int64_t value_heads) {
  return heads.repeat_interleave(value_heads / heads.size(2), 2).transpose(1, 2);
}

}  // namespace

GatedDeltaNetImpl::GatedDeltaNetImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer)
    : layer_(layer), config_(config.delta_net) {
  const auto point = [&](std::string_view name) {
    return hooks.add_point(layer_hook_name(layer, name));
  };
  const int64_t heads = config_.n_value_heads, width = heads * config_.d_value;
  const int64_t channels = 2 * config_.n_key_heads * config_.d_key + width;
  const auto linear = [&](const char* name, int64_t in, int64_t out) {
    return register_module(name, Linear(in, out, /*has_bias=*/false));
  };
  hook_in_ = point(kDeltaIn);
  qkv = linear("qkv", config.d_model, channels);
  convolution = register_parameter("convolution", torch::empty({channels, config_.kernel}));
  hook_q_ = point(kDeltaQ);
  hook_k_ = point(kDeltaK);
  hook_v_ = point(kDeltaV);
  decay = linear("decay", config.d_model, heads);
  decay_bias = register_parameter("decay_bias", torch::empty({heads}));
  log_rate = register_parameter("log_rate", torch::empty({heads}));
  hook_decay_ = point(kDeltaDecay);
  beta = linear("beta", config.d_model, heads);
  hook_beta_ = point(kDeltaBeta);
  norm = register_module(
      "norm", Norm(NormConfig{.kind = NormKind::kRmsNorm, .epsilon = config.norm.epsilon},
                   config_.d_value, hooks, layer_hook_name(layer, "delta.norm")));
  gate = linear("gate", config.d_model, width);
  hook_gate_ = point(kDeltaGate);
  hook_z_ = point(kDeltaZ);
  o = linear("o", width, config.d_model);
}

torch::Tensor GatedDeltaNetImpl::forward(const torch::Tensor& input, const PassContext& context) {
  const auto x = hook_in_(input);
  const auto dtype = x.scalar_type(), wide = detail::at_least_float(dtype);
  const int64_t keys = config_.n_key_heads * config_.d_key, heads = config_.n_value_heads;
  auto* cached = context.cache ? &context.cache->recurrent_state(layer_) : nullptr;
  const auto mixed = convolve(qkv(x), cached);  // [B, T, channels]
  const auto q = hook_q_(unit_norm(
      mixed.slice(2, 0, keys).unflatten(-1, {config_.n_key_heads, config_.d_key}).to(wide)));
  const auto k = hook_k_(unit_norm(
      mixed.slice(2, keys, 2 * keys).unflatten(-1, {config_.n_key_heads, config_.d_key}).to(wide)));
  const auto v = hook_v_(mixed.slice(2, 2 * keys).unflatten(-1, {heads, config_.d_value}));
  const auto g = hook_decay_(-at::exp(log_rate.to(wide)) *
                             at::softplus(decay(x).to(wide) + decay_bias.to(wide)));
  const auto rate = hook_beta_(at::sigmoid(beta(x)));

  const detail::AutocastScope no_autocast(x.device().type(), false);
  auto state =
      cached && cached->matrix.defined()
          ? cached->matrix
          : at::zeros({x.size(0), heads, config_.d_key, config_.d_value}, x.options().dtype(wide));
  const auto outputs = detail::gated_delta_rule(
      {repeat_heads(q, heads), repeat_heads(k, heads), v.to(wide).transpose(1, 2),
       g.transpose(1, 2), rate.to(wide).transpose(1, 2)},
      state);
  if (cached) cached->matrix = state;
  const auto z = norm(outputs.transpose(1, 2).to(dtype));  // [B, T, H, d_value]
  const auto factors = hook_gate_(at::silu(gate(x).unflatten(-1, {heads, -1}).to(wide)));
  return o(hook_z_((z * factors).to(dtype)).flatten(2));
}

// SiLU of a causal convolution of each channel. x [B, T, channels].
torch::Tensor GatedDeltaNetImpl::convolve(const torch::Tensor& x, RecurrentState* cached) const {
  const int64_t before = config_.kernel - 1, length = x.size(1);
  const auto past = cached && cached->inputs.defined()
                        ? cached->inputs
                        : at::zeros({x.size(0), before, x.size(2)}, x.options());
  const auto padded = at::cat({past, x}, 1);
  if (cached) cached->inputs = padded.slice(1, length);
  auto sum = padded.slice(1, 0, length) * convolution.select(1, 0);
  for (int64_t tap = 1; tap < config_.kernel; ++tap)
    sum = sum.addcmul(padded.slice(1, tap, tap + length), convolution.select(1, tap));
  return at::silu(sum);
}

}  // namespace spikesink
