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
#include "measure/sinks/attention_to_keys.h"
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

std::vector<std::pair<int64_t, int64_t>> most_first(const FlatMap<int64_t, int64_t>& counts) {
  std::vector<std::pair<int64_t, int64_t>> sorted(counts.begin(), counts.end());
  detail::sort_by(sorted, [](const auto& entry) { return entry.second; });
  return sorted;
}

MeasuredKey measured_key(int64_t key, const FlatMap<int64_t, int64_t>& counts) {
  return {key, total(counts), most_first(counts)};
}

double contribution(const KeyImportance& head, SinkDefinition definition, double epsilon) {
  switch (definition) {
    case SinkDefinition::kMeanFirst:
      return head.importance > epsilon ? 1.0 : 0.0;
    case SinkDefinition::kEntry:
      return head.share_of_queries;
    case SinkDefinition::kFAttn:
      return head.importance;
    case SinkDefinition::kPaper:
    case SinkDefinition::kGu:
    case SinkDefinition::kSoftpick:
      break;
  }
  return head.share_of_sequences;
}

double mean_share_percent(const std::vector<PaperSinkHead>& heads) {
  double sum = 0;
  for (const auto& head : heads) {
    if (std::isnan(head.importance)) return std::numeric_limits<double>::quiet_NaN();
    sum += head.share_of_sequences;
  }
  return 100 * sum / static_cast<double>(heads.size());
}

void add_counts(FlatMap<int64_t, int64_t>& counts, const FlatMap<int64_t, int64_t>& other) {
  for (const auto& [key, count] : other) counts[key] += count;
}

}  // namespace

