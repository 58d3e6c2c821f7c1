#pragma once

#include <optional>
#include <vector>

#include "common/experiment.h"
#include "spikesink/spikesink.h"

namespace examples {

/// What the interventions act on, as found in the text.
struct SpikesAndSinks {
  std::optional<spikesink::Block> birth;         // the block that creates the largest spike
  std::vector<int64_t> channels;                 // the massive ones
  std::vector<spikesink::HeadIndex> sink_heads;  // at key 0
  spikesink::MassiveActivationsResult massive;
  spikesink::MassiveOnsetResult first_massive;
};

/// Finds them in one pass over the text.
SpikesAndSinks find_spikes_and_sinks(Experiment& experiment,
                                     const spikesink::ProgressCallback& progress);

}  // namespace examples
