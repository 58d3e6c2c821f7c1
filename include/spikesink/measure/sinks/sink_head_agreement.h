#pragma once

#include <vector>

#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/sinks/sink_geometry.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Compares the sink heads predicted by the geometry with the sink heads measured by attention.
/// `named` is the number of heads with margin > 0. If most heads are sink heads, compare the
/// precision with the base rate. The two areas are ROC AUCs: the probability that a random measured
/// sink head has a larger value than a random other head (ties count 1/2). 0.5 is chance; NaN if
/// all heads, or no heads, are sink heads.
struct SinkHeadAgreement {
  int64_t heads = 0;  // all heads
  int64_t named = 0;  // predicted by the rule
  /// Heads with mean importance > epsilon for at least one key (SinkDefinition::kMeanFirst).
  int64_t measured = 0;
  int64_t both = 0;
  double area_by_margin = 0;     // AUC of HeadGeometry::margin
  double area_by_logit_gap = 0;  // AUC of HeadGeometry::logit_gap

  double precision() const;  // both / named; NaN if `named` is 0
  double recall() const;     // both / measured; NaN if `measured` is 0
  double base_rate() const;  // measured / heads
};

/// Compares the two results. `keys`: key positions whose importance is used; they should equal the
/// sink positions of `geometry`. Throws std::invalid_argument if the two results have different
/// heads.
SinkHeadAgreement sink_head_agreement(const SinkGeometryResult& geometry,
                                      const AttentionSinksResult& sinks,
                                      QkDistance distance = QkDistance::kEuclidean,
                                      const std::vector<int64_t>& keys = {0});

}  // namespace spikesink
