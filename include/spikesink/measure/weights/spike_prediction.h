#pragma once

#include <vector>

#include "spikesink/hooks/block.h"
#include "spikesink/measure/spikes/life_cycle.h"

namespace [[gnu::visibility("default")]] spikesink {

/// One feed-forward block's part in a channel's spike.
struct PredictedStep {
  Block block;
  int64_t channel = 0;
  int64_t expert = 0;     // as ChannelForm::expert
  bool up = true;         // else down
  double eigenvalue = 0;  // lambda*; its sign is that of what the block adds
  double most = 0;        // |lambda*| d_model: the largest value the form can add (eq. 19)
};

/// What the weights say about spikes before any text is seen. Counted are the outlier channels of a
/// block whose dominance exceeds `least_dominance`. Walking through the blocks in order, the first
/// that counts for a channel is a step-up, with the sign of its lambda*; a later one of the same
/// sign as that is a step-up too, one of the opposite sign a step-down.
struct SpikePrediction {
  std::vector<int64_t> spike_channels;      // the largest sum of `most` over step-ups first
  std::vector<int64_t> step_up, step_down;  // block numbers (1..2L), each once, in order
  std::vector<PredictedStep> steps;         // in order of blocks, the largest first in each
};

/// Numbers of two lists: those in both, and those in one of them alone, each in increasing order.
struct ListAgreement {
  std::vector<int64_t> both, predicted_alone, measured_alone;
};

/// A prediction from the weights beside what a text showed.
struct PredictionComparison {
  ListAgreement spike_channels;
  ListAgreement step_up, step_down;  // of feed-forward blocks: a form says nothing of attention
};

PredictionComparison compare_prediction(const SpikePrediction& prediction,
                                        const LifeCycleResult& measured);

}  // namespace spikesink
