#include "spikesink/measure/sinks/qk_sample.h"

#include "detail/fail.h"
#include "measure/core/expect_same.h"
#include "measure/sinks/sink_keys.h"
#include "measure/spikes/position_hash.h"
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
                   VectorsByHash& sample) const {
  const auto is_sink = detail::sink_mask(options_.sinks, batch);
  const auto is_sink_at = is_sink.accessor<bool, 2>();
  const auto ids = batch.ids.accessor<int64_t, 2>();
  for (int64_t row = 0; row < vectors.size(0); ++row) {
    for (int64_t position = batch.prefix_length; position < vectors.size(1); ++position) {
      const TokenPosition token{batch.first_sequence + row, position - batch.prefix_length};
      const auto hash = detail::hash_of(token);
      const bool full = static_cast<int64_t>(sample.size()) >= options_.max_vectors;
      if (is_sink_at[row][position] != sinks ||
          (full && (sample.empty() || hash > sample.rbegin()->first.first)))
        continue;
      const auto vector = vectors[row][position].to(torch::kCPU, torch::kFloat).contiguous();
      const auto* values = vector.data_ptr<float>();
      insert(sample, hash, {token, ids[row][position], {values, values + vector.numel()}});
    }
  }
}

void QkSample::insert(VectorsByHash& sample, uint64_t hash, QkVector vector) const {
  sample.emplace(std::pair(hash, vector.token), std::move(vector));
  if (static_cast<int64_t>(sample.size()) > options_.max_vectors)
    sample.erase(std::prev(sample.end()));
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
  const auto add_all = [&](VectorsByHash& ours, const VectorsByHash& theirs) {
    for (const auto& [order, vector] : theirs) insert(ours, order.first, vector);
  };
  for (size_t index = 0; index < heads_.size(); ++index) {
    add_all(heads_[index].queries, other.heads_[index].queries);
    add_all(heads_[index].other_keys, other.heads_[index].other_keys);
    add_all(heads_[index].sink_keys, other.heads_[index].sink_keys);
  }
}

std::vector<HeadSample> QkSample::result() const {
  const auto vectors_of = [](const VectorsByHash& sample) {
    std::vector<QkVector> vectors;
    for (const auto& [order, vector] : sample) vectors.push_back(vector);
    return vectors;
  };
  std::vector<HeadSample> result;
  for (size_t index = 0; index < heads_.size(); ++index) {
    const auto [layer, head] = options_.heads[index];
    const auto& sample = heads_[index];
    result.push_back({layer, head, vectors_of(sample.queries), vectors_of(sample.other_keys),
                      vectors_of(sample.sink_keys)});
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
