#pragma once

#include <string>
#include <vector>

#include "common/experiment.h"
#include "spikesink/spikesink.h"

namespace examples {

/// What the interventions are made from: found in the text that they are tried on.
struct Targets {
  std::vector<int64_t> channels;                 // massive ones
  int64_t layer = -1;                            // after which they are edited; -1: none spikes
  spikesink::SetToMean means;                    // of the channels after it
  std::vector<spikesink::HeadPlace> sink_heads;  // at key 0
};

/// One pass over the text.
Targets find_targets(spikesink::Transformer& model, const spikesink::TokenBatches& batches,
                     const spikesink::Progress& progress);

/// The names of all interventions, in the order of the table, and what each does.
std::vector<std::pair<std::string, std::string>> intervention_names();

/// Those named. Without spikes or sink heads those that need some are left out, and `note` says so.
std::vector<spikesink::NamedIntervention> plan(const Targets& targets,
                                               const std::vector<std::string>& names,
                                               std::string& note);

}  // namespace examples
