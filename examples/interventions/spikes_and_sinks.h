#pragma once

#include <optional>
#include <vector>

#include "common/experiment.h"
#include "spikesink/spikesink.h"

namespace examples {

/// The spikes and sinks of the text, which the interventions act on.
struct SpikesAndSinks {
  std::optional<spikesink::Block> birth;         // the block that creates the largest spike
  std::vector<int64_t> channels;                 // massive channels
  std::vector<spikesink::HeadIndex> sink_heads;  // at key 0
  spikesink::MassiveActivationsResult massive;
  spikesink::MassiveOnsetResult first_massive;
};

/// Finds spikes and sinks in one pass over the text.
SpikesAndSinks find_spikes_and_sinks(Experiment& experiment,
                                     const spikesink::ProgressCallback& progress);

}  // namespace examples
