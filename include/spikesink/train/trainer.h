#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "spikesink/distributed/processes.h"
#include "spikesink/measure/practice/perplexity.h"
#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/spikes/life_cycle.h"
#include "spikesink/train/optimizer.h"
#include "spikesink/train/training_data.h"

namespace [[gnu::visibility("default")]] spikesink {

/// What a model is like at some step of its training, on sequences that it never trains on.
struct ValidationResult {
  PerplexityResult perplexity;
  AttentionSinksResult sinks;  // at key 0
  LifeCycleResult life_cycle;
  std::vector<double> kurtosis;  // after each layer: Kurtosis

  /// The largest |h| after any block: the paper's "spike".
  double spike() const;
};

struct TrainingStep {
  int64_t step = 0;  // how many were done, this one included
  double loss = 0;   // mean over the predictions that count, nats
  double learning_rate = 0;
  double gradient_norm = 0;                    // before clipping
  int64_t tokens = 0;                          // of the sequences so far
  std::optional<ValidationResult> validation;  // at the steps that measure
};

namespace detail {
class GradientSum;
}

/// Trains one model. Deterministic on a CPU: the same configuration, dtype and numbers of threads
/// and processes give the same numbers.
///
/// The processes of a job train one model together: each takes its share of a step's sequences, and
/// all do the same in the same order, with weights and results that are the same at each. Those of
/// another number of processes differ in the order of sums alone.
class Trainer {
 public:
  /// Throws std::invalid_argument for a configuration that cannot be, for a vocabulary smaller than
  /// the data's, and where there are more processes than sequences in a step. The processes must
  /// outlive this.
  Trainer(TrainConfig config, TrainingData data, torch::Device device = torch::kCPU,
          Processes* processes = nullptr);
  Trainer(Trainer&&) noexcept;
  Trainer& operator=(Trainer&&) noexcept;
  ~Trainer();

  bool done() const { return step_ >= config_.steps; }
  /// One step. A loss or gradient that is not finite is a std::runtime_error that names the step;
  /// the model is as it was before. A validation loss that is not finite is one too; then the step
  /// was taken.
  TrainingStep step();
  /// On the validation's first sequences.
  ValidationResult run_validation();
  /// As if it had come this far: weights and the optimizer's state are the caller's to put back.
  void set_steps_done(int64_t step) { step_ = step; }

  Transformer& model() { return model_; }
  const Transformer& model() const { return model_; }
  const AdamW& optimizer() const { return optimizer_; }
  const TrainConfig& config() const { return config_; }
  const TrainingData& data() const { return data_; }
  Processes* processes() const { return processes_; }
  int64_t steps_done() const { return step_; }

 private:
  torch::Tensor sequences_here() const;
  double loss_with_gradients();
  double add_gradients(const torch::Tensor& ids);

  TrainConfig config_;
  TrainingData data_;
  Processes* processes_;
  Transformer model_;
  std::unique_ptr<detail::GradientSum> gradients_;  // null for a process that is alone
  AdamW optimizer_;
  int64_t step_ = 0;
};

}  // namespace spikesink
