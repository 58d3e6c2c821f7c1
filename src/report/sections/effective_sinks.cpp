#include "spikesink/measure/sinks/effective_sinks.h"

#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {

void add_section(const EffectiveSinksResult& result, ReportDocument& report) {
  json heads = json::array();
  for (const auto& head : result.heads) {
    heads.push_back({{"layer", head.layer},
                     {"head", head.head},
                     {"attention", number(head.attention)},
                     {"output_share", number(head.output_share)},
                     {"gate", number(head.gate)},
                     {"gate_at_sinks", number(head.gate_at_sinks)}});
  }
  const json fields = {
      {"definition",
       "Over the tokens that are not sinks: attention, the mean attention to the sinks; "
       "output_share, the share of the head's output that comes from them, sum o' . o / sum |o|^2 "
       "with o = g sum_k A_k v_k after the gate g and o' the part of the sinks (over all keys "
       "these "
       "shares add up to 1); gate, the mean factor g, and gate_at_sinks, that of the sinks' own "
       "queries (1 without a gate)."},
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
