#include "spikesink/measure/sinks/sinks_anywhere.h"

#include <algorithm>
#include <tuple>

#include "detail/fail.h"
#include "measure/core/expect_same.h"
#include "measure/core/serialize.h"
#include "measure/core/sort_by.h"
#include "measure/sinks/attention_to_keys.h"
#include "measure/sinks/watch_scores.h"

namespace spikesink {
HookScope SinksAnywhere::attach(Transformer& model, RunContext& context) {
  if (options_.least_queries < 1 || options_.max_token_positions < 0)
    detail::fail_argument(
        "[SinksAnywhere] got least_queries {} and max_token_positions {}, expected at least 1 and "
        "0",
        options_.least_queries, options_.max_token_positions);
  const auto& config = model->config();
  layers_ = config.n_layers;
  layers_run_.clear();
  heads_.clear();
  heads_.resize(config.n_layers * config.n_heads);
  tokens_.assign(2 * config.d_vocabulary, {});
  sequences_at_ = {};
  token_positions_.clear();
  token_position_count_ = 0;
  sequences_ = 0;
  heads_at_.clear();
  return detail::watch_scores(model, [this, &context](const detail::LayerScores& scores) {
    const auto& batch = context.batch();
    if (scores.is_first) heads_at_.insert(batch, std::vector<int64_t>(batch.ids.numel()));
    add_layer(scores.layer, detail::attention_to_keys(scores.q, scores.k, scores.lse, scores.rule),
              scores.rule.causal, heads_at_.at(batch));
    detail::add_layer(layers_run_, scores.layer);
    if (!scores.is_last) return;
    add_batch(batch, scores.rule.causal);
    heads_at_.erase(batch);
  });
}

void SinksAnywhere::add_layer(int64_t layer, const torch::Tensor& importance, bool causal,
                              std::vector<int64_t>& heads_at) {
  const int64_t heads = importance.size(1), length = importance.size(2);
  const int64_t keys = detail::keys_seen_by(options_.least_queries, length, causal);
  const auto* values = importance.data_ptr<double>();  // [B, H, T]
  for (int64_t row = 0; row < importance.size(0) * heads; ++row, values += length) {
    auto& head = heads_[layer * heads + row % heads];
    bool has_sink = false;
    for (int64_t position = 0; position < keys; ++position) {
      if (!(values[position] > options_.epsilon)) continue;
      has_sink = true;
      const int64_t queries = causal ? length - position : length;
      head.attention += values[position] * static_cast<double>(queries) / length;
      ++head.positions[position];
      ++heads_at[row / heads * length + position];
    }
    head.sequences += has_sink;
  }
}

void SinksAnywhere::add_batch(const TokenBatch& batch, bool causal) {
  const auto ids = batch.ids.to(torch::kCPU).contiguous();
  const int64_t length = ids.size(1);
  const int64_t keys = detail::keys_seen_by(options_.least_queries, length, causal);
  const auto vocabulary = static_cast<int64_t>(tokens_.size()) / 2;
  const auto& heads_at = heads_at_.at(batch);
  std::vector<SinkOccurrence> found;
  for (int64_t row = 0; row < ids.size(0); ++row) {
    for (int64_t position = 0; position < keys; ++position) {
      const int64_t id = ids.data_ptr<int64_t>()[row * length + position];
      auto& token = tokens_[position == 0 ? id : vocabulary + id];
      ++token.occurrences;
      const int64_t heads = heads_at[row * length + position];
      if (heads == 0) continue;
      token.count += heads;
      ++token.token_positions;
      ++sequences_at_[position];
      if (position >= batch.prefix_length)
        found.push_back({batch.first_sequence + row, position - batch.prefix_length, id, heads});
    }
  }
  if (keys > 0) sequences_ += ids.size(0);
  token_position_count_ += static_cast<int64_t>(found.size());
  keep_most_frequent(std::move(found));
}

// A token position in the top of the whole text is also in the top of its batch. So the top of each
// batch is enough.
void SinksAnywhere::keep_most_frequent(std::vector<SinkOccurrence> candidates) {
  const auto order = [](const SinkOccurrence& token) {
    return std::tuple(-token.heads, token.sequence, token.position);
  };
  token_positions_.insert(token_positions_.end(), candidates.begin(), candidates.end());
  std::sort(token_positions_.begin(), token_positions_.end(),
            [&](const auto& a, const auto& b) { return order(a) < order(b); });
  if (static_cast<int64_t>(token_positions_.size()) > options_.max_token_positions)
    token_positions_.resize(options_.max_token_positions);
}

void SinksAnywhere::merge(const SinksAnywhere& other) {
  const auto same = [](std::string_view what, const auto& got, const auto& expected) {
    detail::expect_same("SinksAnywhere", what, got, expected);
  };
  same("layers", other.layers_, layers_);
  for (const int64_t layer : other.layers_run_) detail::add_layer(layers_run_, layer);
  same("heads", other.heads_.size(), heads_.size());
  same("vocabulary", other.tokens_.size() / 2, tokens_.size() / 2);
  same("epsilon", other.options_.epsilon, options_.epsilon);
  same("least_queries", other.options_.least_queries, options_.least_queries);
  same("max_token_positions", other.options_.max_token_positions, options_.max_token_positions);
  for (size_t index = 0; index < heads_.size(); ++index) {
    const auto& theirs = other.heads_[index];
    for (const auto& [position, count] : theirs.positions)
      heads_[index].positions[position] += count;
    heads_[index].sequences += theirs.sequences;
    heads_[index].attention += theirs.attention;
  }
  for (size_t index = 0; index < tokens_.size(); ++index) {
    tokens_[index].count += other.tokens_[index].count;
    tokens_[index].token_positions += other.tokens_[index].token_positions;
    tokens_[index].occurrences += other.tokens_[index].occurrences;
  }
  for (const auto& [position, count] : other.sequences_at_) sequences_at_[position] += count;
  token_position_count_ += other.token_position_count_;
  sequences_ += other.sequences_;
  keep_most_frequent(other.token_positions_);
}

SinksAnywhereResult SinksAnywhere::result() const {
  SinksAnywhereResult result{options_, sequences_};
  result.token_positions = token_positions_;
  result.token_position_count = token_position_count_;
  if (sequences_ == 0) return result;
  FlatMap<int64_t, int64_t> counts;  // position -> triples
  const int64_t heads_of_layer = static_cast<int64_t>(heads_.size()) / layers_;
  for (const int64_t layer : layers_run_) {
    for (int64_t index = layer * heads_of_layer; index < (layer + 1) * heads_of_layer; ++index) {
      for (const auto& [position, count] : heads_[index].positions) counts[position] += count;
      result.heads.push_back(head_sinks(index));
    }
  }
  for (const auto& [position, sequences] : sequences_at_)
    result.positions.push_back({position, counts[position], sequences});
  detail::sort_by(result.positions, [](const auto& entry) { return entry.count; });
  const auto vocabulary = static_cast<int64_t>(tokens_.size()) / 2;
  for (int64_t index = 0; index < 2 * vocabulary; ++index) {
    const auto& token = tokens_[index];
    if (token.count == 0) continue;
    result.tokens.push_back({index % vocabulary, index < vocabulary, token.count,
                             token.token_positions, token.occurrences});
  }
  detail::sort_by(result.tokens, [](const auto& token) { return token.count; });
  return result;
}

HeadSinks SinksAnywhere::head_sinks(int64_t index) const {
  const auto heads_of_layer = static_cast<int64_t>(heads_.size()) / layers_;
  const auto& head = heads_[index];
  const auto sequences = static_cast<double>(sequences_);
  HeadSinks sinks{index / heads_of_layer, index % heads_of_layer,
                  static_cast<double>(head.sequences) / sequences};
  int64_t most = 0;
  for (const auto& [position, count] : head.positions) {
    sinks.sinks += static_cast<double>(count) / sequences;
    if (count <= most) continue;
    most = count;
    sinks.position = position;
  }
  sinks.share_at_position = static_cast<double>(most) / sequences;
  sinks.attention = head.attention / sequences;
  return sinks;
}

template class Mergeable<SinksAnywhere>;

}  // namespace spikesink
