#include "spikesink/measure/spikes/life_cycle.h"
#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {
namespace {

json section(const ChannelPeak& peak) {
  return {{"channel", peak.channel},
          {"magnitude", peak.magnitude},
          {"sequence", peak.sequence},
          {"position", peak.position}};
}

json section(const StateSummary& state) {
  json top = json::array();
  for (const auto& peak : state.top) top.push_back(section(peak));
  return {{"top", top}, {"median", number(state.median)}, {"not_finite", state.not_finite}};
}

json episodes(const LifeCycleResult& result) {
  json list = json::array();
  for (const auto& [first, last, peak] : result.episodes)
    list.push_back({{"first", first.number}, {"last", last.number}, {"peak", section(peak)}});
  return list;
}

json steps(const LifeCycleResult& result) {
  json list = json::array();
  for (const auto& step : result.steps) {
    auto entry = block_entry(step.block);
    entry["channel"] = step.channel;
    entry["before"] = step.before;
    entry["after"] = step.after;
    entry["share"] = number(step.share);
    list.push_back(entry);
  }
  return list;
}

json courses(const LifeCycleResult& result) {
  json courses = json::array();
  for (const int64_t channel : result.spike_channels) {
    json hidden_state = {result.embedding.channel_max[channel]}, output = json::array();
    for (const auto& block : result.blocks) {
      hidden_state.push_back(block.hidden_state.channel_max[channel]);
      output.push_back(block.output.channel_max[channel]);
    }
    courses.push_back({{"channel", channel}, {"hidden_state", hidden_state}, {"output", output}});
  }
  return courses;
}

}  // namespace

void add_section(const LifeCycleResult& result, ReportDocument& report) {
  json blocks = json::array();
  for (const auto& block : result.blocks) {
    auto entry = block_entry(block.block);
    entry["hidden_state"] = section(block.hidden_state);
    entry["output"] = section(block.output);
    blocks.push_back(entry);
  }
  const json fields = {
      {"definition",
       "Magnitudes are the largest |x| of a channel over all tokens; top lists different "
       "channels. The hidden state of a block is the stream after it. A spike channel exceeds "
       "least_magnitude and least_ratio medians of |h| in some hidden state. A block is "
       "step-up when it raises the maximum M of a spike channel by at least step_share of M, "
       "where M exceeds least_magnitude and step_ratio medians; step-down likewise (arXiv "
       "2603.05498, figure 1; threshold: arXiv 2402.17762). An episode is a run of blocks "
       "after which M of some spike channel exceeds least_magnitude and step_ratio medians; "
       "the share of a step is its change of M over the largest M of its episode."},
      {"options",
       {{"least_magnitude", result.options.least_magnitude},
        {"least_ratio", result.options.least_ratio},
        {"step_share", result.options.step_share},
        {"step_ratio", result.options.step_ratio}}},
      {"embedding", section(result.embedding)},
      {"blocks", blocks},
      {"step_up", result.step_up},
      {"step_down", result.step_down},
      {"spike_channels", result.spike_channels},
      {"episodes", episodes(result)},
      {"steps", steps(result)},
      {"courses", courses(result)}};
  report.json["life_cycle"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const LifeCycleResult&);
}  // namespace spikesink
