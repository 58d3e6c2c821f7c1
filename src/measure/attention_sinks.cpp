#include "spikesink/measure/attention_sinks.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "detail/fail.h"
#include "measure/attention_received.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

std::string to_string(SinkDefinition definition) {
  return definition == SinkDefinition::kGu ? "gu" : "mean-first";
}

HookScope AttentionSinks::begin(Transformer& model, RunContext&) {
  for (const int64_t key : options_.keys) {
    if (key < 0)
      detail::fail_argument("[AttentionSinks] key: got {}, expected a position from 0", key);
  }
  const auto& config = model->config();
  const auto key_count = static_cast<int64_t>(options_.keys.size());
  importance_ = torch::zeros({config.n_layers, config.n_heads, key_count}, torch::kDouble);
  exceeding_ = torch::zeros({config.n_layers, config.n_heads, key_count}, torch::kLong);
  sequences_.assign(key_count, 0);
  HookScope scope;
  for (int64_t layer = 0; layer < config.n_layers; ++layer) {
    scope += model->hooks().add(in_block(layer, kRotQ),
                                [this](const torch::Tensor& q) { queries_ = q; });
    scope +=
        model->hooks().add(in_block(layer, kRotK), [this](const torch::Tensor& k) { keys_ = k; });
    scope += model->hooks().add(in_block(layer, kLse),
                                [this, layer, attention = model->layers[layer]->attn](
                                    const torch::Tensor& lse) { add(layer, attention, lse); });
  }
  return scope;
}

void AttentionSinks::add(int64_t layer, const Attention& attention, const torch::Tensor& lse) {
  for (size_t index = 0; index < options_.keys.size(); ++index) {
    const int64_t key = options_.keys[index];
    if (key >= queries_.size(1)) continue;
    const auto received =
        detail::attention_received(queries_, keys_, lse, attention->scale(), key);  // [B, H]
    importance_.select(2, index)[layer] += received.sum(0);
    exceeding_.select(2, index)[layer] += (received > options_.epsilon).sum(0);
    if (layer == 0) sequences_[index] += queries_.size(0);
  }
  queries_.reset();
  keys_.reset();
}

void AttentionSinks::merge(const AttentionSinks& other) {
  if (!importance_.sizes().equals(other.importance_.sizes()) ||
      options_.keys != other.options_.keys) {
    detail::fail_argument("[AttentionSinks] cannot merge: got heads and keys {}, expected {}",
                          c10::str(other.importance_.sizes()), c10::str(importance_.sizes()));
  }
  importance_ += other.importance_;
  exceeding_ += other.exceeding_;
  for (size_t index = 0; index < sequences_.size(); ++index)
    sequences_[index] += other.sequences_[index];
}

AttentionSinksResult AttentionSinks::result() const {
  AttentionSinksResult result{options_.epsilon};
  if (!importance_.defined()) return result;
  result.sequences =
      sequences_.empty() ? 0 : *std::max_element(sequences_.begin(), sequences_.end());
  const auto importance = importance_.accessor<double, 3>();
  const auto exceeding = exceeding_.accessor<int64_t, 3>();
  for (int64_t layer = 0; layer < importance.size(0); ++layer) {
    for (int64_t head = 0; head < importance.size(1); ++head) {
      for (int64_t index = 0; index < importance.size(2); ++index) {
        if (sequences_[index] == 0) continue;
        const auto count = static_cast<double>(sequences_[index]);
        result.heads.push_back({layer, head, options_.keys[index],
                                importance[layer][head][index] / count,
                                static_cast<double>(exceeding[layer][head][index]) / count});
      }
    }
  }
  return result;
}

double AttentionSinksResult::sink_ratio(SinkDefinition definition, int64_t key) const {
  double sum = 0;
  int64_t count = 0;
  for (const auto& head : heads) {
    if (head.key != key) continue;
    if (std::isnan(head.importance)) return std::numeric_limits<double>::quiet_NaN();
    sum += definition == SinkDefinition::kGu ? head.share_of_sequences
                                             : static_cast<double>(head.importance > epsilon);
    ++count;
  }
  if (count == 0)
    detail::fail_argument(
        "[AttentionSinks] key {} was not watched by any sequence long enough to hold it", key);
  return 100.0 * sum / static_cast<double>(count);
}

std::vector<HeadImportance> AttentionSinksResult::sink_heads(int64_t key) const {
  std::vector<HeadImportance> found;
  std::copy_if(
      heads.begin(), heads.end(), std::back_inserter(found),
      [&](const HeadImportance& head) { return head.key == key && head.importance > epsilon; });
  return found;
}

}  // namespace spikesink
