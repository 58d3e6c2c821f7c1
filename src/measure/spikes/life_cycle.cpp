#include "spikesink/measure/spikes/life_cycle.h"

#include <algorithm>
#include <map>

#include "detail/fail.h"
#include "measure/core/expect_same.h"
#include "measure/core/serialize.h"
#include "measure/core/sort_by.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

// Returns the state after block b; block 0 is the embedding.
const StateSummary& state_after(int64_t b, const LifeCycleResult& result) {
  return b == 0 ? result.embedding : result.blocks[b - 1].hidden_state;
}

bool is_spike(double magnitude, const StateSummary& state, const LifeCycleOptions& options) {
  return magnitude > options.least_magnitude && magnitude >= options.least_ratio * state.median;
}

std::vector<int64_t> find_spike_channels(const LifeCycleResult& result,
                                         const LifeCycleOptions& options) {
  std::map<int64_t, double> peaks;
  for (const auto& block : result.blocks) {
    const auto& state = block.hidden_state;
    for (size_t channel = 0; channel < state.channel_max.size(); ++channel) {
      const double magnitude = state.channel_max[channel];
      if (!is_spike(magnitude, state, options)) continue;
      auto& peak = peaks[static_cast<int64_t>(channel)];
      peak = std::max(peak, magnitude);
    }
  }
  std::vector<int64_t> channels;
  for (const auto& [channel, peak] : peaks) channels.push_back(channel);
  detail::sort_by(channels, [&](int64_t channel) { return peaks[channel]; });
  return channels;
}

// True if the magnitude is large enough for a step. The limit is below that of a spike, so that a
// decreasing spike is still tracked.
bool is_raised(double magnitude, const StateSummary& state, const LifeCycleOptions& options) {
  return magnitude > options.least_magnitude && magnitude >= options.step_ratio * state.median;
}

std::vector<SpikeEpisode> find_episodes(const LifeCycleResult& result,
                                        const LifeCycleOptions& options) {
  std::vector<SpikeEpisode> episodes;
  const auto& channels = result.spike_channels;
  for (const auto& entry : result.blocks) {
    const auto& state = entry.hidden_state;
    const bool has_raised_channel = std::any_of(
        channels.begin(), channels.end(),
        [&](int64_t channel) { return is_raised(state.channel_max[channel], state, options); });
    if (!has_raised_channel) continue;
    if (episodes.empty() || episodes.back().last.number != entry.block.number - 1)
      episodes.push_back({entry.block, entry.block, state.top.front()});
    auto& episode = episodes.back();
    episode.last = entry.block;
    if (state.top.front().magnitude > episode.peak.magnitude) episode.peak = state.top.front();
  }
  return episodes;
}

