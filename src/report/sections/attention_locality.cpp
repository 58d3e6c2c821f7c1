#include "spikesink/measure/sinks/attention_locality.h"

#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {
namespace {

json numbers(const std::vector<double>& values) {
  json list = json::array();
  for (const double value : values) list.push_back(number(value));
  return list;
}

json section(const KeySetLocality& keys) {
  const auto& [measured, even] = keys;
  return {{"attention", number(measured.attention)},
          {"mean_distance", number(measured.mean_distance)},
          {"within", numbers(measured.within)},
          {"even_mean_distance", number(even.mean_distance)},
          {"even_within", numbers(even.within)}};
}

json section(const HeadLocality& head) {
  return {{"layer", head.layer},
          {"head", head.head},
          {"share_of_sequences", number(head.share_of_sequences)},
          {"sink_head", head.is_sink_head},
          {"without_sinks", section(head.without_sinks)},
          {"without_common_sinks", section(head.without_common_sinks)}};
}

json section(const HeadGroupLocality& group) {
  auto entry = section(group.mean);
  entry["heads"] = group.heads;
  return entry;
}

json section(const LocalityComparison& comparison) {
  return {{"sink_heads", section(comparison.sink_heads)},
          {"other_heads", section(comparison.other_heads)},
          {"area", number(comparison.area)}};
}

json section(const LocalityComparisons& comparisons) {
  return {{"without_sinks", section(comparisons.without_sinks)},
          {"without_common_sinks", section(comparisons.without_common_sinks)}};
}

}  // namespace

void add_section(const AttentionLocalityResult& result, ReportDocument& report) {
  json layers = json::array(), heads = json::array();
  for (const auto& [layer, comparisons] : result.layers) {
    auto entry = section(comparisons);
    entry["layer"] = layer;
    layers.push_back(entry);
  }
  for (const auto& head : result.heads) heads.push_back(section(head));
  const auto& options = result.options;
  const json fields = {
      {"definition",
       "Of the attention that a head pays to keys other than its sinks (as in sinks_anywhere): the "
       "mean distance |i - k| in tokens and the share with |i - k| < w for each of the windows w; "
       "ratios of sums over queries and sequences. even: the same if each query gave every visible "
       "key 1 / (number of visible keys). A sink head has a sink in least_share_of_sequences or "
       "more. without_common_sinks: every head also without the common sinks. area: the chance "
       "that a sink head's mean distance is smaller than another head's."},
      {"options",
       {{"epsilon", options.epsilon},
        {"least_queries", options.least_queries},
        {"windows", options.windows},
        {"least_share_of_sequences", options.least_share_of_sequences},
        {"common_sinks", options.common_sinks.positions}}},
      {"sequences", result.sequences},
      {"all", section(result.all)},
      {"layers", layers},
      {"heads", heads}};
  report.json["attention_locality"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const AttentionLocalityResult&);
}  // namespace spikesink
