#include <cmath>

#include "detail/fail.h"
#include "intervene/checks.h"
#include "intervene/norm_sites.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

constexpr const char* kFitNorms = "fit_norms";
constexpr int64_t kMostTokens = 1024;  // for the fit of alpha

double median_of(const torch::Tensor& values) {
  return values.flatten().to(torch::kDouble).median().item<double>();
}

double relative_error(const torch::Tensor& now, const torch::Tensor& before) {
  return ((now - before).square().sum() / before.square().sum()).sqrt().item<double>();
}

// -- fits of one norm

void fit_added(FittedNorm& norm, const torch::Tensor& input, double multiplier) {
  const auto wide = input.to(torch::kDouble) / multiplier;
  const auto size = wide.square().mean(-1).sqrt();
  norm.gain = median_of(size);
  norm.error = relative_error(torch::full_like(size, norm.gain), size);
}

void fit_divisor(FittedNorm& norm, const torch::Tensor& divisors, const torch::Tensor& normalized) {
  const double typical = median_of(divisors);
  norm.alpha = 1 / typical;
  const auto wide = normalized.to(torch::kDouble);
  norm.error = relative_error(wide * divisors.to(torch::kDouble) / typical, wide);
}

// Fits gain * tanh(alpha x) to x / r, the normalised input: minimises over tokens and channels
//   sum (w (gain * tanh(alpha x) - x / r))^2,
// where w is the learned scale, so that the error is that of the norm's output. For a fixed alpha
// this is linear least squares in the gain; alpha itself is found by search.
struct TanhFit {
  torch::Tensor input, target;  // x and x / r, [tokens, d_model]
  torch::Tensor weight;         // w, [d_model]

  // The best gain for this alpha, and the relative error that remains.
  std::pair<double, double> at(double alpha) const {
    const auto shape = at::tanh(input * alpha) * weight;
    const auto wanted = target * weight;
    const double gain = (at::sum(shape * wanted) / shape.square().sum()).item<double>();
    return {gain, relative_error(shape * gain, wanted)};
  }

  // A grid over four decades, then a golden-section search around its best point.
  double best_alpha(double typical) const {
    constexpr int kSteps = 24;
    constexpr double kGolden = 0.6180339887498949;
    const auto error = [&](double logarithm) { return at(std::exp(logarithm)).second; };
    const double first = std::log(0.01 / typical), step = std::log(1e4) / kSteps;
    int best = 0;
    for (int index = 1; index <= kSteps; ++index) {
      if (error(first + index * step) < error(first + best * step)) best = index;
    }
    double low = first + (best - 1) * step, high = first + (best + 1) * step;
    for (int index = 0; index < 20; ++index) {
      const double left = high - kGolden * (high - low), right = low + kGolden * (high - low);
      (error(left) < error(right) ? high : low) = error(left) < error(right) ? right : left;
    }
    return std::exp((low + high) / 2);
  }
};

void fit_tanh(FittedNorm& norm, const NormImpl& at, const torch::Tensor& divisors,
              const torch::Tensor& normalized) {
  const auto rows = [](const torch::Tensor& values) {
    return values.flatten(0, -2).slice(0, 0, kMostTokens).to(torch::kFloat);
  };
  TanhFit fit{.target = rows(normalized), .weight = at.scale(torch::kFloat)};
  fit.input = fit.target * rows(divisors);
  if (!fit.weight.defined()) fit.weight = torch::ones({1}, fit.input.options());
  norm.alpha = fit.best_alpha(median_of(divisors));
  std::tie(norm.gain, norm.error) = fit.at(norm.alpha);
}

// -- selection of the norms

std::vector<Block> chosen(const ModelConfig& config,
                          const std::optional<std::vector<Block>>& blocks) {
  std::vector<Block> result;
  for (int64_t number = 1; number <= 2 * config.n_layers; ++number) result.push_back({number});
  if (!blocks) return result;
  for (const auto& block : *blocks) {
    if (block.number < 1 || block.number > 2 * config.n_layers)
      detail::fail_argument("[{}] block: got {}, expected 1 to {}", kFitNorms, block.number,
                            2 * config.n_layers);
  }
  return *blocks;
}

// Two blocks that share a norm can only change together. The norm belongs to the first of them.
void check_shared(const ModelConfig& config, const std::vector<Block>& blocks) {
  if (config.residual != ResidualForm::kParallelSharedNorm) return;
  std::vector<int64_t> count(config.n_layers);
  for (const auto& block : blocks) ++count[block.layer()];
  for (int64_t layer = 0; layer < config.n_layers; ++layer) {
    if (count[layer] == 1)
      detail::fail_argument("[{}] blocks: those of layer {} share a norm, expected both or neither",
                            kFitNorms, layer);
  }
}