std::string to_string(SinkDefinition definition) {
  switch (definition) {
    case SinkDefinition::kPaper:
      return "paper";
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
  if (options_.paper_length < 2)
    detail::fail_argument("[AttentionSinks] paper_length: got {}, expected at least 2 tokens",
                          options_.paper_length);
  const auto& config = model->config();
  const auto key_count = static_cast<int64_t>(options_.keys.size());
  importance_ = torch::zeros({config.n_layers, config.n_heads, key_count}, torch::kDouble);
  exceeding_ = torch::zeros({config.n_layers, config.n_heads, key_count}, torch::kLong);
  share_of_queries_ = torch::zeros_like(importance_);
  tokens_.assign(key_count, {});
  learned_ = config.sink_logits ? torch::zeros({config.n_layers, config.n_heads}, torch::kDouble)
                                : torch::Tensor();
  queries_seen_ = 0;
  layers_run_.clear();
  paper_importance_ = torch::zeros({config.n_layers, config.n_heads}, torch::kDouble);
  paper_exceeding_ = torch::zeros({config.n_layers, config.n_heads}, torch::kLong);
  paper_sequences_ = 0;
  paper_positions_ = {};
  paper_tokens_ = {};
  return detail::watch_scores(model, [this, &model, &context](const detail::LayerScores& scores) {
    if (scores.is_first) count_tokens(context.batch().ids);
    detail::add_layer(layers_run_, scores.layer);
    add_keys(scores);
    add_paper(scores, context.batch().ids);
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

// The first queries and keys of a causal pass attend as in a shorter sequence.
void AttentionSinks::add_paper(const detail::LayerScores& scores, const torch::Tensor& ids) {
  const int64_t all = scores.q.size(1);
  const int64_t length = scores.rule.causal ? std::min(all, options_.paper_length) : all;
  if (length < 2) return;
  auto rule = scores.rule;
  if (rule.alibi.defined()) rule.alibi = rule.alibi.slice(1, 0, length);
  const auto sums =
      detail::attention_sums(scores.q.slice(1, 0, length), scores.k.slice(1, 0, length),
                             scores.lse.slice(2, 0, length), rule);
  const auto alpha = sums.slice(2, 0, length / 2) / static_cast<double>(length);  // eq. 27
  const auto [largest, keys] = alpha.max(2);                                      // [B, H]
  const auto is_sink = largest > options_.epsilon;
  paper_importance_[scores.layer] += largest.sum(0);
  paper_exceeding_[scores.layer] += is_sink.sum(0);
  if (scores.is_first) paper_sequences_ += ids.size(0);
  const auto sink = is_sink.accessor<bool, 2>();
  const auto key = keys.accessor<int64_t, 2>();
  const auto id = ids.accessor<int64_t, 2>();
  for (int64_t sequence = 0; sequence < sink.size(0); ++sequence) {
    for (int64_t head = 0; head < sink.size(1); ++head) {
      const int64_t position = key[sequence][head];
      if (!sink[sequence][head]) continue;
      ++paper_positions_[position];
      if (position > 0) ++paper_tokens_[id[sequence][position]];
    }
  }
}

void AttentionSinks::add_learned(const detail::LayerScores& scores, const torch::Tensor& logits) {
  const auto& lse = scores.lse;
  const auto mass = at::exp(logits.to(lse.scalar_type()).unsqueeze(1) - lse);  // [B, H, T]
  learned_[scores.layer] += mass.sum({0, 2}, /*keepdim=*/false, torch::kDouble).cpu();
  if (scores.is_first) queries_seen_ += lse.size(0) * lse.size(2);
}

void AttentionSinks::merge(const AttentionSinks& other) {
  const auto same = [](std::string_view what, const auto& got, const auto& expected) {
    detail::expect_same("AttentionSinks", what, got, expected);
  };
  same("layers, heads and keys", other.importance_.sizes().vec(), importance_.sizes().vec());
  same("keys", other.options_.keys, options_.keys);
  same("epsilon", other.options_.epsilon, options_.epsilon);
  same("paper_length", other.options_.paper_length, options_.paper_length);
  same("learned sinks", other.learned_.defined(), learned_.defined());
  // Not in-place: copies of a measurement share its tensors.
  importance_ = importance_ + other.importance_;
  exceeding_ = exceeding_ + other.exceeding_;
  share_of_queries_ = share_of_queries_ + other.share_of_queries_;
  for (size_t index = 0; index < tokens_.size(); ++index)
    add_counts(tokens_[index], other.tokens_[index]);
  paper_importance_ = paper_importance_ + other.paper_importance_;
  paper_exceeding_ = paper_exceeding_ + other.paper_exceeding_;
  paper_sequences_ += other.paper_sequences_;
  add_counts(paper_positions_, other.paper_positions_);
  add_counts(paper_tokens_, other.paper_tokens_);
  if (learned_.defined()) learned_ = learned_ + other.learned_;
  for (const int64_t layer : other.layers_run_) detail::add_layer(layers_run_, layer);
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
  for (const int64_t layer : layers_run_) {
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
  result.paper = paper_result();
  if (!learned_.defined() || queries_seen_ == 0) return result;
  const auto learned = learned_.accessor<double, 2>();
  for (const int64_t layer : layers_run_) {
    for (int64_t head = 0; head < learned.size(1); ++head)
      result.learned.push_back(
          {layer, head, learned[layer][head] / static_cast<double>(queries_seen_)});
  }
  return result;
}

PaperSinks AttentionSinks::paper_result() const {
  PaperSinks result{.sequences = paper_sequences_};
  if (paper_sequences_ == 0) return result;
  const auto count = static_cast<double>(paper_sequences_);
  const auto importance = paper_importance_.accessor<double, 2>();
  const auto exceeding = paper_exceeding_.accessor<int64_t, 2>();
  for (const int64_t layer : layers_run_) {
    for (int64_t head = 0; head < importance.size(1); ++head)
      result.heads.push_back({layer, head, importance[layer][head] / count,
                              static_cast<double>(exceeding[layer][head]) / count});
  }
  result.positions = most_first(paper_positions_);
  result.tokens_beyond_first = most_first(paper_tokens_);
  return result;
}

double AttentionSinksResult::sink_ratio_percent(SinkDefinition definition, int64_t key) const {
  if (definition == SinkDefinition::kPaper) return mean_share_percent(paper.heads);
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
