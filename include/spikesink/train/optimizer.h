#pragma once

#include <string>
#include <vector>

#include "spikesink/model/transformer.h"
#include "spikesink/train/train_config.h"

namespace spikesink {

/// The learning rate of a step, from 0: a line up to the full rate, then a cosine down to the least
/// one, which the last of `steps` has.
double learning_rate(const OptimizerConfig& config, int64_t step, int64_t steps);

/// AdamW over the parameters of one model, fused in one kernel. Matrices and embeddings decay.
class AdamW {
 public:
  AdamW(Transformer& model, const OptimizerConfig& config);

  /// Clips the gradients, takes one step of this learning rate, and forgets them. Gives the
  /// gradient's norm as it was. Where that is not finite nothing is changed.
  double step(double rate);

  /// Moments and count of steps, to be kept and put back: names and tensors.
  const std::vector<std::pair<std::string, torch::Tensor>>& state() const { return state_; }

 private:
  struct Group {
    std::vector<torch::Tensor> parameters, first, second, steps;
    double decay = 0;
  };
  void add(const std::string& name, const torch::Tensor& parameter);

  OptimizerConfig config_;
  Group decayed_, free_;
  std::vector<std::pair<std::string, torch::Tensor>> state_;
};

}  // namespace spikesink
