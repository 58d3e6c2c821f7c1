#include "spikesink/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "detail/autocast.h"
#include "detail/fail.h"
#include "spikesink/measure/practice/kurtosis.h"
#include "spikesink/train/initial_weights.h"
#include "train/gradient_sum.h"

namespace spikesink {
namespace {

constexpr int64_t kMeasuredAtOnce = 4096;  // tokens

TrainConfig validated(TrainConfig config, const TrainingData& data, const ProcessGroup* processes) {
  config.validate();
  const auto needed = std::max(data.training->d_vocabulary(), data.validation->d_vocabulary());
  if (config.model.d_vocabulary < needed)
    detail::fail_argument("[Trainer] model.d_vocabulary: got {}, expected at least {}, the data's",
                          config.model.d_vocabulary, needed);
  if (processes && config.sequences < processes->world_size())
    detail::fail_argument("[Trainer] sequences: got {}, expected at least {}, one for each process",
                          config.sequences, processes->world_size());
  return config;
}

Transformer fresh_model(const TrainConfig& config, torch::Device device) {
  Transformer model(config.model);
  initialize_weights(model, config.initial, config.seed);
  model->set_gradient_checkpointing(config.recompute);
  model->to(device);
  return model;
}

// The parameters in the order of the forward pass, so that a backward pass completes their
// gradients from last to first. A separate unembedding must come last.
std::vector<torch::Tensor> in_forward_order(const Transformer& model) {
  auto parameters = model->parameters();
  if (!model->config().tied_embeddings && model->unembedding.defined())
    std::ranges::stable_partition(
        parameters, [&](const auto& one) { return !one.is_same(model->unembedding); });
  return parameters;
}

// The sign of a NaN differs between kernels; a message should not.
double without_nan_sign(double value) {
  return std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
}

}  // namespace

double ValidationResult::spike() const {
  double largest = 0;
  const auto add = [&](const StateSummary& state) {
    if (!state.top.empty()) largest = std::max(largest, state.top.front().magnitude);
  };
  add(life_cycle.embedding);
  for (const auto& block : life_cycle.blocks) add(block.hidden_state);
  return largest;
}

Trainer::Trainer(TrainConfig config, TrainingData data, torch::Device device,
                 ProcessGroup* processes)
    : config_(validated(std::move(config), data, processes)),
      data_(std::move(data)),
      processes_(processes),
      model_(fresh_model(config_, device)),
      gradients_(processes
                     ? std::make_unique<detail::GradientSum>(in_forward_order(model_), *processes)
                     : nullptr),
      optimizer_(model_, config_.optimizer, processes) {}
Trainer::Trainer(Trainer&&) noexcept = default;
Trainer& Trainer::operator=(Trainer&&) noexcept = default;
Trainer::~Trainer() = default;

TrainingStep Trainer::step() {
  TrainingStep result{.step = step_ + 1,
                      .loss = loss_with_gradients(),
                      .learning_rate = learning_rate(config_.optimizer, step_, config_.steps)};
  if (std::isfinite(result.loss)) result.gradient_norm = optimizer_.step(result.learning_rate);
  if (!std::isfinite(result.loss) || !std::isfinite(result.gradient_norm)) {
    model_->zero_grad();
    throw std::runtime_error(
        fmt::format("[Trainer] step {}: got a loss of {} and a gradient of norm {}, expected "
                    "finite ones (learning rate {})",
                    result.step, without_nan_sign(result.loss),
                    without_nan_sign(result.gradient_norm), result.learning_rate));
  }
  ++step_;
  result.tokens = step_ * config_.sequences * config_.length;
  const bool measures = config_.measure_every > 0 && step_ % config_.measure_every == 0;
  if (measures || done()) result.validation = run_validation();
  if (result.validation && !std::isfinite(result.validation->perplexity.mean_loss))
    throw std::runtime_error(fmt::format(
        "[Trainer] step {}: got a validation loss of {}, expected a finite one (learning rate {})",
        result.step, without_nan_sign(result.validation->perplexity.mean_loss),
        result.learning_rate));
  return result;
}

torch::Tensor Trainer::sequences_of_rank() const {
  const auto [first, last] =
      processes_ ? rank_range(config_.sequences, processes_->rank(), processes_->world_size())
                 : RankRange{0, config_.sequences};
  return data_.training->sequences(step_ * config_.sequences + first, last - first,
                                   config_.length + 1);
}

// The loss of the step over the sequences of all processes.
double Trainer::loss_with_gradients() {
  const auto ids = sequences_of_rank();
  const int64_t micro_batch = config_.micro_batch > 0 ? config_.micro_batch : ids.size(0);
  double loss = 0;
  for (int64_t row = 0; row < ids.size(0); row += micro_batch) {
    if (gradients_ && row + micro_batch >= ids.size(0)) gradients_->begin();
    loss += add_gradients(ids.slice(0, row, row + micro_batch));
  }
  if (!gradients_) return loss;
  gradients_->end();
  const auto sum = torch::tensor(loss, torch::kDouble);
  processes_->start_all_reduce(sum)();
  return sum.item<double>();
}

// Returns the contribution of these sequences to the mean loss of the step.
double Trainer::add_gradients(const torch::Tensor& ids) {
  const auto tokens = ids.to(model_->options().device());
  torch::Tensor logits;
  {
    const detail::AutocastScope autocast(tokens.device().type(), config_.bfloat16);
    logits = model_->forward(tokens.slice(1, 0, -1));
  }
  const auto counted = logits.slice(1, config_.skipped_predictions).flatten(0, 1);
  const auto targets = tokens.slice(1, config_.skipped_predictions + 1).flatten();
  const auto loss = at::cross_entropy_loss(counted.to(model_->options().dtype()), targets) *
                    (static_cast<double>(ids.size(0)) / static_cast<double>(config_.sequences));
  loss.backward();
  return loss.item<double>();
}

ValidationResult Trainer::run_validation() {
  Perplexity perplexity;
  AttentionSinks sinks;
  LifeCycle life;
  Kurtosis kurtosis;
  MassiveActivations massive;
  const auto ids = data_.validation->sequences(0, config_.measured_sequences, config_.length);
  const int64_t rows = std::max<int64_t>(1, kMeasuredAtOnce / config_.length);
  TokenBatches batches;
  for (int64_t first = 0; first < ids.size(0); first += rows)
    batches.push_back({ids.slice(0, first, first + rows), first});
  run(model_, batches, {&perplexity, &sinks, &life, &kurtosis, &massive},
      {.processes = processes_});
  return {perplexity.result(), sinks.result(), life.result(), kurtosis.result(), massive.result()};
}

}  // namespace spikesink
