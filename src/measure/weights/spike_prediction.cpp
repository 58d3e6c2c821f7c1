#include "spikesink/measure/weights/spike_prediction.h"

#include <cmath>
#include <map>

#include "measure/core/sort_by.h"
#include "spikesink/measure/weights/quadratic_form.h"

namespace spikesink {
namespace {

void append_once(std::vector<int64_t>& numbers, int64_t number) {
  if (numbers.empty() || numbers.back() != number) numbers.push_back(number);
}

std::vector<int64_t> channels_of(const std::vector<PredictedStep>& steps) {
  std::map<int64_t, double> heights;
  for (const auto& step : steps) {
    if (step.up) heights[step.channel] += step.most;
  }
  std::vector<int64_t> channels;
  for (const auto& [channel, height] : heights) channels.push_back(channel);
  detail::sort_by(channels, [&](int64_t channel) { return heights[channel]; });
  return channels;
}

}  // namespace

SpikePrediction QuadraticFormResult::prediction() const {
  SpikePrediction result;
  std::map<int64_t, bool> is_positive;  // the sign of a channel's first step
  for (const auto& [block, form] : outliers()) {
    if (form->dominance <= options.least_dominance) continue;
    const double eigenvalue = form->eigenvalue();
    const bool positive = eigenvalue > 0;
    const bool up = is_positive.try_emplace(form->channel, positive).first->second == positive;
    append_once(up ? result.step_up : result.step_down, block.number);
    result.steps.push_back({block, form->channel, form->expert, up, eigenvalue,
                            std::abs(eigenvalue) * static_cast<double>(form->trigger.numel())});
  }
  result.spike_channels = channels_of(result.steps);
  return result;
}

}  // namespace spikesink
