#include "interventions/targets.h"

namespace examples {

Targets find_targets(Experiment& experiment, const spikesink::Progress& progress) {
  spikesink::MassiveActivations massive;
  spikesink::FirstMassive first;
  spikesink::LifeCycle life;
  spikesink::AttentionSinks sinks;
  spikesink::run(experiment.model, experiment.batches, {&massive, &first, &life, &sinks}, progress);
  Targets targets{.birth = life.result().birth(),
                  .channels = massive.result().channels(),
                  .massive = massive.result(),
                  .first = first.result()};
  for (const auto& head : sinks.result().sink_heads())
    targets.sink_heads.emplace_back(head.layer, head.head);
  return targets;
}

}  // namespace examples
