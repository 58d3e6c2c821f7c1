#include <algorithm>
#include <cmath>

#include "report/json_values.h"
#include "report/section.h"
#include "spikesink/measure/weights/quadratic_form.h"
#include "spikesink/measure/weights/quadratic_form_fit.h"

namespace spikesink::detail {
namespace {

constexpr size_t kMostChannels = 10;  // listed per block, outliers or not

json section(const SuperWeight& weight) {
  json entry = {{"row", weight.row},
                {"column", weight.column},
                {"weight", number(weight.weight)},
                {"share", number(weight.share)}};
  if (!weight.gate_up) return entry;
  entry["gate_up_cosine"] = number(weight.gate_up->cosine);
  entry["gate_up_percentile"] = number(weight.gate_up->percentile);
  return entry;
}

json section(const GateUpCosines& cosines) {
  return {{"units", cosines.units},
          {"low", number(cosines.low)},
          {"median", number(cosines.median)},
          {"high", number(cosines.high)},
          {"largest", number(cosines.largest)}};
}

json section(const ChannelForm& form) {
  json entry = {{"channel", form.channel}, {"frobenius_norm", number(form.frobenius_norm)}};
  if (form.expert >= 0) entry["expert"] = form.expert;
  if (form.expert == ChannelForm::kShared) entry["expert"] = "shared";
  entry["leading_eigenvalue"] = nullptr;
  if (form.spectrum.empty()) return entry;
  entry["leading_eigenvalue"] = number(form.leading_eigenvalue());
  entry["dominance"] = number(form.dominance);
  entry["max_added"] = number(form.max_added);
  for (const double eigenvalue : form.spectrum) entry["spectrum"].push_back(digits(eigenvalue));
  for (const auto& weight : form.super_weights) entry["super_weights"].push_back(section(weight));
  return entry;
}

std::vector<int64_t> by_norm(const torch::Tensor& norms) {
  const auto order = norms.argsort(0, /*descending=*/true).contiguous();
  return {order.data_ptr<int64_t>(), order.data_ptr<int64_t>() + order.numel()};
}

// The channels with the largest norms. Eigenvalues exist only for outlier channels.
json largest_channels(const BlockForms& block) {
  json list = json::array();
  for (const auto& form : block.outliers) list.push_back(section(form));
  for (const int64_t channel : by_norm(block.norms)) {
    if (list.size() >= kMostChannels) break;
    const auto listed = [&](const ChannelForm& form) { return form.channel == channel; };
    if (std::any_of(block.outliers.begin(), block.outliers.end(), listed)) continue;
    ChannelForm form;
    form.channel = channel;
    form.expert = ChannelForm::kDense;
    form.frobenius_norm = block.norms[channel].item<double>();
    list.push_back(section(form));
  }
  return list;
}

json section(const BlockForms& block) {
  auto entry = block_entry(block.block);
  entry["gated"] = block.gated;
  entry["normed_before"] = block.normed_before;
  entry["normed_after"] = block.normed_after;
  entry["has_biases"] = block.has_biases;
  entry["median_norm"] = number(block.median_norm);
  entry["outlier_norm"] = number(block.outlier_norm);
  entry["stream_median"] = number(block.stream_median);
  entry["channels"] = largest_channels(block);
  entry["controls"] = json::array();
  for (const auto& form : block.controls) entry["controls"].push_back(section(form));
  if (block.other_units) entry["other_units"] = section(*block.other_units);
  const auto* norms = block.norms.data_ptr<double>();
  for (int64_t channel = 0; channel < block.norms.numel(); ++channel)
    entry["norms"].push_back(digits(norms[channel]));
  return entry;
}

json trigger_cosines(const QuadraticFormResult& result) {
  json places = json::array(), rows = json::array();
  for (const auto& [block, form] : result.outliers())
    places.push_back({{"block", block.number}, {"channel", form->channel}});
  const auto cosines = result.trigger_cosines();
  for (int64_t row = 0; row < cosines.size(0); ++row) {
    json values = json::array();
    for (int64_t column = 0; column < cosines.size(1); ++column)
      values.push_back(digits(cosines[row][column].item<double>()));
    rows.push_back(values);
  }
  return {{"places", places}, {"cosines", rows}};
}

json section(const SpikePrediction& prediction) {
  json steps = json::array();
  for (const auto& step : prediction.steps) {
    auto entry = block_entry(step.block);
    entry["channel"] = step.channel;
    entry["up"] = step.up;
    entry["eigenvalue"] = number(step.eigenvalue);
    entry["max_added"] = number(step.max_added);
    steps.push_back(entry);
  }
  return {
      {"rule",
       "Outlier channels with dominance > least_dominance. A channel spikes if one of its blocks "
       "can add a spike by life_cycle's definition: max_added > least_magnitude and >= "
       "least_ratio x stream_median. Block by block, max_added is added to the channel's "
       "magnitude with the sign of the eigenvalue; steps are life_cycle's in this sequence. "
       "max_added: what the block adds for the input sqrt(d_model) s*, |eigenvalue| d_model "
       "(eq. 19), or the output of a norm that follows the block."},
      {"spike_channels", prediction.spike_channels},
      {"step_up", prediction.step_up},
      {"step_down", prediction.step_down},
      {"steps", steps}};
}

json section(const RegressionSums& fit) {
  return {{"r_squared", number(fit.r_squared())},
          {"slope", number(fit.slope())},
          {"largest_measured", number(fit.largest_measured)},
          {"largest_predicted", number(fit.largest_predicted)}};
}

json section(const ListAgreement& lists) {
  return {{"both", lists.both},
          {"predicted_alone", lists.predicted_alone},
          {"measured_alone", lists.measured_alone}};
}

}  // namespace

void add_section(const QuadraticFormResult& result, ReportDocument& report) {
  json blocks = json::array();
  for (const auto& block : result.blocks) blocks.push_back(section(block));
  const json fields = {
      {"definition",
       "With the activation taken for the identity, output channel k of a gated feed-forward "
       "is x^T U_k x of the normed input x, the norm's scale folded in: U_k = sum_i W_down[k, "
       "i] W_gate[i] W_up[i]^T. frobenius_norm = ||U_k||_F; leading_eigenvalue and spectrum "
       "are those of S_k = (U_k + U_k^T) / 2, signed, the largest magnitude first; dominance = "
       "|leading_eigenvalue| / ||S_k||_F. Without a gate the norm is ||W_down[k, :]||_2 (arXiv "
       "2603.05498, eqs. 15-19, figures 3-4). super_weights: the weights of the down "
       "projection with the largest shares of the leading eigenvalue (arXiv 2411.07191). An "
       "outlier's norm is at least outlier_norm: its logarithm exceeds the block's median by "
       "outlier_deviations x 1.4826 x the median absolute deviation (by default the number that "
       "normal "
       "log norms exceed anywhere in the model with probability 0.01). stream_median: the median "
       "|h| after the block that embedding and feed-forward weights suggest for inputs without a "
       "preferred direction. gate_up_cosine: |cos| of W_gate[i] and W_up[i], the norm's scale "
       "folded in, of the hidden unit i of a super weight (section 3.1.2); gate_up_percentile: the "
       "share of other_units with a smaller one; other_units: the units of the block without a "
       "super weight of an outlier."},
      {"options",
       {{"outlier_deviations", number(result.options.outlier_deviations.value_or(NAN))},
        {"least_dominance", result.options.least_dominance}}},
      {"blocks", blocks},
      {"triggers", trigger_cosines(result)},
      {"prediction", section(result.prediction())}};
  report.json["quadratic_form"].update(fields);
}

void add_section(const QuadraticFormFitResult& fits, ReportDocument& report) {
  json list = json::array();
  for (const auto& fit : fits.channels) {
    auto entry = block_entry(fit.block);
    entry["channel"] = fit.channel;
    entry["tokens"] = fit.leading.measured.count;
    entry["leading"] = section(fit.leading);
    entry["open"] = section(fit.open);
    entry["full"] = section(fit.full);
    list.push_back(entry);
  }
  const json fields = {
      {"definition",
       "Predicted against measured output of a channel over all tokens: leading = "
       "lambda* (s* . x)^2; open = the same where s* . x > 0, else 0; full = x^T S_k x. "
       "r_squared = 1 - sum of squared errors over that of deviations from the mean."},
      {"channels", list}};
  report.json["quadratic_form"]["fit"] = fields;
}

void add_section(const PredictionComparison& comparison, ReportDocument& report) {
  const json fields = {
      {"definition",
       "The prediction from the weights beside what the text showed. The form speaks of "
       "feed-forward blocks alone, so steps by attention are left out."},
      {"spike_channels", section(comparison.spike_channels)},
      {"step_up", section(comparison.step_up)},
      {"step_down", section(comparison.step_down)}};
  report.json["quadratic_form"]["comparison"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const QuadraticFormResult&);
template void Report::add(const QuadraticFormFitResult&);
template void Report::add(const PredictionComparison&);
}  // namespace spikesink
