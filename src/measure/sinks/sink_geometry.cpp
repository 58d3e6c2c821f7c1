#include "spikesink/measure/sinks/sink_geometry.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "measure/core/expect_same.h"
#include "measure/core/serialize.h"
#include "measure/sinks/sink_keys.h"
#include "measure/sinks/spectrum.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

namespace {

// Returns for each query the mean of the marked keys that it can attend to, [T, K, d], and the
// number of these keys, [T]. Sums over key ranges are differences of cumulative sums.
std::pair<torch::Tensor, torch::Tensor> mean_of_visible(const torch::Tensor& keys,
                                                        const torch::Tensor& marked,
                                                        const AttentionParams& rule) {
  auto counts = marked.to(torch::kDouble).cumsum(0);                          // [T]
  auto sums = (keys * marked.to(torch::kDouble).view({-1, 1, 1})).cumsum(0);  // [T, K, d]
  const int64_t length = keys.size(0);
  if (!rule.causal) {
    counts = counts[-1].expand_as(counts);
    sums = sums[-1].expand_as(sums);
  } else if (rule.window > 0 && rule.window < length) {
    const auto left = length - rule.window;
    counts = at::cat(
        {counts.slice(0, 0, rule.window), counts.slice(0, rule.window) - counts.slice(0, 0, left)});
    sums = at::cat(
        {sums.slice(0, 0, rule.window), sums.slice(0, rule.window) - sums.slice(0, 0, left)});
  }
  return {sums / counts.view({-1, 1, 1}), counts};
}

}  // namespace

std::string to_string(QkDistance distance) {
  return distance == QkDistance::kEuclidean ? "euclidean" : "cosine";
}

SinkGeometry::VectorSums::VectorSums(int64_t heads, int64_t width, bool of_keys)
    : sum(torch::zeros({heads, width}, torch::kDouble)),
      unit_sum(torch::zeros_like(sum)),
      squares(torch::zeros({heads}, torch::kDouble)),
      norms(torch::zeros_like(squares)) {
  if (!of_keys) return;
  moment = torch::zeros({heads, width, width}, torch::kDouble);
  value_norms = torch::zeros_like(squares);
}

void SinkGeometry::VectorSums::add(const torch::Tensor& vectors) {
  const auto lengths = vectors.norm(2, -1);  // [n, heads]
  count += vectors.size(0);
  sum += vectors.sum(0);
  unit_sum +=
      (vectors / lengths.clamp_min(std::numeric_limits<double>::min()).unsqueeze(-1)).sum(0);
  squares += lengths.square().sum(0);
  norms += lengths.sum(0);
}

void SinkGeometry::VectorSums::add_keys(const torch::Tensor& keys, const torch::Tensor& values) {
  add(keys);
  detail::add_to_moment(moment, keys);
  value_norms += values.norm(2, -1).sum(0);
}

void SinkGeometry::VectorSums::merge(const VectorSums& other) {
  // Not in-place: copies of a measurement share its tensors.
  count += other.count;
  sum = sum + other.sum;
  unit_sum = unit_sum + other.unit_sum;
  squares = squares + other.squares;
  norms = norms + other.norms;
  if (!moment.defined()) return;
  moment = moment + other.moment;
  value_norms = value_norms + other.value_norms;
}

SinkGeometry::LayerSums::LayerSums(const ModelConfig& config, int64_t number)
    : layer(number),
      queries(config.n_heads, config.d_head, /*of_keys=*/false),
      sinks(config.n_key_value_heads, config.d_head, /*of_keys=*/true),
      others(config.n_key_value_heads, config.d_head, /*of_keys=*/true),
      gap(torch::zeros({config.n_heads}, torch::kDouble)) {}

HookScope SinkGeometry::attach(Transformer& model, RunContext& context) {
  detail::check(options_.sinks, "SinkGeometry");
  layers_.clear();
  HookScope scope;
  for (const int64_t layer : model->config().attention_layers()) {
    const size_t index = layers_.size();
    layers_.emplace_back(model->config(), layer);
    const auto add_hook = [&](std::string_view point, auto callback) {
      scope += model->hooks().add(layer_hook_name(layer, point), callback);
    };
    add_hook(options_.before_rope ? kQ : kRotQ, [this](const torch::Tensor& q) { queries_ = q; });
    add_hook(options_.before_rope ? kK : kRotK, [this](const torch::Tensor& k) { keys_ = k; });
    add_hook(kV, [this](const torch::Tensor& v) { values_ = v; });
    add_hook(kLse, [this, index, layer, &model, &context](const torch::Tensor&) {
      const auto is_sink = detail::sink_mask(options_.sinks, context.batch());  // [B, T]
      const auto rule = model->layers[layer]->attn->attention_params({});
      for (int64_t row = 0; row < queries_.size(0); ++row)
        add(layers_[index], queries_[row], keys_[row], values_[row], is_sink[row], rule);
      queries_.reset();
      keys_.reset();
      values_.reset();
    });
  }
  return scope;
}

// One sequence: q [T, H, d], k and v [T, K, d], is_sink [T].
void SinkGeometry::add(LayerSums& layer, const torch::Tensor& q, const torch::Tensor& k,
                       const torch::Tensor& v, const torch::Tensor& is_sink,
                       const AttentionParams& rule) const {
  const auto queries = q.to(torch::kCPU, torch::kDouble), keys = k.to(torch::kCPU, torch::kDouble),
             values = v.to(torch::kCPU, torch::kDouble);
  const auto sinks = is_sink.nonzero().squeeze(1), others = (~is_sink).nonzero().squeeze(1);
  layer.queries.add(queries.index_select(0, others));
  layer.sinks.add_keys(keys.index_select(0, sinks), values.index_select(0, sinks));
  layer.others.add_keys(keys.index_select(0, others), values.index_select(0, others));
  add_gap(layer, queries, keys, is_sink, rule);
}

