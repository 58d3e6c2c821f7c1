#pragma once

#include <utility>
#include <vector>

#include "spikesink/measure/sinks/head_pictures.h"
#include "spikesink/measure/sinks/sink_geometry.h"
#include "spikesink/measure/sinks/sink_head_agreement.h"

namespace [[gnu::visibility("default")]] spikesink {

/// All results of the report section `sink_geometry`: the geometry of every head, how well the rule
/// of eq. 26 (arXiv 2603.05498) predicts the measured sink heads, and pictures of two heads.
struct SinkGeometrySummary {
  SinkGeometryResult result;
  std::vector<std::pair<QkDistance, SinkHeadAgreement>> agreements;
  std::vector<HeadPicture> pictures;
};

}  // namespace spikesink
