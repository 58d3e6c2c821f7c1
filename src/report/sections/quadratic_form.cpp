#include <algorithm>

#include "report/json_values.h"
#include "report/section.h"
#include "spikesink/measure/weights/quadratic_form.h"
#include "spikesink/measure/weights/quadratic_form_fit.h"

namespace spikesink::detail {
namespace {

constexpr size_t kMostChannels = 10;  // listed per block, outliers or not

json section(const ChannelForm& form) {
  json entry = {{"channel", form.channel}, {"frobenius_norm", number(form.frobenius_norm)}};
  if (form.expert >= 0) entry["expert"] = form.expert;
  if (form.expert == ChannelForm::kShared) entry["expert"] = "shared";
  entry["leading_eigenvalue"] = nullptr;
  if (form.spectrum.empty()) return entry;
  entry["leading_eigenvalue"] = number(form.leading_eigenvalue());
  entry["dominance"] = number(form.dominance);
  for (const double eigenvalue : form.spectrum) entry["spectrum"].push_back(digits(eigenvalue));
  for (const auto& weight : form.super_weights) {
    entry["super_weights"].push_back({{"row", weight.row},
                                      {"column", weight.column},
                                      {"weight", number(weight.weight)},
                                      {"share", number(weight.share)}});
  }
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
  entry["channels"] = largest_channels(block);
  entry["controls"] = json::array();
  for (const auto& form : block.controls) entry["controls"].push_back(section(form));
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
    entry["most"] = number(step.most);
    steps.push_back(entry);
  }
  return {{"rule",
           "Of the outlier channels, those count whose leading eigenvalue dominates. Block by "
           "block, the first that counts for a channel is a step-up with the sign of its "
           "eigenvalue; a later one of that sign is another, one of the other sign a step-down. "
           "most = |eigenvalue| d_model, the largest value the form can add (eq. 19)."},
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
       "projection with the largest shares of the leading eigenvalue (arXiv 2411.07191)."},
      {"options",
       {{"outlier_ratio", result.options.outlier_ratio},
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
