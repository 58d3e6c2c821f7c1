#include "spikesink/measure/sinks/qk_sample.h"

#include "detail/fail.h"
#include "measure/core/expect_same.h"
#include "measure/sinks/sink_keys.h"
#include "measure/spikes/token_sample.h"
#include "model/require_attention.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

HookScope QkSample::attach(Transformer& model, RunContext& context) {
  detail::check(options_.sinks, "QkSample");
  const auto& config = model->config();
  const int64_t group = config.n_heads / config.n_key_value_heads;
  heads_.assign(options_.heads.size(), {});
  HookScope scope;
  for (size_t index = 0; index < heads_.size(); ++index) {
    const auto [layer, head] = options_.heads[index];
    if (layer < 0 || layer >= config.n_layers || head < 0 || head >= config.n_heads)
      detail::fail_argument("[QkSample] got head {} of layer {}, expected one of {} of {} layers",
                            head, layer, config.n_heads, config.n_layers);
    detail::require_attention("QkSample", config, layer);
    scope += model->hooks().add(layer_hook_name(layer, options_.before_rope ? kQ : kRotQ),
                                [this, index, head = head, &context](const torch::Tensor& q) {
                                  add(q.select(2, head), context.batch(), /*sinks=*/false,
                                      heads_[index].queries);
                                });
    scope += model->hooks().add(
        layer_hook_name(layer, options_.before_rope ? kK : kRotK),
        [this, index, key_head = head / group, &context](const torch::Tensor& k) {
          const auto keys = k.select(2, key_head);
          add(keys, context.batch(), /*sinks=*/false, heads_[index].other_keys);
          add(keys, context.batch(), /*sinks=*/true, heads_[index].sink_keys);
        });
  }
  return scope;
}

// vectors [B, T, d].
void QkSample::add(const torch::Tensor& vectors, const TokenBatch& batch, bool sinks,
                   std::vector<QkVector>& sample) const {
  const auto is_sink = detail::sink_mask(options_.sinks, batch);
  const auto is_sink_at = is_sink.accessor<bool, 2>();
  const auto ids = batch.ids.accessor<int64_t, 2>();
  for (int64_t row = 0; row < vectors.size(0); ++row) {
    for (int64_t position = batch.prefix_length; position < vectors.size(1); ++position) {
      const TokenPosition token{batch.first_sequence + row, position - batch.prefix_length};
      if (is_sink_at[row][position] != sinks || !detail::takes(sample, token, options_.max_vectors))
        continue;
      const auto vector = vectors[row][position].to(torch::kCPU, torch::kFloat).contiguous();
      const auto* values = vector.data_ptr<float>();
      detail::add_to_sample(sample,
                            QkVector{token, ids[row][position], {values, values + vector.numel()}},
                            options_.max_vectors);
    }
  }
}

void QkSample::merge(const QkSample& other) {
  const auto same = [](std::string_view what, const auto& got, const auto& expected) {
    detail::expect_same("QkSample", what, got, expected);
  };
  same("heads", other.options_.heads, options_.heads);
  same("number of heads", other.heads_.size(), heads_.size());
  same("sinks", other.options_.sinks.positions, options_.sinks.positions);
  same("max_vectors", other.options_.max_vectors, options_.max_vectors);
  same("before_rope", other.options_.before_rope, options_.before_rope);
  for (size_t index = 0; index < heads_.size(); ++index) {
    auto& ours = heads_[index];
    const auto& theirs = other.heads_[index];
    detail::merge_samples(ours.queries, theirs.queries, options_.max_vectors);
    detail::merge_samples(ours.other_keys, theirs.other_keys, options_.max_vectors);
    detail::merge_samples(ours.sink_keys, theirs.sink_keys, options_.max_vectors);
  }
}

std::vector<HeadSample> QkSample::result() const {
  std::vector<HeadSample> result;
  for (size_t index = 0; index < heads_.size(); ++index) {
    const auto [layer, head] = options_.heads[index];
    const auto& sample = heads_[index];
    result.push_back({layer, head, sample.queries, sample.other_keys, sample.sink_keys});
  }
  return result;
}

torch::Tensor HeadSample::points() const {
  std::vector<torch::Tensor> rows;
  for (const auto* list : {&queries, &other_keys, &sink_keys}) {
    for (const auto& vector : *list) rows.push_back(torch::tensor(vector.values, torch::kDouble));
  }
  return rows.empty() ? torch::zeros({0, 0}, torch::kDouble) : at::stack(rows);
}

}  // namespace spikesink
