#pragma once

#include <string>
#include <vector>

#include "spikesink/distributed/processes.h"
#include "spikesink/model/transformer.h"
#include "spikesink/train/train_config.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The learning rate of a step, from 0: a line up to the full rate, then a cosine down to the least
/// one, which the last of `steps` has.
double learning_rate(const OptimizerConfig& config, int64_t step, int64_t steps);

/// AdamW over the parameters of one model, fused in one kernel. Matrices and embeddings decay. Of
/// the processes of a job each keeps the moments of its own part of the parameters, steps those,
/// and gives them to the others (the first stage of ZeRO, arXiv 1910.02054).
class AdamW {
 public:
  AdamW(Transformer& model, const OptimizerConfig& config, Processes* processes = nullptr);

  /// Clips the gradients, which are the same at all processes, takes one step of this learning
  /// rate, and forgets them. Gives the gradient's norm as it was. Where that is not finite nothing
  /// is changed.
  double step(double rate);

  /// Moments and count of steps of this process's parameters, to be kept and put back: names and
  /// tensors.
  const std::vector<std::pair<std::string, torch::Tensor>>& state_tensors() const { return state_; }

 private:
  struct Group {
    std::vector<torch::Tensor> parameters, first, second, steps;
    double decay = 0;
  };
  void add(const std::string& name, const torch::Tensor& parameter);
  double gradient_norm() const;
  void step(Group& group, double rate, double factor);
  void share();

  OptimizerConfig config_;
  Processes* processes_;
  std::vector<torch::Tensor> parameters_;
  std::vector<int64_t> owners_;  // of each parameter: a rank
  Group decayed_, free_;         // of this process's parameters
  std::vector<std::pair<std::string, torch::Tensor>> state_;
};

}  // namespace spikesink
