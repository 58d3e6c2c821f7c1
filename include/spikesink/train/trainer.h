#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "spikesink/distributed/process_group.h"
#include "spikesink/measure/practice/perplexity.h"
#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/spikes/life_cycle.h"
#include "spikesink/measure/spikes/massive_activations.h"
#include "spikesink/train/optimizer.h"
#include "spikesink/train/training_data.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Validation results at one training step, on sequences that are not trained on.
struct ValidationResult {
  PerplexityResult perplexity;
  AttentionSinksResult sinks;  // "paper", and "gu" at key 0
  LifeCycleResult life_cycle;
  std::vector<double> kurtosis;  // of the residual stream after each layer: Kurtosis
  MassiveActivationsResult massive;

  /// Returns the largest |h| of the embedding and of the residual stream after any block ("spike"
  /// in the tables of arXiv 2603.05498).
  double spike() const;
};

/// The results of one training step.
struct TrainingStep {
  int64_t step = 0;  // number of completed steps, including this one
  double loss = 0;   // mean over the counted predictions, in nats
  double learning_rate = 0;
  double gradient_norm = 0;                    // before clipping
  int64_t tokens = 0;                          // total number of tokens so far
  std::optional<ValidationResult> validation;  // at steps with validation
};

namespace detail {
class GradientSum;
}

/// Trains one model. Deterministic on a CPU: the same configuration, dtype and numbers of threads
/// and processes give the same results.
///
/// The processes of a job train one model together (data parallelism): each process computes the
/// gradients of its share of the batch. Weights and results are identical in all processes. A
/// different number of processes changes only the summation order.
class Trainer {
 public:
  /// Throws std::invalid_argument for an invalid configuration, a vocabulary smaller than that of
  /// the data, and more processes than sequences per step. `processes` must outlive the trainer.
  Trainer(TrainConfig config, TrainingData data, torch::Device device = torch::kCPU,
          ProcessGroup* processes = nullptr);
  Trainer(Trainer&&) noexcept;
  Trainer& operator=(Trainer&&) noexcept;
  ~Trainer();

  bool done() const { return step_ >= config_.steps; }
  /// Runs one step. Throws std::runtime_error, which names the step, if the loss or gradient is not
  /// finite (the model is unchanged) or if the validation loss is not finite (the step is already
  /// applied).
  TrainingStep step();
  /// Measures the model on the first `measured_sequences` validation sequences.
  ValidationResult run_validation();
  /// Sets the number of completed steps. The caller must restore weights and optimizer state.
  void set_steps_done(int64_t step) { step_ = step; }

  Transformer& model() { return model_; }
  const Transformer& model() const { return model_; }
  const AdamW& optimizer() const { return optimizer_; }
  const TrainConfig& config() const { return config_; }
  const TrainingData& data() const { return data_; }
  ProcessGroup* processes() const { return processes_; }
  int64_t steps_done() const { return step_; }

 private:
  torch::Tensor sequences_of_rank() const;
  double loss_with_gradients();
  double add_gradients(const torch::Tensor& ids);

  TrainConfig config_;
  TrainingData data_;
  ProcessGroup* processes_;
  Transformer model_;
  std::unique_ptr<detail::GradientSum> gradients_;  // null without several processes
  AdamW optimizer_;
  int64_t step_ = 0;
};

}  // namespace spikesink
