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

// The magnitude of one channel along the blocks, in a token that is aligned with every trigger.
struct Course {
  std::vector<PredictedStep> steps;
  bool spikes = false;

  void add(const BlockForms& block, const ChannelForm& form, const LifeCycleOptions& definition) {
    const bool positive = form.leading_eigenvalue() > 0;
    if (magnitude_ == 0) is_positive_ = positive;
    const bool up = positive == is_positive_;
    const double before = magnitude_;
    magnitude_ = up ? before + form.max_added : std::max(0.0, before - form.max_added);
    const double larger = std::max(before, magnitude_);
    const auto is_large = [&](double value, double ratio) {
      return value > definition.least_magnitude && value >= ratio * block.stream_median;
    };
    spikes = spikes || is_large(form.max_added, definition.least_ratio);
    if (!is_large(larger, definition.step_ratio) ||
        std::abs(magnitude_ - before) < definition.step_share * larger)
      return;
    steps.push_back(
        {block.block, form.channel, form.expert, up, form.leading_eigenvalue(), form.max_added});
  }

 private:
  double magnitude_ = 0;
  bool is_positive_ = true;
};

std::vector<int64_t> channels_of(const std::vector<PredictedStep>& steps) {
  std::map<int64_t, double> heights;
  for (const auto& step : steps) {
    if (step.up) heights[step.channel] += step.max_added;
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

SpikePrediction QuadraticFormResult::prediction(const LifeCycleOptions& definition) const {
  std::map<int64_t, Course> courses;
  for (const auto& block : blocks) {
    if (!block.gated) continue;
    for (const auto& form : block.outliers) {
      if (form.dominance > options.least_dominance)
        courses[form.channel].add(block, form, definition);
    }
  }
  SpikePrediction result;
  for (const auto& [channel, course] : courses) {
    if (!course.spikes) continue;
    result.steps.insert(result.steps.end(), course.steps.begin(), course.steps.end());
  }
  std::ranges::sort(result.steps, [](const PredictedStep& a, const PredictedStep& b) {
    return std::pair(a.block.number, -a.max_added) < std::pair(b.block.number, -b.max_added);
  });
  for (const auto& step : result.steps)
    append_once(step.up ? result.step_up : result.step_down, step.block.number);
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