void SinkGeometry::add_gap(LayerSums& layer, const torch::Tensor& q, const torch::Tensor& k,
                           const torch::Tensor& is_sink, const AttentionParams& rule) {
  const auto [sinks, sink_count] = mean_of_visible(k, is_sink, rule);
  const auto [others, other_count] = mean_of_visible(k, ~is_sink, rule);
  const auto used_queries = (~is_sink & (sink_count > 0) & (other_count > 0)).nonzero().squeeze(1);
  const auto difference =
      (sinks - others).index_select(0, used_queries).unsqueeze(2);  // [n, K, 1, d]
  const auto queries = q.index_select(0, used_queries)
                           .unflatten(1, {k.size(1), q.size(1) / k.size(1)});  // [n, K, H/K, d]
  layer.gap += rule.scale * (queries * difference).sum(-1).flatten(1).sum(0);
  layer.gap_queries += used_queries.size(0);
}

void SinkGeometry::merge(const SinkGeometry& other) {
  detail::expect_same("SinkGeometry", "layers, query heads, key heads and d_head", other.shape(),
                      shape());
  detail::expect_same("SinkGeometry", "sinks", other.options_.sinks.positions,
                      options_.sinks.positions);
  detail::expect_same("SinkGeometry", "before_rope", other.options_.before_rope,
                      options_.before_rope);
  for (size_t index = 0; index < layers_.size(); ++index) {
    auto& layer = layers_[index];
    const auto& theirs = other.layers_[index];
    layer.queries.merge(theirs.queries);
    layer.sinks.merge(theirs.sinks);
    layer.others.merge(theirs.others);
    layer.gap = layer.gap + theirs.gap;
    layer.gap_queries += theirs.gap_queries;
  }
}

std::vector<int64_t> SinkGeometry::shape() const {
  if (layers_.empty()) return {};
  const auto &queries = layers_[0].queries.sum, &keys = layers_[0].sinks.sum;
  return {static_cast<int64_t>(layers_.size()), queries.size(0), keys.size(0), keys.size(1)};
}

// Returns one entry per query head, for the keys of its key head. Means over all pairs follow from
// sums: mean ||q - k||^2 = mean ||q||^2 + mean ||k||^2 - 2 (mean q) . (mean k), and mean cos(q, k)
// = (mean q / ||q||) . (mean k / ||k||).
std::vector<KeyGeometry> SinkGeometry::key_geometry(const VectorSums& keys,
                                                    const VectorSums& queries) {
  const int64_t heads = queries.sum.size(0), group = heads / keys.sum.size(0);
  const auto per_query_head = [&](const torch::Tensor& x) { return x.repeat_interleave(group, 0); };
  const auto key_count = static_cast<double>(keys.count);
  const auto query_count = static_cast<double>(queries.count);
  const auto pairs = key_count * query_count;
  const auto products = (queries.sum * per_query_head(keys.sum)).sum(-1) / pairs;  // [H]
  const auto distances =
      queries.squares / query_count + per_query_head(keys.squares) / key_count - 2 * products;
  const auto cosines = (queries.unit_sum * per_query_head(keys.unit_sum)).sum(-1) / pairs;
  const auto norms = per_query_head(keys.norms) / key_count;
  const auto value_norms = per_query_head(keys.value_norms) / key_count;
  const auto table =
      at::cat({at::stack({norms, value_norms}, 1), per_query_head(detail::spectrum_of(keys.moment)),
               at::stack({distances, cosines}, 1)},
              1);  // [H, 7]
  const auto rows = table.accessor<double, 2>();
  std::vector<KeyGeometry> result;
  for (int64_t head = 0; head < heads; ++head) {
    const auto row = rows[head];
    result.push_back({row[0], row[1], row[2], row[3], row[4], row[5], row[6]});
  }
  return result;
}

SinkGeometryResult SinkGeometry::result() const {
  SinkGeometryResult result{options_};
  if (layers_.empty()) return result;
  result.sink_keys = layers_[0].sinks.count;
  result.other_keys = layers_[0].others.count;
  if (result.sink_keys == 0 || result.other_keys == 0) return result;
  for (const auto& layer : layers_) {
    if (layer.sinks.count == 0) break;  // the run stopped before this layer
    const auto sinks = key_geometry(layer.sinks, layer.queries);
    const auto others = key_geometry(layer.others, layer.queries);
    const auto gaps = (layer.gap / layer.gap_queries);
    const auto group = static_cast<int64_t>(sinks.size()) / layer.sinks.sum.size(0);
    for (int64_t head = 0; head < static_cast<int64_t>(sinks.size()); ++head)
      result.heads.push_back(
          {layer.layer, head, head / group, sinks[head], others[head], gaps[head].item<double>()});
  }
  return result;
}

double HeadGeometry::margin(QkDistance distance) const {
  return distance == QkDistance::kEuclidean ? others.squared_distance - sinks.squared_distance
                                            : sinks.cosine - others.cosine;
}

std::vector<HeadGeometry> SinkGeometryResult::predicted_sink_heads(QkDistance distance) const {
  std::vector<HeadGeometry> found;
  std::copy_if(heads.begin(), heads.end(), std::back_inserter(found),
               [&](const HeadGeometry& head) { return head.is_predicted_sink_head(distance); });
  return found;
}

template class Mergeable<SinkGeometry>;

}  // namespace spikesink
