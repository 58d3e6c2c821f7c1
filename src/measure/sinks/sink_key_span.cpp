#include "spikesink/measure/sinks/sink_key_span.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "detail/fail.h"
#include "measure/core/expect_same.h"
#include "measure/core/serialize.h"
#include "measure/sinks/sink_keys.h"
#include "measure/sinks/spectrum.h"
#include "spikesink/hooks/hook_names.h"
#include "spikesink/model/fold_norm.h"

namespace spikesink {

using namespace hook_names;

namespace {

// W_K with the norm's learned scale folded in. DynamicTanh cannot be folded, but acts on each
// channel alone: a scale of a row does not change what the row spans.
torch::Tensor folded_keys(const LayerImpl& layer) {
  const auto& norm = layer.attention_norms.input;
  const auto& weight = layer.attn->k->weight;
  return norm->config().kind == NormKind::kDynamicTanh ? weight : fold_norm(norm, weight);
}

// What a projection adds to every vector: its bias, and its product with the norm's bias. [heads,
// d_head] float64.
torch::Tensor constant_part(const Linear& projection, const Norm& norm, int64_t d_head) {
  const auto wide = [](const torch::Tensor& x) { return x.to(torch::kCPU, torch::kDouble); };
  auto sum = torch::zeros({projection->weight.size(0)}, torch::kDouble);
  if (norm->bias.defined()) sum += wide(projection->weight).mv(wide(norm->bias));
  if (projection->bias.defined()) sum += wide(projection->bias);
  return sum.view({-1, d_head});
}

// Effective rank per head.
torch::Tensor effective_ranks(const torch::Tensor& moment) {
  return detail::spectrum_of(moment).select(1, 0);
}

}  // namespace

SinkKeySpan::KeySums::KeySums(const ModelConfig& config)
    : shares(config.n_key_value_heads),
      moment(
          torch::zeros({config.n_key_value_heads, config.d_head, config.d_head}, torch::kDouble)) {}

// keys [n, key heads, d_head] float64.
void SinkKeySpan::KeySums::add(const torch::Tensor& keys, const torch::Tensor& basis) {
  count += keys.size(0);
  detail::add_to_moment(moment, keys);
  const auto in_span = at::matmul(keys.transpose(0, 1), basis).square().sum(2);  // [K, n]
  const auto shares_of_keys = (in_span / keys.square().sum(2).t()).contiguous();
  const auto share = shares_of_keys.accessor<double, 2>();
  for (int64_t head = 0; head < share.size(0); ++head) {
    for (int64_t key = 0; key < share.size(1); ++key) {
      if (std::isfinite(share[head][key])) shares[head].add(share[head][key]);
    }
  }
}

void SinkKeySpan::KeySums::merge(const KeySums& other) {
  count += other.count;
  for (size_t head = 0; head < shares.size(); ++head) shares[head].merge(other.shares[head]);
  // Not in-place: copies of a measurement share its tensors.
  moment = moment + other.moment;
}

SinkKeySpan::LayerSums::LayerSums(const ModelConfig& config, int64_t number)
    : layer(number),
      sinks(config),
      others(config),
      query_moment(torch::zeros({config.n_heads, config.d_head, config.d_head}, torch::kDouble)),
      span_ranks(torch::zeros({config.n_key_value_heads}, torch::kLong)) {}

HookScope SinkKeySpan::attach(Transformer& model, RunContext& context) {
  detail::check(options_.sinks, "SinkKeySpan");
  const auto& config = model->config();
  for (const int64_t channel : options_.channels) {
    if (channel < 0 || channel >= config.d_model)
      detail::fail_argument("[SinkKeySpan] channel: got {}, expected 0 to {}", channel,
                            config.d_model - 1);
  }
  layers_.clear();
  HookScope scope;
  if (options_.channels.empty() || config.latent.kv_rank > 0) return scope;
  for (const int64_t layer : config.attention_layers()) {
    const size_t index = layers_.size();
    layers_.emplace_back(config, layer);
    scope += model->hooks().add(layer_hook_name(layer, kQ),
                                [this](const torch::Tensor& q) { queries_ = q; });
    scope += model->hooks().add(layer_hook_name(layer, kK),
                                [this, index, layer, &model, &context](const torch::Tensor& k) {
                                  add(layers_[index], *model->layers[layer], k, context.batch());
                                  queries_.reset();
                                });
  }
  return scope;
}

// keys [B, T, K, d_head]. One sequence at a time, since float64 takes memory.
void SinkKeySpan::add(LayerSums& sums, const LayerImpl& layer, const torch::Tensor& keys,
                      const TokenBatch& batch) const {
  if (!sums.basis.defined()) compute_span(sums, layer);
  const auto& norm = layer.attention_norms.input;
  const auto key_constant = constant_part(layer.attn->k, norm, keys.size(3)),
             query_constant = constant_part(layer.attn->q, norm, keys.size(3));
  const auto is_sink = detail::sink_mask(options_.sinks, batch);
  for (int64_t row = 0; row < keys.size(0); ++row) {
    const auto sinks = is_sink[row].nonzero().squeeze(1),
               others = (~is_sink[row]).nonzero().squeeze(1);
    const auto k = keys[row].to(torch::kCPU, torch::kDouble) - key_constant;
    const auto q = queries_[row].to(torch::kCPU, torch::kDouble) - query_constant;
    sums.sinks.add(k.index_select(0, sinks), sums.basis);
    sums.others.add(k.index_select(0, others), sums.basis);
    detail::add_to_moment(sums.query_moment, q.index_select(0, others));
  }
}

void SinkKeySpan::compute_span(LayerSums& sums, const LayerImpl& layer) const {
  const auto heads = sums.span_ranks.size(0);
  const auto rows = folded_keys(layer)
                        .to(torch::kCPU, torch::kDouble)
                        .index_select(1, torch::tensor(options_.channels, torch::kLong))
                        .unflatten(0, {heads, -1});  // [K, d_head, channels]
  if (!rows.isfinite().all().item<bool>()) {
    sums.basis = torch::full_like(rows, std::numeric_limits<double>::quiet_NaN());
    return;
  }
  const auto [left, singular, right] = at::linalg_svd(rows, /*full_matrices=*/false);
  const auto least = std::numeric_limits<float>::epsilon() *
                     static_cast<double>(std::max(rows.size(1), rows.size(2)));
  const auto counts = singular > least * singular.amax(1, /*keepdim=*/true);  // [K, n]
  sums.basis = left * counts.unsqueeze(1);
  sums.span_ranks = counts.sum(1);
}

void SinkKeySpan::merge(const SinkKeySpan& other) {
  detail::expect_same("SinkKeySpan", "channels", other.options_.channels, options_.channels);
  detail::expect_same("SinkKeySpan", "sinks", other.options_.sinks.positions,
                      options_.sinks.positions);
  detail::expect_same("SinkKeySpan", "layers, query heads, key heads and d_head", other.shape(),
                      shape());
  for (size_t index = 0; index < layers_.size(); ++index) {
    auto& layer = layers_[index];
    const auto& theirs = other.layers_[index];
    layer.sinks.merge(theirs.sinks);
    layer.others.merge(theirs.others);
    layer.query_moment = layer.query_moment + theirs.query_moment;
    layer.span_ranks = at::maximum(layer.span_ranks, theirs.span_ranks);
  }
}

std::vector<int64_t> SinkKeySpan::shape() const {
  if (layers_.empty()) return {};
  const auto &queries = layers_[0].query_moment, &keys = layers_[0].sinks.moment;
  return {static_cast<int64_t>(layers_.size()), queries.size(0), keys.size(0), keys.size(1)};
}

std::vector<HeadKeySpan> SinkKeySpan::key_heads(int64_t index) const {
  const auto& layer = layers_[index];
  const auto sinks = effective_ranks(layer.sinks.moment),
             others = effective_ranks(layer.others.moment);
  const int64_t heads = layer.span_ranks.size(0), d_head = layer.query_moment.size(1);
  const auto queries = effective_ranks(layer.query_moment).view({heads, -1}).mean(1);
  std::vector<HeadKeySpan> result;
  for (int64_t head = 0; head < heads; ++head) {
    const auto rank = layer.span_ranks[head].item<int64_t>();
    result.push_back({.layer = layer.layer,
                      .key_head = head,
                      .rank = rank,
                      .random_share = static_cast<double>(rank) / static_cast<double>(d_head),
                      .sinks = {layer.sinks.shares[head], sinks[head].item<double>()},
                      .others = {layer.others.shares[head], others[head].item<double>()},
                      .query_rank = queries[head].item<double>()});
  }
  return result;
}

SinkKeySpanResult SinkKeySpan::result() const {
  SinkKeySpanResult result{options_};
  if (layers_.empty()) return result;
  result.sink_keys = layers_[0].sinks.count;
  result.other_keys = layers_[0].others.count;
  if (result.sink_keys == 0 || result.other_keys == 0) return result;
  for (size_t index = 0; index < layers_.size(); ++index) {
    if (layers_[index].sinks.count == 0) break;  // the run stopped before this layer
    const auto heads = key_heads(static_cast<int64_t>(index));
    result.heads.insert(result.heads.end(), heads.begin(), heads.end());
  }
  return result;
}

template class Mergeable<SinkKeySpan>;

}  // namespace spikesink
