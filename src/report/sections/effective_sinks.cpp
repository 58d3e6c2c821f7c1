#include "spikesink/measure/sinks/effective_sinks.h"

#include <algorithm>

#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {

void add_section(const EffectiveSinksResult& result, ReportDocument& report) {
  const bool gated = std::ranges::any_of(
      result.heads, [](const auto& head) { return head.gate < 1 || head.gate_at_sinks < 1; });
  json heads = json::array();
  for (const auto& head : result.heads) {
    json entry = {{"layer", head.layer},
                  {"head", head.head},
                  {"attention", number(head.attention)},
                  {"output_share", number(head.output_share)}};
    if (gated) {
      entry["gate"] = number(head.gate);
      entry["gate_at_sinks"] = number(head.gate_at_sinks);
    }
    heads.push_back(std::move(entry));
  }
  const json fields = {
      {"definition",
       "Over the tokens that are not sinks: attention, the mean attention to the sinks; "
       "output_share, the share of the head's output that comes from them, sum o' . o / sum |o|^2 "
       "with o = g sum_k A_k v_k after the gate g and o' the part of the sinks (over all keys "
       "these "
       "shares add up to 1); gate, the mean factor g, and gate_at_sinks, that of the sinks' own "
       "queries (in models with gates)."},
      {"options", {{"positions", result.options.sinks.positions}}},
      {"queries", result.queries},
      {"sinks", result.sinks},
      {"heads", heads}};
  report.json["effective_sinks"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const EffectiveSinksResult&);
}  // namespace spikesink
