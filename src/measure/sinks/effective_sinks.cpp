#include "spikesink/measure/sinks/effective_sinks.h"

#include "measure/core/expect_same.h"
#include "measure/core/serialize.h"
#include "measure/sinks/sink_keys.h"
#include "measure/sinks/watch_scores.h"
#include "model/softmax_attention.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

namespace {

// Indices of the sums.
constexpr int64_t kAttention = 0, kFromSinks = 1, kSquares = 2, kGateSum = 3, kGateAtSinks = 4,
                  kEffectiveSums = 5;

// The attention [B, H, T] to the sinks and their part of the head outputs, [B, H, T, d_value].
struct SinkPart {
  torch::Tensor attention, output;
};

// is_sink [B, T]. Sums over the positions that are sinks in some sequence.
SinkPart part_of_sinks(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                       const torch::Tensor& lse, const AttentionParams& rule,
                       const torch::Tensor& is_sink) {
  const auto queries = q.transpose(1, 2), keys = k.transpose(1, 2), values = v.transpose(1, 2);
  SinkPart part{at::zeros_like(lse),
                at::zeros({q.size(0), q.size(2), q.size(1), v.size(3)}, lse.options())};
  const auto positions = is_sink.any(0).nonzero().squeeze(1);
  for (int64_t index = 0; index < positions.size(0); ++index) {
    const auto position = positions[index].item<int64_t>();
    const detail::Span span{0, q.size(1), position, position + 1};
    const auto scores = detail::scores(queries, keys, rule, {}, span);
    const auto here = is_sink.select(1, position).to(lse.device()).view({-1, 1, 1, 1});
    const auto weights =
        detail::pattern(scores, lse, rule, span).masked_fill(~here, 0);  // [B, H, T, 1]
    part.attention += weights.squeeze(3);
    part.output += detail::weighted_values(
        weights, values.slice(2, position, position + 1).to(lse.scalar_type()));
  }
  return part;
}

// Sums x [B, H, T] over the tokens of the mask [B, T], [H] float64.
torch::Tensor sum_over(const torch::Tensor& x, const torch::Tensor& mask) {
  return at::where(mask.unsqueeze(1), x.to(torch::kDouble), 0.0).sum({0, 2});
}

}  // namespace

HookScope EffectiveSinks::attach(Transformer& model, RunContext& context) {
  detail::check(options_.sinks, "EffectiveSinks");
  const auto& config = model->config();
  sums_ = torch::zeros({config.n_layers, config.n_heads, kEffectiveSums}, torch::kDouble);
  queries_ = sinks_ = 0;
  layers_run_.clear();
  HookScope scope;
  for (const int64_t layer : config.attention_layers()) scope += watch_layer(model, context, layer);
  return scope;
}

HookScope EffectiveSinks::watch_layer(Transformer& model, RunContext& context, int64_t layer) {
  HookScope scope;
  const auto keep = [&](std::string_view point, torch::Tensor Seen::*field) {
    scope += model->hooks().add(layer_hook_name(layer, point),
                                [this, field](const torch::Tensor& x) { seen_.*field = x; });
  };
  keep(kV, &Seen::v);
  keep(kRotQ, &Seen::q);
  keep(kRotK, &Seen::k);
  keep(kLse, &Seen::lse);
  if (model->layers[layer]->attn->gate) keep(kGate, &Seen::gate);
  scope += model->hooks().add(layer_hook_name(layer, kZ),
                              [this, layer, &model, &context](const torch::Tensor& z) {
                                add(model, layer, z, context.batch());
                                seen_ = {};
                              });
  return scope;
}

// z [B, T, H, d_value].
void EffectiveSinks::add(const Transformer& model, int64_t layer, const torch::Tensor& z,
                         const TokenBatch& batch) {
  const auto is_sink = detail::sink_mask(options_.sinks, batch).to(z.device());  // [B, T]
  const PassContext positions{.alibi = alibi_bias(model->config(), z.size(1), model->options())};
  const auto rule = model->layers[layer]->attn->attention_params(positions);
  auto [attention, output] = part_of_sinks(seen_.q, seen_.k, seen_.v, seen_.lse, rule, is_sink);
  const auto whole = z.transpose(1, 2).to(output.scalar_type());  // [B, H, T, d_value]
  const auto gate = seen_.gate.defined() ? seen_.gate.transpose(1, 2).to(output.scalar_type())
                                         : at::ones({1, 1, 1, 1}, output.options());
  output = output * gate;
  const auto mean_gate = gate.mean(3).expand(attention.sizes());
  const auto sums = sums_[layer];
  const auto add_sum = [&](int64_t index, const torch::Tensor& x, const torch::Tensor& mask) {
    sums.select(1, index) += sum_over(x, mask).cpu();
  };
  add_sum(kAttention, attention, ~is_sink);
  add_sum(kFromSinks, (output * whole).sum(3), ~is_sink);
  add_sum(kSquares, whole.square().sum(3), ~is_sink);
  add_sum(kGateSum, mean_gate, ~is_sink);
  add_sum(kGateAtSinks, mean_gate, is_sink);
  if (layer == model->config().attention_layers().front()) {
    const auto count = is_sink.sum().item<int64_t>();
    sinks_ += count;
    queries_ += is_sink.numel() - count;
  }
  detail::add_layer(layers_run_, layer);
}

void EffectiveSinks::merge(const EffectiveSinks& other) {
  detail::expect_same("EffectiveSinks", "layers and heads", other.sums_.sizes().vec(),
                      sums_.sizes().vec());
  detail::expect_same("EffectiveSinks", "sinks", other.options_.sinks.positions,
                      options_.sinks.positions);
  sums_ = sums_ + other.sums_;  // not in-place: copies of a measurement share its tensors
  queries_ += other.queries_;
  sinks_ += other.sinks_;
  for (const int64_t layer : other.layers_run_) detail::add_layer(layers_run_, layer);
}

EffectiveSinksResult EffectiveSinks::result() const {
  EffectiveSinksResult result{options_, queries_, sinks_, {}};
  if (!sums_.defined()) return result;
  const auto sums = sums_.accessor<double, 3>();
  const auto queries = static_cast<double>(queries_), sinks = static_cast<double>(sinks_);
  for (const int64_t layer : layers_run_) {
    for (int64_t head = 0; head < sums.size(1); ++head) {
      const auto of_head = sums[layer][head];
      result.heads.push_back({.layer = layer,
                              .head = head,
                              .attention = of_head[kAttention] / queries,
                              .output_share = of_head[kFromSinks] / of_head[kSquares],
                              .gate = of_head[kGateSum] / queries,
                              .gate_at_sinks = of_head[kGateAtSinks] / sinks});
    }
  }
  return result;
}

template class Mergeable<EffectiveSinks>;

}  // namespace spikesink
