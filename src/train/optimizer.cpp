#include "spikesink/train/optimizer.h"

#include <cmath>
#include <numbers>

namespace spikesink {

double learning_rate(const OptimizerConfig& config, int64_t step, int64_t steps) {
  if (step < config.warm_up)
    return config.learning_rate * static_cast<double>(step + 1) /
           static_cast<double>(config.warm_up);
  const auto falling = static_cast<double>(std::max<int64_t>(steps - 1 - config.warm_up, 1));
  const double way = std::min(1.0, static_cast<double>(step - config.warm_up) / falling);
  const double share = (1 + std::cos(std::numbers::pi * way)) / 2;
  return config.least_learning_rate + share * (config.learning_rate - config.least_learning_rate);
}

AdamW::AdamW(Transformer& model, const OptimizerConfig& config) : config_(config) {
  decayed_.decay = config.weight_decay;
  for (const auto& entry : model->named_parameters()) add(entry.key(), entry.value());
}

void AdamW::add(const std::string& name, const torch::Tensor& parameter) {
  auto& group = parameter.dim() >= 2 ? decayed_ : free_;
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
  auto sum = torch::zeros({}, torch::kDouble);
  for (const auto* group : {&decayed_, &free_}) {
    for (const auto& parameter : group->parameters) {
      if (parameter.grad().defined())
        sum += parameter.grad().square().sum(torch::kDouble).to(torch::kCPU);
    }
  }
  const double norm = std::sqrt(sum.item<double>());
  const double factor = config_.clip > 0 && norm > config_.clip ? config_.clip / norm : 1;
  for (auto* group : {&decayed_, &free_}) {
    std::vector<torch::Tensor> parameters, gradients, first, second, steps;
    for (size_t index = 0; index < group->parameters.size(); ++index) {
      auto& gradient = group->parameters[index].mutable_grad();
      if (!gradient.defined() || !std::isfinite(norm)) continue;
      if (factor != 1) gradient.mul_(factor);
      parameters.push_back(group->parameters[index]);
      gradients.push_back(gradient);
      first.push_back(group->first[index]);
      second.push_back(group->second[index]);
      steps.push_back(group->steps[index]);
    }
    if (!parameters.empty()) {
      for (auto& count : steps) count += 1;
      at::_fused_adamw_(parameters, gradients, first, second, {}, steps, rate, config_.beta1,
                        config_.beta2, group->decay, config_.epsilon, /*amsgrad=*/false,
                        /*maximize=*/false);
    }
    for (auto& parameter : group->parameters) parameter.mutable_grad().reset();
  }
  return norm;
}

}  // namespace spikesink
