#pragma once

#include <string>
#include <vector>

#include "spikesink/distributed/process_group.h"
#include "spikesink/model/transformer.h"
#include "spikesink/train/train_config.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Returns the learning rate of update `step`, counted from 0. With w = warm_up steps and N =
/// `steps` it is learning_rate times the smaller of the warm-up 1 - (1 - min(step, w) / w)^2, which
/// is 0 at the first update, and of the cosine r + (1 - r) (1 + cos(pi (step - w) / (N - w))) / 2,
/// where r is min_rate_ratio (the schedule of the authors of arXiv 2603.05498).
double learning_rate(const OptimizerConfig& config, int64_t step, int64_t steps);

/// AdamW over the parameters of one model, with LibTorch's fused kernel. Each process stores the
/// moments of one shard of the parameters, updates this shard and broadcasts it (the first stage of
/// ZeRO, arXiv 1910.02054).
class AdamW {
 public:
  AdamW(Transformer& model, const OptimizerConfig& config, ProcessGroup* processes = nullptr);

  /// Clips the gradients, which must be identical in all processes, updates the parameters with
  /// this learning rate and clears the gradients. Returns the gradient norm before clipping. If the
  /// norm is not finite, the parameters do not change.
  double step(double rate);

  /// Returns names and tensors of the moments and step counts of this process's shard, for
  /// checkpoints.
  const std::vector<std::pair<std::string, torch::Tensor>>& state_tensors() const { return state_; }

 private:
  struct Group {
    std::vector<torch::Tensor> parameters, first, second, steps;
    double decay = 0;
  };
  void add(const std::string& name, const torch::Tensor& parameter);
  double gradient_norm() const;
  void step(Group& group, double rate, double factor);
  void broadcast_parameters();

  OptimizerConfig config_;
  ProcessGroup* processes_;
  std::vector<torch::Tensor> parameters_;
  std::vector<int64_t> owners_;  // the rank that updates each parameter
  Group decayed_, free_;         // this process's shard, with and without weight decay
  std::vector<std::pair<std::string, torch::Tensor>> state_;
};

}  // namespace spikesink
