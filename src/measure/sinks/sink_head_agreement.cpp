#include "spikesink/measure/sinks/sink_head_agreement.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>

#include "detail/fail.h"
#include "measure/sinks/roc_area.h"

namespace spikesink {
namespace {

double ratio(double count, int64_t total) {
  return total == 0 ? std::numeric_limits<double>::quiet_NaN() : count / static_cast<double>(total);
}

}  // namespace

double SinkHeadAgreement::precision() const {
  return ratio(static_cast<double>(both), named);
}

double SinkHeadAgreement::recall() const {
  return ratio(static_cast<double>(both), measured);
}

double SinkHeadAgreement::base_rate() const {
  return ratio(static_cast<double>(measured), heads);
}

SinkHeadAgreement sink_head_agreement(const SinkGeometryResult& geometry,
                                      const AttentionSinksResult& sinks, QkDistance distance,
                                      const std::vector<int64_t>& keys) {
  std::map<std::pair<int64_t, int64_t>, bool>
      // (layer, head) -> whether it is a sink head
      measured;
  for (const auto& head : sinks.heads) {
    if (std::find(keys.begin(), keys.end(), head.key) == keys.end()) continue;
    auto& is_sink = measured[{head.layer, head.head}];
    is_sink = is_sink || head.importance > sinks.options.epsilon;
  }
  SinkHeadAgreement agreement;
  std::array<std::vector<double>, 2> margins, gaps;  // [0]: other heads, [1]: sink heads
  for (const auto& head : geometry.heads) {
    const auto found = measured.find({head.layer, head.head});
    if (found == measured.end()) break;
    const bool is_named = head.is_predicted_sink_head(distance), is_measured = found->second;
    ++agreement.heads;
    agreement.named += is_named;
    agreement.measured += is_measured;
    agreement.both += is_named && is_measured;
    margins[is_measured].push_back(head.margin(distance));
    gaps[is_measured].push_back(head.logit_gap);
  }
  if (measured.size() != geometry.heads.size() ||
      agreement.heads != static_cast<int64_t>(measured.size()))
    detail::fail_argument(
        "[sink_head_agreement] got {} heads in the geometry and {} heads in the attention sinks of "
        "keys {}, expected the same heads",
        geometry.heads.size(), measured.size(), keys);
  agreement.area_by_margin = detail::roc_area(margins[1], margins[0]);
  agreement.area_by_logit_gap = detail::roc_area(gaps[1], gaps[0]);
  return agreement;
}

}  // namespace spikesink
