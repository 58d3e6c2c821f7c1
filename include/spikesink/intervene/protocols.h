#pragma once

#include <vector>

#include "spikesink/intervene/compare_interventions.h"
#include "spikesink/measure/spikes/massive_onset.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The intervention of Sun et al. (arXiv 2402.17762): after one layer, where the spike is born, the
/// channels of the first token and of the one with the largest |h| are zeroed, or set to what
/// `calibration` says they are there on average. Two interventions: "massive-activations/zero" and
/// "massive-activations/mean".
std::vector<NamedIntervention> massive_activations_protocol(
    const MassiveActivationsResult& calibration, int64_t layer,
    const std::vector<int64_t>& channels);

/// The protocol that followed it (arXiv 2603.05498's code, `refine`): the tokens are those of each
/// window that are massive after its own first massive layer; they are changed after the first of
/// all these layers. "refine/zero", and "refine/mean-J" with the means of the calibration's windows
/// that are massive after layer J first, for each such J. Channels without a mean stay as they are.
/// `places`: of the text that goes through the model, whose first layers may be others'. None of
/// them when nothing is massive.
std::vector<NamedIntervention> refine_protocol(const MassiveOnsetResult& calibration,
                                               const SpikePositions& spike_positions,
                                               const std::vector<int64_t>& channels);

}  // namespace spikesink