class Plan {
 public:
  Plan(Transformer& model, const NormChange& change,
       const std::optional<std::vector<Block>>& blocks)
      : model_(model), config_(model->config()), blocks_(chosen(config_, blocks)) {
    if (const auto* move = std::get_if<SetNormPlacement>(&change)) {
      add_moved(move->placement);
    } else if (const auto* qk = std::get_if<SetQkNorm>(&change)) {
      add_qk(qk->enabled);
    } else {
      add_tanh(!blocks);
    }
  }

  std::vector<FittedNorm> norms;

 private:
  void add(Block block, NormSite site, NormKind kind) {
    norms.push_back({.block = block, .site = site, .kind = kind});
  }
  bool has_norm(Block block, NormSite site) {
    return detail::norm_at(model_, block, site)->config().kind != NormKind::kNone;
  }
  void add_moved(NormPlacement to);
  void add_qk(bool on);
  void add_tanh(bool whole_model);

  Transformer& model_;
  const ModelConfig& config_;
  std::vector<Block> blocks_;
};

void Plan::add_moved(NormPlacement to) {
  const auto from = config_.norm_placement;
  if (to == from)
    detail::fail_argument("[{}] placement: got {}, which is what the model has", kFitNorms,
                          to_string(to));
  if (to == NormPlacement::kPost && config_.residual != ResidualForm::kSequential)
    detail::fail_argument(
        "[{}] placement: got post for parallel blocks, which have one sum for two", kFitNorms);
  check_shared(config_, blocks_);
  const auto before = norm_flags(from), after = norm_flags(to);
  const bool shares = config_.residual == ResidualForm::kParallelSharedNorm;
  for (const auto& block : blocks_) {
    const auto move = [&](NormSite site, bool was, bool is) {
      if (was != is) add(block, site, is ? NormKind::kRmsNorm : NormKind::kFixedDivisor);
    };
    if (!shares || block.kind() == BlockKind::kAttention)
      move(NormSite::kInput, before.input, after.input);
    move(NormSite::kOutput, before.output, after.output);
    move(NormSite::kSum, before.sum, after.sum);
  }
}

void Plan::add_qk(bool on) {
  if (on == (config_.qk_norm != QkNorm::kNone))
    detail::fail_argument("[{}] QK-norm: got {}, which is what the model has", kFitNorms,
                          on ? "on" : "off");
  for (const auto& block : blocks_) {
    if (block.kind() != BlockKind::kAttention ||
        config_.layer(block.layer()).mixer != MixerKind::kAttention)
      continue;
    for (const auto site : {NormSite::kQuery, NormSite::kKey})
      add(block, site, on ? NormKind::kRmsNorm : NormKind::kFixedDivisor);
  }
}

void Plan::add_tanh(bool whole_model) {
  check_shared(config_, blocks_);
  for (const auto& block : blocks_) {
    for (const auto site : {NormSite::kInput, NormSite::kOutput, NormSite::kSum}) {
      if (has_norm(block, site)) add(block, site, NormKind::kDynamicTanh);
    }
  }
  if (whole_model && has_norm({0}, NormSite::kFinal))
    add({0}, NormSite::kFinal, NormKind::kDynamicTanh);
}

// Fits one norm when the forward pass reaches it.
HookScope watch(Transformer& model, FittedNorm& norm) {
  const double multiplier =
      norm.site == NormSite::kOutput ? model->config().residual_multiplier : 1;
  if (norm.kind == NormKind::kRmsNorm) {
    return model->hooks().add(
        detail::norm_input(model, norm.block, norm.site),
        [&norm, multiplier](const torch::Tensor& x) { fit_added(norm, x, multiplier); });
  }
  const auto name = detail::norm_name(model->config(), norm.block, norm.site) + ".";
  const auto divisors = std::make_shared<torch::Tensor>();
  auto scope = model->hooks().add(name + std::string(hook_names::kScale),
                                  [divisors](const torch::Tensor& value) { *divisors = value; });
  const auto& at = *detail::norm_at(model, norm.block, norm.site);
  scope += model->hooks().add(name + std::string(hook_names::kNormalized),
                              [&norm, &at, divisors](const torch::Tensor& normalized) {
                                if (norm.kind == NormKind::kFixedDivisor) {
                                  fit_divisor(norm, *divisors, normalized);
                                } else {
                                  fit_tanh(norm, at, *divisors, normalized);
                                }
                                divisors->reset();
                              });
  return scope;
}

}  // namespace

std::vector<FittedNorm> fit_norms(Transformer& model, const TokenBatch& calibration,
                                  const NormChange& change,
                                  const std::optional<std::vector<Block>>& blocks) {
  const torch::NoGradGuard no_grad;
  auto norms = Plan(model, change, blocks).norms;
  HookScope scope;
  for (auto& norm : norms) scope += watch(model, norm);
  model->forward(calibration.ids.to(model->options().device()), {.compute_logits = false});
  return norms;
}

}  // namespace spikesink
