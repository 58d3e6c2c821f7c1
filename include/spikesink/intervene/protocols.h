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

/// Returns the interventions of the code of arXiv 2603.05498 (there `refine`). The onset layer of a
/// sequence is its first layer with a massive activation (MassiveOnset).
/// - Edited tokens: `spike_positions`, from MassiveOnset on the text to be measured. In each
///   sequence these are the tokens that are massive after its onset layer.
/// - Edited layer: the smallest onset layer in the calibration, for all sequences.
/// - "refine/zero" sets the channels to zero. "refine/mean-J", one for each onset layer J in the
///   calibration, sets them to their mean over the calibration sequences with onset layer J. A
///   channel without a mean is unchanged.
///
/// Returns an empty list if no activation of the calibration is massive.
std::vector<NamedInterventions> onset_protocol(const MassiveOnsetResult& calibration,
                                               const SpikePositions& spike_positions,
                                               const std::vector<int64_t>& channels);

}  // namespace spikesink
