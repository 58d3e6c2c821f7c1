#include "spikesink/measure/weights/spike_prediction.h"

#include <algorithm>
#include <cmath>
#include <iterator>
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

ListAgreement agreement(std::vector<int64_t> predicted, std::vector<int64_t> measured) {
  std::sort(predicted.begin(), predicted.end());
  std::sort(measured.begin(), measured.end());
  ListAgreement result;
  std::set_intersection(predicted.begin(), predicted.end(), measured.begin(), measured.end(),
                        std::back_inserter(result.both));
  std::set_difference(predicted.begin(), predicted.end(), measured.begin(), measured.end(),
                      std::back_inserter(result.predicted_alone));
  std::set_difference(measured.begin(), measured.end(), predicted.begin(), predicted.end(),
                      std::back_inserter(result.measured_alone));
  return result;
}

std::vector<int64_t> feed_forward_blocks(const std::vector<int64_t>& blocks) {
  std::vector<int64_t> kept;
  std::copy_if(blocks.begin(), blocks.end(), std::back_inserter(kept),
               [](int64_t number) { return Block{number}.kind() == BlockKind::kFeedForward; });
  return kept;
}

}  // namespace

SpikePrediction QuadraticFormResult::prediction() const {
  SpikePrediction result;
  std::map<int64_t, bool> is_positive;  // sign of the first step of each channel
  for (const auto& [block, form] : outliers()) {
    if (form->dominance <= options.least_dominance) continue;
    const double eigenvalue = form->leading_eigenvalue();
    const bool positive = eigenvalue > 0;
    const bool up = is_positive.try_emplace(form->channel, positive).first->second == positive;
    append_once(up ? result.step_up : result.step_down, block.number);
    result.steps.push_back({block, form->channel, form->expert, up, eigenvalue,
                            std::abs(eigenvalue) * static_cast<double>(form->trigger.numel())});
  }
  result.spike_channels = channels_of(result.steps);
  return result;
}

PredictionComparison compare_prediction(const SpikePrediction& prediction,
                                        const LifeCycleResult& measured) {
  return {agreement(prediction.spike_channels, measured.spike_channels),
          agreement(prediction.step_up, feed_forward_blocks(measured.step_up)),
          agreement(prediction.step_down, feed_forward_blocks(measured.step_down))};
}

}  // namespace spikesink
