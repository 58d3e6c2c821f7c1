#pragma once

#include <vector>

#include "spikesink/hooks/block.h"
#include "spikesink/measure/spikes/life_cycle.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The predicted effect of one feed-forward block on a spike channel.
struct PredictedStep {
  Block block;
  int64_t channel = 0;
  int64_t expert = 0;     // see ChannelForm::expert
  bool up = true;         // step-up; false: step-down
  double eigenvalue = 0;  // lambda*; its sign is the sign of the added value
  /// |lambda*| d_model: the largest value that the form can add (arXiv 2603.05498, eq. 19).
  double most = 0;
};

/// Prediction of spikes from the weights alone. Only outlier channels with dominance >
/// `least_dominance` are used. For each channel, take the blocks in which it is such an outlier.
/// The first is a step-up block. A later one is a step-up block if its lambda* has the sign of the
/// first, otherwise a step-down block.
struct SpikePrediction {
  /// Sorted by the sum of `most` over step-ups, largest first.
  std::vector<int64_t> spike_channels;
  std::vector<int64_t> step_up, step_down;  // block numbers (1..2L), each once, in order
  std::vector<PredictedStep> steps;         // in block order; within a block, largest first
};

/// Comparison of two lists: the numbers in both lists, and the numbers in only one of them.
/// Increasing order.
struct ListAgreement {
  std::vector<int64_t> both, predicted_alone, measured_alone;
};

/// Comparison of a prediction from the weights with a measurement on text.
struct PredictionComparison {
  ListAgreement spike_channels;
  ListAgreement step_up, step_down;  // only feed-forward blocks: forms do not describe attention
};

PredictionComparison compare_prediction(const SpikePrediction& prediction,
                                        const LifeCycleResult& measured);

}  // namespace spikesink
