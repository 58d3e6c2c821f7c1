#include "spikesink/measure/life_cycle.h"

#include <algorithm>
#include <map>

#include "detail/fail.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

// The state after block b; block 0 is the embedding.
const StateSummary& state_after(int64_t b, const LifeCycleResult& result) {
  return b == 0 ? result.embedding : result.blocks[b - 1].hidden_state;
}

std::vector<int64_t> find_spike_channels(const LifeCycleResult& result,
                                         const LifeCycleOptions& options) {
  std::map<int64_t, double> peaks;
  for (const auto& block : result.blocks) {
    const auto& state = block.hidden_state;
    for (size_t channel = 0; channel < state.channel_max.size(); ++channel) {
      const double magnitude = state.channel_max[channel];
      if (magnitude > options.least_magnitude && magnitude >= options.least_ratio * state.median) {
        peaks[static_cast<int64_t>(channel)] =
            std::max(peaks[static_cast<int64_t>(channel)], magnitude);
      }
    }
  }
  std::vector<int64_t> channels;
  for (const auto& [channel, peak] : peaks) channels.push_back(channel);
  std::stable_sort(channels.begin(), channels.end(),
                   [&](int64_t a, int64_t b) { return peaks[a] > peaks[b]; });
  return channels;
}

// Whether some spike channel stands much higher in one state than in its neighbour.
bool is_step(const StateSummary& low, const StateSummary& high,
             const std::vector<int64_t>& channels, const LifeCycleOptions& options) {
  return std::any_of(channels.begin(), channels.end(), [&](int64_t channel) {
    const double peak = high.channel_max[channel];
    const bool is_spike =
        peak > options.least_magnitude && peak >= options.step_ratio * high.median;
    return is_spike && peak - low.channel_max[channel] >= options.step_share * peak;
  });
}

void find_steps(LifeCycleResult& result, const LifeCycleOptions& options) {
  for (const auto& entry : result.blocks) {
    const int64_t number = entry.block.number;
    const auto& before = state_after(number - 1, result);
    const auto& after = entry.hidden_state;
    if (is_step(before, after, result.spike_channels, options)) result.step_up.push_back(number);
    if (is_step(after, before, result.spike_channels, options)) result.step_down.push_back(number);
  }
}

}  // namespace

HookScope LifeCycle::begin(Transformer& model, RunContext& context) {
  const int64_t blocks = 2 * model->config().n_layers;
  states_.assign(1 + 2 * blocks, RunningState(options_.top));
  HookScope scope;
  const auto watch = [&](std::string_view point, size_t state) {
    scope += model->hooks().add(point, [this, state, &context](const torch::Tensor& value) {
      states_[state].add(context.scan(value), context.batch().first_sequence);
    });
  };
  watch(hook_names::in_block(0, hook_names::kResidPre), 0);
  for (int64_t number = 1; number <= blocks; ++number) {
    const Block block{number};
    watch(model->hidden_state_point(block), 2 * number - 1);
    watch(block.output_point(), 2 * number);
  }
  return scope;
}

void LifeCycle::merge(const LifeCycle& other) {
  if (states_.size() != other.states_.size()) {
    detail::fail_argument("[LifeCycle] cannot merge: got {} states, expected {}",
                          other.states_.size(), states_.size());
  }
  for (size_t state = 0; state < states_.size(); ++state)
    states_[state].merge(other.states_[state]);
}

std::optional<Excess> LifeCycleResult::first_over(double limit) const {
  for (const auto& [block, hidden_state, output] : blocks) {
    for (const auto* state : {&output, &hidden_state}) {
      if (!state->top.empty() && state->top.front().magnitude > limit)
        return Excess{block, state->top.front()};
    }
  }
  return std::nullopt;
}

int64_t LifeCycleResult::not_finite() const {
  int64_t count = embedding.not_finite;
  for (const auto& [block, hidden_state, output] : blocks)
    count += hidden_state.not_finite + output.not_finite;
  return count;
}

LifeCycleResult LifeCycle::result() const {
  LifeCycleResult result;
  if (states_.empty()) return result;
  result.embedding = states_[0].summary();
  for (size_t state = 1; state < states_.size(); state += 2) {
    const auto number = static_cast<int64_t>(state + 1) / 2;
    result.blocks.push_back(
        {Block{number}, states_[state].summary(), states_[state + 1].summary()});
  }
  result.spike_channels = find_spike_channels(result, options_);
  find_steps(result, options_);
  return result;
}

}  // namespace spikesink
