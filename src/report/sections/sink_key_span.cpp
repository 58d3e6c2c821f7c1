#include "spikesink/measure/sinks/sink_key_span.h"

#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {
namespace {

json section(const KeysInSpan& keys) {
  return {{"share", mean_or_null(keys.share)},
          {"share_deviation", keys.share.standard_deviation()},
          {"effective_rank", number(keys.effective_rank)}};
}

json section(const HeadKeySpan& head) {
  return {{"layer", head.layer},
          {"key_head", head.key_head},
          {"rank", head.rank},
          {"random_share", number(head.random_share)},
          {"sinks", section(head.sinks)},
          {"others", section(head.others)},
          {"query_rank", number(head.query_rank)}};
}

}  // namespace

void add_section(const SinkKeySpanResult& result, ReportDocument& report) {
  json heads = json::array();
  for (const auto& head : result.heads) heads.push_back(section(head));
  const json fields = {
      {"definition",
       "Of keys before QK-norm and RoPE, without bias: the share of ||k||^2 in the span of the "
       "rows of W_K (with the norm's learned scale) at the spike channels (arXiv 2603.05498, eq. "
       "26), mean over keys. rank: dimension of the span; random_share: rank / d_head. "
       "effective_rank: exp of the entropy of the eigenvalues of the keys' second moment; "
       "query_rank: of the other tokens' queries, mean over the query heads of a key head."},
      {"options",
       {{"channels", result.options.channels}, {"positions", result.options.sinks.positions}}},
      {"sink_keys", result.sink_keys},
      {"other_keys", result.other_keys},
      {"heads", heads}};
  report.json["sink_key_span"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const SinkKeySpanResult&);
}  // namespace spikesink
