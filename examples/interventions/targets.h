#pragma once

#include "common/experiment.h"
#include "spikesink/spikesink.h"

namespace examples {

/// What interventions are made from: found in the text that they are tried on.
struct Targets {
  std::optional<spikesink::Block> birth;         // where the largest spike is born
  std::vector<int64_t> channels;                 // massive ones
  std::vector<spikesink::HeadPlace> sink_heads;  // at key 0
  spikesink::MassiveActivationsResult massive;
  spikesink::FirstMassiveResult first;
};

/// One pass over the text.
Targets find_targets(Experiment& experiment, const spikesink::Progress& progress);

}  // namespace examples
