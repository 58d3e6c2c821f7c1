#include "spikesink/measure/weights/quadratic_form.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "detail/fail.h"
#include "measure/core/sorted_values.h"
#include "measure/weights/layer_forms.h"
#include "measure/weights/leading_eigenpairs.h"
#include "measure/weights/stream_size.h"

namespace spikesink {
namespace {

using detail::LayerForms;

void check(const QuadraticFormOptions& options) {
  const auto check_minimum = [](const char* name, double got, double least) {
    if (!(got >= least))
      detail::fail_argument("[quadratic_form] {}: got {}, expected at least {}", name, got, least);
  };
  if (options.outlier_deviations)
    check_minimum("outlier_deviations", *options.outlier_deviations, 0);
  check_minimum("max_outliers", static_cast<double>(options.max_outliers), 0);
  check_minimum("control_count", static_cast<double>(options.control_count), 0);
  check_minimum("eigenvalue_count", static_cast<double>(options.eigenvalue_count), 1);
  check_minimum("super_weight_count", static_cast<double>(options.super_weight_count), 0);
  check_minimum("least_dominance", options.least_dominance, 0);
}

// The number of standard deviations above the median from which a log norm is an outlier.
double outlier_deviations(const ModelConfig& model, const QuadraticFormOptions& options) {
  constexpr double kFalseAlarms = 0.01;  // in a model whose log norms are normal
  if (options.outlier_deviations) return *options.outlier_deviations;
  const auto norms = static_cast<double>(model.n_layers * model.d_model);
  return at::special_ndtri(torch::tensor(1 - kFalseAlarms / norms, torch::kDouble)).item<double>();
}

// The smallest norm of an outlier: its logarithm is so many robust standard deviations above the
// median of the positive norms.
double outlier_norm(const torch::Tensor& norms, double deviations) {
  constexpr double kDeviationOfMad = 1.4826;  // standard deviation of a normal / its MAD
  const auto logs = norms.masked_select(norms > 0).log();
  if (logs.numel() == 0) return HUGE_VAL;
  const auto median = logs.median();
  const auto deviation = kDeviationOfMad * (logs - median).abs().median();
  return (median + deviations * deviation).exp().item<double>();
}

std::vector<SuperWeight> super_weights(const LayerForms& forms, size_t member, int64_t channel,
                                       const torch::Tensor& shares, int64_t count) {
  std::vector<SuperWeight> result;
  const auto order = shares.argsort(-1, /*descending=*/true).slice(0, 0, count);
  for (int64_t rank = 0; rank < order.size(0); ++rank) {
    const int64_t unit = order[rank].item<int64_t>();
    result.push_back({.row = channel,
                      .column = unit,
                      .weight = forms.down_weight(member, channel, unit),
                      .share = shares[unit].item<double>()});
  }
  return result;
}

// Computes the eigenpairs of a channel from its S_k. If the form is 0, they are 0.
void decompose(ChannelForm& channel, const torch::Tensor& symmetric, int64_t spectrum) {
  const int64_t size = symmetric.size(0);
  channel.symmetric_norm = symmetric.norm().item<double>();
  channel.spectrum.assign(std::min(spectrum, size), 0.0);
  channel.trigger = torch::zeros({size}, torch::kDouble);
  if (channel.symmetric_norm == 0) return;
  const auto product = [&](const torch::Tensor& x) { return at::matmul(symmetric, x); };
  const auto [values, vector] =
      detail::leading_eigenpairs(product, size, spectrum, channel.symmetric_norm);
  const auto kept = values.accessor<double, 1>();
  for (int64_t rank = 0; rank < kept.size(0); ++rank) channel.spectrum[rank] = kept[rank];
  channel.trigger = vector;
  channel.dominance = std::abs(channel.leading_eigenvalue()) / channel.symmetric_norm;
}

// Computes the norms of one layer, and decomposes the outliers and the controls.
class BlockAnalysis {
 public:
  BlockAnalysis(const TransformerImpl& model, int64_t layer, const QuadraticFormOptions& options)
      : forms_(model, layer), options_(options) {
    result_.block = Block::of(layer, BlockKind::kFeedForward);
    result_.gated = forms_.gated();
    result_.normed_before = forms_.normed_before();
    result_.normed_after = forms_.normed_after();
    result_.has_biases = forms_.has_biases();
  }

  BlockForms analyze() {
    compute_norms();
    choose_channels();
    if (result_.gated) {
      for (size_t member = 0; member < forms_.size(); ++member) decompose_member(member);
    }
    return std::move(result_);
  }

 private:
  void compute_norms() {
    std::vector<torch::Tensor> norms;
    for (size_t member = 0; member < forms_.size(); ++member) norms.push_back(forms_.norms(member));
    std::tie(result_.norms, strongest_) = at::stack(norms).max(0);
    if (!result_.norms.isfinite().all().item<bool>())
      detail::fail_argument(
          "[quadratic_form] the weights of block {} are not finite, so it has no form",
          result_.block.number);
    result_.median_norm = result_.norms.median().item<double>();
    result_.outlier_norm = outlier_norm(result_.norms, *options_.outlier_deviations);
  }

  void choose_channels() {
    const auto order = result_.norms.argsort(-1, /*descending=*/true);
    const auto is_outlier = (result_.norms >= result_.outlier_norm) & (result_.norms > 0);
    const int64_t outliers = is_outlier.sum().item<int64_t>();
    add(result_.outliers, order.slice(0, 0, std::min(outliers, options_.max_outliers)));
    if (outliers == 0) return;
    const auto distance =
        (result_.norms - result_.median_norm).abs().masked_fill(is_outlier, HUGE_VAL);
    const int64_t others = order.size(0) - outliers;
    add(result_.controls, distance.argsort().slice(0, 0, std::min(others, options_.control_count)));
  }

