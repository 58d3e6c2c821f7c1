#include "spikesink/train/optimizer.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace spikesink {
namespace {

// The rank that updates each parameter. To balance the shards, the parameters are assigned from the
// largest to the smallest, each to the rank with the fewest elements so far.
std::vector<int64_t> owners(const std::vector<torch::Tensor>& parameters, int64_t processes) {
  std::vector<size_t> order(parameters.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater(),
                           [&](size_t index) { return parameters[index].numel(); });
  std::vector<int64_t> owned(processes, 0), owners(parameters.size());
  for (const size_t index : order) {
    const auto least = std::ranges::min_element(owned);
    owners[index] = least - owned.begin();
    *least += parameters[index].numel();
  }
  return owners;
}

}  // namespace

double learning_rate(const OptimizerConfig& config, int64_t step, int64_t steps) {
  const auto warm_up = static_cast<double>(config.warm_up), update = static_cast<double>(step);
  const double remaining = step < config.warm_up ? 1 - update / warm_up : 0;
  const double decay_steps = std::max(1.0, static_cast<double>(steps) - warm_up);
  const double cosine = std::cos((update - warm_up) / decay_steps * std::numbers::pi);
  const double decayed = config.min_rate_ratio + (1 - config.min_rate_ratio) * 0.5 * (1 + cosine);
  return config.learning_rate * std::min(1 - remaining * remaining, decayed);
}

AdamW::AdamW(Transformer& model, const OptimizerConfig& config, ProcessGroup* processes)
    : config_(config),
      processes_(processes),
      parameters_(model->parameters()),
      owners_(owners(parameters_, processes ? processes->world_size() : 1)) {
  decayed_.decay = config.weight_decay;
  const int64_t rank = processes ? processes->rank() : 0;
  const auto named = model->named_parameters();
  for (size_t index = 0; index < owners_.size(); ++index) {
    if (owners_[index] == rank) add(named[index].key(), parameters_[index]);
  }
}

void AdamW::add(const std::string& name, const torch::Tensor& parameter) {
  auto& group = config_.decay_vectors || parameter.dim() >= 2 ? decayed_ : free_;
  group.parameters.push_back(parameter);
  group.first.push_back(torch::zeros_like(parameter, torch::MemoryFormat::Preserve).detach());
  group.second.push_back(torch::zeros_like(parameter, torch::MemoryFormat::Preserve).detach());
  group.steps.push_back(torch::zeros({}, parameter.options().dtype(torch::kFloat)).detach());
  state_.emplace_back(name + ".first", group.first.back());
  state_.emplace_back(name + ".second", group.second.back());
  state_.emplace_back(name + ".steps", group.steps.back());
}

double AdamW::step(double rate) {
  const torch::NoGradGuard no_grad;
  const double norm = gradient_norm();
  const bool finite = std::isfinite(norm);
  const double factor = config_.clip > 0 && norm > config_.clip ? config_.clip / norm : 1;
  if (finite) {
    for (auto* group : {&decayed_, &free_}) step(*group, rate, factor);
  }
  for (auto& parameter : parameters_) parameter.mutable_grad().reset();
  if (finite && processes_ != nullptr) broadcast_parameters();
  return norm;
}

double AdamW::gradient_norm() const {
  auto sum = torch::zeros({}, torch::kDouble);
  for (const auto& parameter : parameters_) {
    if (parameter.grad().defined())
      sum += parameter.grad().square().sum(torch::kDouble).to(torch::kCPU);
  }
  return std::sqrt(sum.item<double>());
}

void AdamW::step(Group& group, double rate, double factor) {
  std::vector<torch::Tensor> parameters, gradients, first, second, steps;
  for (size_t index = 0; index < group.parameters.size(); ++index) {
    auto& gradient = group.parameters[index].mutable_grad();
    if (!gradient.defined()) continue;
    if (factor != 1) gradient.mul_(factor);
    parameters.push_back(group.parameters[index]);
    gradients.push_back(gradient);
    first.push_back(group.first[index]);
    second.push_back(group.second[index]);
    steps.push_back(group.steps[index]);
  }
  if (parameters.empty()) return;
  for (auto& count : steps) count += 1;
  at::_fused_adamw_(parameters, gradients, first, second, {}, steps, rate, config_.beta1,
                    config_.beta2, group.decay, config_.epsilon, /*amsgrad=*/false,
                    /*maximize=*/false);
}

// Every rank broadcasts its updated parameters. All ranks start the broadcasts in the same order.
void AdamW::broadcast_parameters() {
  std::vector<std::function<void()>> waits;
  for (size_t index = 0; index < parameters_.size(); ++index)
    waits.push_back(processes_->start_broadcast(parameters_[index], owners_[index]));
  for (const auto& wait : waits) wait();
}

}  // namespace spikesink
