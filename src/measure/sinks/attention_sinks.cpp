#include "spikesink/measure/sinks/attention_sinks.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>

#include "detail/fail.h"
#include "measure/core/expect_same.h"
#include "measure/core/serialize.h"
#include "measure/core/sort_by.h"
#include "measure/sinks/attention_received.h"
#include "measure/sinks/watch_scores.h"

namespace spikesink {
namespace {

// Returns the position of `key` in sequences of this length; empty if they are too short.
std::optional<int64_t> position_of(int64_t key, int64_t length) {
  const int64_t position = key < 0 ? length + key : key;
  return position < length ? std::optional(position) : std::nullopt;
}

int64_t total(const FlatMap<int64_t, int64_t>& counts) {
  int64_t sum = 0;
  for (const auto& [id, count] : counts) sum += count;
  return sum;
}

MeasuredKey measured_key(int64_t key, const FlatMap<int64_t, int64_t>& counts) {
  MeasuredKey result{key, total(counts), {counts.begin(), counts.end()}};
  detail::sort_by(result.tokens, [](const auto& token) { return token.second; });
  return result;
}

double contribution(const KeyImportance& head, SinkDefinition definition, double epsilon) {
  switch (definition) {
    case SinkDefinition::kMeanFirst:
      return head.importance > epsilon ? 1.0 : 0.0;
    case SinkDefinition::kEntry:
      return head.share_of_queries;
    case SinkDefinition::kFAttn:
      return head.importance;
    case SinkDefinition::kGu:
    case SinkDefinition::kSoftpick:
      break;
  }
  return head.share_of_sequences;
}

}  // namespace

std::string to_string(SinkDefinition definition) {
  switch (definition) {
    case SinkDefinition::kMeanFirst:
      return "mean-first";
    case SinkDefinition::kSoftpick:
      return "softpick";
    case SinkDefinition::kEntry:
      return "entry";
    case SinkDefinition::kFAttn:
      return "f-attn";
    case SinkDefinition::kGu:
      break;
  }
  return "gu";
}

HookScope AttentionSinks::attach(Transformer& model, RunContext& context) {
  for (const int64_t key : options_.keys) {
    if (key < -1)
      detail::fail_argument("[AttentionSinks] key: got {}, expected a position from 0, or -1", key);
  }
  const auto& config = model->config();
  const auto key_count = static_cast<int64_t>(options_.keys.size());
  importance_ = torch::zeros({config.n_layers, config.n_heads, key_count}, torch::kDouble);
  exceeding_ = torch::zeros({config.n_layers, config.n_heads, key_count}, torch::kLong);
  share_of_queries_ = torch::zeros_like(importance_);
  tokens_.assign(key_count, {});
  learned_ = config.sink_logits ? torch::zeros({config.n_layers, config.n_heads}, torch::kDouble)
                                : torch::Tensor();
  queries_seen_ = 0;
  layers_run_ = 0;
  return detail::watch_scores(model, [this, &model, &context](const detail::LayerScores& scores) {
    if (scores.layer == 0) count_tokens(context.batch().ids);
    layers_run_ = std::max(layers_run_, scores.layer + 1);
    add_keys(scores);
    if (learned_.defined()) add_learned(scores, model->layers[scores.layer]->attn->sink_logits);
  });
}

void AttentionSinks::count_tokens(const torch::Tensor& ids) {
  for (size_t index = 0; index < options_.keys.size(); ++index) {
    const auto key = position_of(options_.keys[index], ids.size(1));
    if (!key) continue;
    const auto at_key = ids.select(1, *key).contiguous();
    for (int64_t row = 0; row < at_key.size(0); ++row)
      ++tokens_[index][at_key.data_ptr<int64_t>()[row]];
  }
}

void AttentionSinks::add_keys(const detail::LayerScores& scores) {
  for (size_t index = 0; index < options_.keys.size(); ++index) {
    const auto key = position_of(options_.keys[index], scores.q.size(1));
    if (!key) continue;
    const auto received = detail::attention_received(scores.q, scores.k, scores.lse, scores.rule,
                                                     *key, options_.epsilon);
    importance_.select(2, index)[scores.layer] += received.mean.sum(0);
    exceeding_.select(2, index)[scores.layer] += (received.mean > options_.epsilon).sum(0);
    share_of_queries_.select(2, index)[scores.layer] += received.share_of_queries.sum(0);
  }
}

void AttentionSinks::add_learned(const detail::LayerScores& scores, const torch::Tensor& logits) {
  const auto& lse = scores.lse;
  const auto mass = at::exp(logits.to(lse.scalar_type()).unsqueeze(1) - lse);  // [B, H, T]
  learned_[scores.layer] += mass.sum({0, 2}, /*keepdim=*/false, torch::kDouble).cpu();
  if (scores.layer == 0) queries_seen_ += lse.size(0) * lse.size(2);
}

void AttentionSinks::merge(const AttentionSinks& other) {
  const auto same = [](std::string_view what, const auto& got, const auto& expected) {
    detail::expect_same("AttentionSinks", what, got, expected);
  };
  same("layers, heads and keys", other.importance_.sizes().vec(), importance_.sizes().vec());
  same("keys", other.options_.keys, options_.keys);
  same("epsilon", other.options_.epsilon, options_.epsilon);
  same("learned sinks", other.learned_.defined(), learned_.defined());
  // Not in-place: copies of a measurement share its tensors.
  importance_ = importance_ + other.importance_;
  exceeding_ = exceeding_ + other.exceeding_;
  share_of_queries_ = share_of_queries_ + other.share_of_queries_;
  for (size_t index = 0; index < tokens_.size(); ++index) {
    for (const auto& [id, count] : other.tokens_[index]) tokens_[index][id] += count;
  }
  if (learned_.defined()) learned_ = learned_ + other.learned_;
  layers_run_ = std::max(layers_run_, other.layers_run_);
  queries_seen_ += other.queries_seen_;
}

AttentionSinksResult AttentionSinks::result() const {
  AttentionSinksResult result{options_};
  if (!importance_.defined()) return result;
  for (size_t index = 0; index < tokens_.size(); ++index) {
    result.keys.push_back(measured_key(options_.keys[index], tokens_[index]));
    result.sequences = std::max(result.sequences, result.keys.back().sequences);
  }
  const auto importance = importance_.accessor<double, 3>();
  const auto exceeding = exceeding_.accessor<int64_t, 3>();
  const auto share_of_queries = share_of_queries_.accessor<double, 3>();
  for (int64_t layer = 0; layer < layers_run_; ++layer) {
    for (int64_t head = 0; head < importance.size(1); ++head) {
      for (int64_t index = 0; index < importance.size(2); ++index) {
        if (result.keys[index].sequences == 0) continue;
        const auto count = static_cast<double>(result.keys[index].sequences);
        result.heads.push_back({layer, head, options_.keys[index],
                                importance[layer][head][index] / count,
                                static_cast<double>(exceeding[layer][head][index]) / count,
                                share_of_queries[layer][head][index] / count});
      }
    }
  }
  if (!learned_.defined() || queries_seen_ == 0) return result;
  const auto learned = learned_.accessor<double, 2>();
  for (int64_t layer = 0; layer < layers_run_; ++layer) {
    for (int64_t head = 0; head < learned.size(1); ++head)
      result.learned.push_back(
          {layer, head, learned[layer][head] / static_cast<double>(queries_seen_)});
  }
  return result;
}

double AttentionSinksResult::sink_ratio_percent(SinkDefinition definition, int64_t key) const {
  const auto has_key = [&](const MeasuredKey& watched) { return watched.key == key; };
  if (std::none_of(keys.begin(), keys.end(), has_key))
    detail::fail_argument("[AttentionSinks] key {} was not measured", key);
  double sum = 0;
  int64_t count = 0;
  for (const auto& head : heads) {
    if (head.key != key) continue;
    if (std::isnan(head.importance)) return std::numeric_limits<double>::quiet_NaN();
    sum += contribution(head, definition, options.epsilon);
    ++count;
  }
  return 100.0 * sum / static_cast<double>(count);
}

std::vector<KeyImportance> AttentionSinksResult::sink_heads(int64_t key) const {
  std::vector<KeyImportance> found;
  std::copy_if(heads.begin(), heads.end(), std::back_inserter(found),
               [&](const KeyImportance& head) {
                 return head.key == key && head.importance > options.epsilon;
               });
  return found;
}

template class Mergeable<AttentionSinks>;

}  // namespace spikesink