  void add(std::vector<ChannelForm>& forms, const torch::Tensor& channels) const {
    for (int64_t rank = 0; rank < channels.size(0); ++rank) {
      ChannelForm form;
      form.channel = channels[rank].item<int64_t>();
      form.expert = forms_.expert(member_of(form.channel));
      form.frobenius_norm = result_.norms[form.channel].item<double>();
      forms.push_back(form);
    }
  }

  size_t member_of(int64_t channel) const {
    return static_cast<size_t>(strongest_[channel].item<int64_t>());
  }

  void decompose_member(size_t member) {
    std::vector<ChannelForm*> chosen;
    for (auto* list : {&result_.outliers, &result_.controls}) {
      for (auto& form : *list) {
        if (member_of(form.channel) == member) chosen.push_back(&form);
      }
    }
    if (chosen.empty()) return;
    const auto form = forms_.form(member);
    const detail::FormTerms terms(form);
    for (auto* channel : chosen) {
      decompose(*channel, form.symmetric(channel->channel), options_.eigenvalue_count);
      if (channel->leading_eigenvalue() != 0) find_super_weights(*channel, member, terms);
    }
    if (forms_.expert(member) == ChannelForm::kDense) compare_rows(form.gate_up_cosines(), chosen);
  }

  // Compares the rows of the hidden units that carry an outlier with those of the others.
  void compare_rows(const torch::Tensor& cosines, const std::vector<ChannelForm*>& channels) {
    const auto* cosine = cosines.data_ptr<double>();
    std::vector<double> others(cosine, cosine + cosines.numel());
    for (const auto& outlier : result_.outliers) {
      for (const auto& weight : outlier.super_weights) others[weight.column] = NAN;
    }
    const detail::SortedValues sorted(others);
    result_.other_units = {.units = sorted.size(),
                           .low = sorted.at_percent(1),
                           .median = sorted.at_percent(50),
                           .high = sorted.at_percent(99),
                           .largest = sorted.at_percent(100)};
    for (auto* channel : channels) {
      for (auto& weight : channel->super_weights) {
        const double own = cosine[weight.column];
        weight.gate_up = {.cosine = own, .percentile = sorted.percent_below(own)};
      }
    }
  }

  // Finds the hidden units with the largest shares of the eigenvalue, and the sign of s* that opens
  // their gates.
  void find_super_weights(ChannelForm& channel, size_t member,
                          const detail::FormTerms& terms) const {
    const auto products = terms.gate_and_up(channel.trigger);
    const auto shares =
        terms.contributions(channel.channel, products) / channel.leading_eigenvalue();
    if (at::dot(shares, products[0]).item<double>() < 0) channel.trigger.neg_();
    channel.max_added = max_added(channel, terms, products);
    channel.super_weights =
        super_weights(forms_, member, channel.channel, shares, options_.super_weight_count);
  }

  // A norm after the block divides its output by the root mean square over all channels.
  double max_added(const ChannelForm& channel, const detail::FormTerms& terms,
                   const torch::Tensor& products) const {
    const auto size = static_cast<double>(channel.trigger.numel());
    const auto scale = forms_.scale_after();
    if (!scale.defined()) return std::abs(channel.leading_eigenvalue()) * size;
    const auto outputs = terms.outputs(products);
    const double rms = (outputs.norm() / std::sqrt(size)).item<double>();
    return std::abs((scale[channel.channel] * outputs[channel.channel]).item<double>()) / rms;
  }

  LayerForms forms_;
  const QuadraticFormOptions& options_;
  BlockForms result_;
  torch::Tensor strongest_;  // [d_model], index of the member with the largest norm
};

}  // namespace

std::vector<QuadraticFormResult::OutlierForm> QuadraticFormResult::outliers() const {
  std::vector<OutlierForm> forms;
  for (const auto& block : blocks) {
    if (!block.gated) continue;
    for (const auto& form : block.outliers) forms.push_back({block.block, &form});
  }
  return forms;
}

torch::Tensor QuadraticFormResult::trigger_cosines() const {
  std::vector<torch::Tensor> triggers;
  for (const auto& outlier : outliers()) triggers.push_back(outlier.form->trigger);
  if (triggers.empty()) return torch::zeros({0, 0}, torch::kDouble);
  const auto rows = at::stack(triggers);  // [n, d_model]
  return at::mm(rows, rows.t()).abs();
}

QuadraticFormResult quadratic_form(const Transformer& model, const QuadraticFormOptions& options,
                                   const ProgressCallback& progress) {
  check(options);
  const torch::NoGradGuard no_grad;
  QuadraticFormResult result{.options = options};
  result.options.outlier_deviations = outlier_deviations(model->config(), options);
  const int64_t layers = model->config().n_layers;
  if (model->config().feed_forward == FeedForwardKind::kNone) return result;
  detail::StreamSize stream(*model);
  for (int64_t layer = 0; layer < layers; ++layer) {
    const auto pinned = model->pin_weights(WeightGroup::layer(layer));
    auto& block =
        result.blocks.emplace_back(BlockAnalysis(*model, layer, result.options).analyze());
    stream.add_block(layer, block.norms);
    block.stream_median = stream.median();
    if (progress) progress(layer + 1, layers);
  }
  return result;
}

}  // namespace spikesink
