#pragma once

#include <vector>

#include "spikesink/intervene/compare_interventions.h"
#include "spikesink/measure/spikes/massive_onset.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Returns the two interventions of Sun et al. (arXiv 2402.17762): after the layer where the spike
/// first appears, the channels of the first token and of the token with the largest |h| are set to
/// zero ("massive-activations/zero") or to their mean in `calibration`
/// ("massive-activations/mean").
std::vector<NamedInterventions> massive_activations_protocol(
    const MassiveActivationsResult& calibration, int64_t layer,
    const std::vector<int64_t>& channels);

/// Returns the interventions of the later protocol (`refine` in the code of arXiv 2603.05498). In
/// each window, the edited tokens are those that are massive after the window's first massive
/// layer. All edits act after the first of these layers in the calibration. "refine/zero" sets the
/// channels to zero. "refine/mean-J", one for each first massive layer J of the calibration, sets
/// them to the mean over the calibration windows whose first massive layer is J; a channel without
/// a mean is unchanged. `spike_positions`: token positions in the text that runs; its first massive
/// layers may differ from those of the calibration. Returns an empty list if nothing is massive.
std::vector<NamedInterventions> onset_protocol(const MassiveOnsetResult& calibration,
                                               const SpikePositions& spike_positions,
                                               const std::vector<int64_t>& channels);

}  // namespace spikesink
