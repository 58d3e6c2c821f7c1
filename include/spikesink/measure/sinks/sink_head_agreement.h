#pragma once

#include <vector>

#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/sinks/sink_geometry.h"

namespace [[gnu::visibility("default")]] spikesink {

/// How well geometry finds the heads that are sinks by their attention. The rule asks for a sign,
/// which most heads of a model with many sink heads share: hold its precision against the base
/// rate. The two areas ask for an order: how often a measured sink head exceeds a head that is none
/// (the area under the ROC curve, ties half), 0.5 by chance; NaN when there is none of either.
struct SinkHeadAgreement {
  int64_t heads = 0;     // of all
  int64_t named = 0;     // by the rule
  int64_t measured = 0;  // a key's importance > epsilon, mean over sequences
                         // (SinkDefinition::kMeanFirst)
  int64_t both = 0;
  double area_by_margin = 0;     // of HeadGeometry::margin
  double area_by_logit_gap = 0;  // of HeadGeometry::logit_gap

  double precision() const;  // both / named; NaN when none is named
  double recall() const;     // both / measured; NaN when none is measured
  double base_rate() const;  // measured / heads
};

/// `keys` are the watched positions of `sinks` whose importance counts: where geometry takes tokens
/// at several positions for sinks, all of them. Throws std::invalid_argument when the two do not
/// speak of the same heads.
SinkHeadAgreement sink_head_agreement(const SinkGeometryResult& geometry,
                                      const AttentionSinksResult& sinks,
                                      QkDistance distance = QkDistance::kEuclidean,
                                      const std::vector<int64_t>& keys = {0});

}  // namespace spikesink
