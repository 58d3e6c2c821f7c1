#include "report/json_values.h"
#include "report/section.h"
#include "spikesink/intervene/compare_interventions.h"

namespace spikesink::detail {
namespace {

constexpr size_t kMostPositionBins = 64;  // points of a curve over positions

// Mean losses of kMostPositionBins ranges of positions, one for each point of a curve.
json loss_by_position(const std::vector<RunningMean>& losses) {
  json points = json::array();
  const size_t width = (losses.size() + kMostPositionBins - 1) / kMostPositionBins;
  for (size_t first = 1; first < losses.size(); first += width) {
    const size_t end = std::min(first + width, losses.size());
    RunningMean loss;
    for (size_t position = first; position < end; ++position) loss.merge(losses[position]);
    points.push_back({{"first", first}, {"last", end - 1}, {"loss", mean_or_null(loss)}});
  }
  return points;
}

json norms(const std::vector<FittedNorm>& fitted) {
  json list = json::array();
  for (const auto& norm : fitted) {
    json entry = {{"site", to_string(norm.site)},
                  {"becomes", to_string(norm.kind)},
                  {"alpha", norm.kind == NormKind::kRmsNorm ? json() : number(norm.alpha)},
                  {"gain", norm.kind == NormKind::kFixedDivisor ? json() : number(norm.gain)},
                  {"error", number(norm.error)}};
    if (norm.block.number > 0) entry.update(block_entry(norm.block));
    list.push_back(std::move(entry));
  }
  return list;
}

json section(const InterventionResult& result) {
  const auto& [low, high] = result.interval;
  const bool has_spike = result.spike_block.number > 0;
  json spike = {{"magnitude", number(result.spike.magnitude)},
                {"medians", number(result.spike.magnitude / result.spike_median)},
                {"channel", result.spike.channel},
                {"sequence", result.spike.sequence},
                {"position", result.spike.position}};
  if (has_spike) spike.update(block_entry(result.spike_block));
  const auto sinks = [&](int64_t key) {
    return number(result.sinks.sink_ratio_percent(SinkDefinition::kGu, key));
  };
  return {{"name", result.name},
          {"perplexity", number(result.perplexity.perplexity)},
          {"interval", {number(low), number(high)}},
          {"mean_loss", number(result.perplexity.mean_loss)},
          {"tokens", result.perplexity.tokens},
          {"by_position", loss_by_position(result.perplexity.by_position)},
          {"sink_ratio_percent", sinks(0)},
          {"next_key", result.next_key},
          {"next_sink_ratio_percent", sinks(result.next_key)},
          {"spike", has_spike ? number(result.spike.magnitude) : json()},
          {"spike_place", has_spike ? spike : json()},
          {"not_finite", result.not_finite},
          {"kl", number(result.divergence.mean)},
          {"norms", norms(result.norms)}};
}

}  // namespace

void add_section(const std::vector<InterventionResult>& results, ReportDocument& report) {
  json list = json::array();
  for (const auto& result : results) list.push_back(section(result));
  report.json["interventions"] = list;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const std::vector<InterventionResult>&);
}  // namespace spikesink