// True if at least one spike channel is much larger in `high` than in `low`.
bool is_step(const StateSummary& low, const StateSummary& high,
             const std::vector<int64_t>& channels, const LifeCycleOptions& options) {
  return std::any_of(channels.begin(), channels.end(), [&](int64_t channel) {
    const double peak = high.channel_max[channel];
    return is_raised(peak, high, options) &&
           peak - low.channel_max[channel] >= options.step_share * peak;
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

// Returns the channel's largest maximum in the episode that contains block b. If no episode
// contains b (the embedding), all blocks are used.
double peak_around(int64_t b, int64_t channel, const LifeCycleResult& result) {
  int64_t first = 1, last = static_cast<int64_t>(result.blocks.size());
  for (const auto& episode : result.episodes) {
    if (episode.first.number > b || episode.last.number < b) continue;
    first = episode.first.number;
    last = episode.last.number;
  }
  double peak = 0;
  for (int64_t number = first; number <= last; ++number)
    peak = std::max<double>(peak, state_after(number, result).channel_max[channel]);
  return peak;
}

SpikeStep describe_step(int64_t number, bool up, const LifeCycleResult& result) {
  const auto &before = state_after(number - 1, result), &after = state_after(number, result);
  const auto change = [&](int64_t channel) {
    return (up ? 1 : -1) * (after.channel_max[channel] - before.channel_max[channel]);
  };
  const auto& channels = result.spike_channels;
  const int64_t channel =
      *std::max_element(channels.begin(), channels.end(),
                        [&](int64_t a, int64_t b) { return change(a) < change(b); });
  return {Block{number}, channel, before.channel_max[channel], after.channel_max[channel],
          change(channel) / peak_around(up ? number : number - 1, channel, result)};
}

void describe_steps(LifeCycleResult& result) {
  for (const int64_t number : result.step_up)
    result.steps.push_back(describe_step(number, /*up=*/true, result));
  for (const int64_t number : result.step_down)
    result.steps.push_back(describe_step(number, /*up=*/false, result));
  std::stable_sort(
      result.steps.begin(), result.steps.end(),
      [](const SpikeStep& a, const SpikeStep& b) { return a.block.number < b.block.number; });
}

}  // namespace

HookScope LifeCycle::attach(Transformer& model, RunContext& context) {
  if (options_.top < 1)
    detail::fail_argument("[LifeCycle] top: got {}, expected at least 1", options_.top);
  const int64_t blocks = 2 * model->config().n_layers;
  states_.assign(1 + 2 * blocks, RunningStateSummary(options_.top));
  HookScope scope;
  const auto add_hook = [&](std::string_view point, size_t state) {
    scope += model->hooks().add(point, [this, state, &context](const torch::Tensor& value) {
      states_[state].add(context.scan(value), context.batch().first_sequence);
    });
  };
  add_hook(hook_names::layer_hook_name(0, hook_names::kResidPre), 0);
  for (int64_t number = 1; number <= blocks; ++number) {
    const Block block{number};
    add_hook(model->hidden_state_hook_name(block), 2 * number - 1);
    add_hook(block.output_hook_name(), 2 * number);
  }
  return scope;
}

void LifeCycle::merge(const LifeCycle& other) {
  detail::expect_same("LifeCycle", "states", other.states_.size(), states_.size());
  detail::expect_same("LifeCycle", "top", other.options_.top, options_.top);
  for (size_t state = 0; state < states_.size(); ++state)
    states_[state].merge(other.states_[state]);
}

std::optional<Block> LifeCycleResult::spike_origin() const {
  const auto rise = [](const SpikeStep& step) { return step.after - step.before; };
  const auto largest_step = std::max_element(
      steps.begin(), steps.end(), [&](const auto& a, const auto& b) { return rise(a) < rise(b); });
  if (largest_step != steps.end() && rise(*largest_step) > 0) return largest_step->block;
  return episodes.empty() ? std::nullopt : std::optional(episodes.front().first);
}

std::optional<RangeOverflow> LifeCycleResult::first_overflow(double limit) const {
  for (const auto& [block, hidden_state, output] : blocks) {
    for (const auto* state : {&output, &hidden_state}) {
      if (!state->top.empty() && state->top.front().magnitude > limit)
        return RangeOverflow{block, state->top.front()};
    }
  }
  return std::nullopt;
}

const LifeCycleBlock* LifeCycleResult::block_of_largest_state() const {
  const LifeCycleBlock* largest = nullptr;
  double magnitude = 0;
  for (const auto& block : blocks) {
    const auto& top = block.hidden_state.top;
    if (top.empty() || top.front().magnitude <= magnitude) continue;
    largest = &block;
    magnitude = top.front().magnitude;
  }
  return largest;
}

int64_t LifeCycleResult::not_finite() const {
  int64_t count = embedding.not_finite;
  for (const auto& [block, hidden_state, output] : blocks)
    count += hidden_state.not_finite + output.not_finite;
  return count;
}

LifeCycleResult LifeCycle::result() const {
  LifeCycleResult result{options_};
  if (states_.empty()) return result;
  result.embedding = states_[0].summary();
  for (size_t state = 1; state < states_.size(); state += 2) {
    auto hidden_state = states_[state].summary();
    if (hidden_state.channel_max.empty()) break;  // the run stopped before this block
    const auto number = static_cast<int64_t>(state + 1) / 2;
    result.blocks.push_back({Block{number}, std::move(hidden_state), states_[state + 1].summary()});
  }
  result.spike_channels = find_spike_channels(result, options_);
  result.episodes = find_episodes(result, options_);
  find_steps(result, options_);
  describe_steps(result);
  return result;
}

template class Mergeable<LifeCycle>;

}  // namespace spikesink
