#include "interventions/spikes_and_sinks.h"

namespace examples {

SpikesAndSinks find_spikes_and_sinks(Experiment& experiment,
                                     const spikesink::ProgressCallback& progress) {
  spikesink::MassiveActivations massive;
  spikesink::MassiveOnset first_massive;
  spikesink::LifeCycle life;
  spikesink::AttentionSinks sinks;
  spikesink::run(experiment.model, experiment.batches, {&massive, &first_massive, &life, &sinks},
                 {.progress = progress});
  SpikesAndSinks found{.birth = life.result().spike_origin(),
                       .channels = massive.result().channels(),
                       .massive = massive.result(),
                       .first_massive = first_massive.result()};
  for (const auto& head : sinks.result().sink_heads())
    found.sink_heads.emplace_back(head.layer, head.head);
  return found;
}

}  // namespace examples
