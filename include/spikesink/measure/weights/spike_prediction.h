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
  double max_added = 0;   // see ChannelForm::max_added
};

/// Prediction of spikes from the weights alone: the life cycle of a token whose input of every
/// block is aligned with the block's trigger. Only outlier channels with dominance >
/// `least_dominance` are used. A channel spikes if one of its blocks can add a spike by the
/// definition of LifeCycle: max_added > least_magnitude and >= least_ratio x stream_median. Block
/// by block, max_added is added to the channel's magnitude M, with the sign of lambda*; steps are
/// those of LifeCycle in this sequence of M.
struct SpikePrediction {
  /// Sorted by the sum of `max_added` over step-ups, largest first.
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
