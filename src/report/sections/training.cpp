#include "report/json_values.h"
#include "report/section.h"
#include "spikesink/train/run_summary.h"
#include "spikesink/train/training_run.h"

namespace spikesink::detail {
namespace {

constexpr int64_t kMostCurvePoints = 500;

using Number = ValidationRecord::Number;

json value(const Number& number) {
  return number ? json(*number) : json();
}

json values(const std::vector<Number>& numbers) {
  json list = json::array();
  for (const auto& number : numbers) list.push_back(value(number));
  return list;
}

json spread_or_null(const std::optional<SeedRange>& spread) {
  if (!spread) return {};
  return {{"mean", spread->mean}, {"low", spread->low}, {"high", spread->high}};
}

json paper_or_null(const std::optional<PaperResult>& paper) {
  if (!paper) return {};
  return {{"perplexity", paper->perplexity},
          {"sink_ratio_percent", paper->sink_ratio_percent},
          {"spike", paper->spike}};
}

json row_of(const RowSummary& row) {
  return {{"row", row.row},
          {"runs", row.runs},
          {"loss", spread_or_null(row.loss)},
          {"perplexity", spread_or_null(row.perplexity)},
          {"sink_ratio_percent", spread_or_null(row.sink_ratio_percent)},
          {"gu_sink_ratio_percent", spread_or_null(row.gu_sink_ratio_percent)},
          {"spike", spread_or_null(row.spike)},
          {"massive_channels", spread_or_null(row.massive_channels)},
          {"paper", paper_or_null(row.paper)}};
}

// Averages consecutive steps so that a curve has a limited number of points.
json curve_of(const std::vector<TrainingRecord>& log) {
  const auto steps = static_cast<int64_t>(log.size());
  const int64_t stride = std::max<int64_t>(1, (steps + kMostCurvePoints - 1) / kMostCurvePoints);
  json points = json::array();
  RunningMean loss;
  for (const auto& record : log) {
    loss.add(record.loss);
    if (loss.count < stride && record.step < log.back().step) continue;
    points.push_back({{"step", record.step}, {"loss", loss.mean}});
    loss = {};
  }
  return points;
}

json state_of(int64_t step, const ValidationRecord& state) {
  return {{"step", step},
          {"loss", value(state.loss)},
          {"perplexity", value(state.perplexity)},
          {"sink_ratio_percent", value(state.sink_ratio_percent)},
          {"gu_sink_ratio_percent", value(state.gu_sink_ratio_percent)},
          {"spike", value(state.spike)},
          {"massive_channels", value(state.massive_channels)},
          {"sink_ratios_percent", values(state.sink_ratios_percent)},
          {"spikes", values(state.spikes)},
          {"kurtosis", values(state.kurtosis)}};
}

json run_of(const TrainingRunLog& run) {
  json states = json::array();
  for (const auto& record : run.log) {
    if (record.validation) states.push_back(state_of(record.step, *record.validation));
  }
  return {{"row", run.config.name},
          {"seed", run.config.seed},
          {"steps", run.config.steps},
          {"steps_done", run.log.empty() ? 0 : run.log.back().step},
          {"parameters", run.parameters ? json(*run.parameters) : json()},
          {"tokens", run.log.empty() ? 0 : run.log.back().tokens},
          {"curve", curve_of(run.log)},
          {"validation", states}};
}

}  // namespace

void add_section(const std::vector<TrainingRunLog>& runs, ReportDocument& report) {
  json rows = json::array(), each = json::array();
  for (const auto& row : summarize_rows(runs)) rows.push_back(row_of(row));
  for (const auto& run : runs) each.push_back(run_of(run));
  const json fields = {{"definition", to_string(SinkDefinition::kPaper)},
                       {"epsilon", AttentionSinksOptions().epsilon},
                       {"rows", rows},
                       {"runs", each}};
  report.json["training"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const std::vector<TrainingRunLog>&);
}  // namespace spikesink
