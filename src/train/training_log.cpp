#include "spikesink/train/training_log.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace spikesink {
namespace {

using nlohmann::ordered_json;

ordered_json number(double value) {
  return std::isfinite(value) ? ordered_json(value) : ordered_json();
}

// The share of a layer's heads and the sequences in which they sink, in percent.
ordered_json sinks_by_layer(const AttentionSinksResult& sinks) {
  std::vector<double> sums, counts;
  for (const auto& head : sinks.heads) {
    sums.resize(head.layer + 1);
    counts.resize(head.layer + 1);
    sums[head.layer] += 100 * head.share_of_sequences;
    counts[head.layer] += 1;
  }
  auto ratios = ordered_json::array();
  for (size_t layer = 0; layer < sums.size(); ++layer)
    ratios.push_back(number(sums[layer] / counts[layer]));
  return ratios;
}

ordered_json spikes_by_layer(const LifeCycleResult& life) {
  auto spikes = ordered_json::array();
  for (const auto& block : life.blocks) {
    const auto& top = block.hidden_state.top;
    if (block.block.kind() == BlockKind::kFeedForward)
      spikes.push_back(top.empty() ? ordered_json() : number(top.front().magnitude));
  }
  return spikes;
}

ordered_json state_of(const TrainingState& state) {
  auto kurtosis = ordered_json::array();
  for (const double value : state.kurtosis) kurtosis.push_back(number(value));
  return {{"loss", number(state.perplexity.mean_loss)},
          {"perplexity", number(state.perplexity.perplexity)},
          {"sink_ratio_percent", number(state.sinks.sink_ratio(SinkDefinition::kGu))},
          {"spike", number(state.spike())},
          {"sink_ratios_percent", sinks_by_layer(state.sinks)},
          {"spikes", spikes_by_layer(state.life)},
          {"kurtosis", kurtosis}};
}

}  // namespace

std::string to_json(const TrainingStep& step) {
  ordered_json line = {{"step", step.step},
                       {"loss", number(step.loss)},
                       {"learning_rate", step.learning_rate},
                       {"gradient_norm", number(step.gradient_norm)},
                       {"tokens", step.tokens}};
  if (step.state) line["validation"] = state_of(*step.state);
  return line.dump();
}

}  // namespace spikesink
