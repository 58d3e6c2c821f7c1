#pragma once

#include <string>

#include "spikesink/train/trainer.h"

namespace spikesink {

/// One line of a training's log: `step`, `loss`, `learning_rate`, `gradient_norm`, `tokens`, and at
/// the steps that measure `validation`: `loss`, `perplexity`, `sink_ratio_percent` ("gu", key 0,
/// epsilon 0.3), `spike`, and for each layer `sink_ratios_percent`, `spikes`, `kurtosis`.
std::string to_json(const TrainingStep& step);

}  // namespace spikesink
