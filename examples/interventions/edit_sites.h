#pragma once

#include <optional>
#include <vector>

#include "interventions/json_object.h"
#include "interventions/spikes_and_sinks.h"

namespace examples {

// Where an edit acts, by its keys "channels", "layers", "tokens", "heads" and "blocks". Throw
// spikesink::FormatError, or NothingToEdit if the text lacks the spikes or sinks.

std::vector<int64_t> channels_of(const JsonObject& edit, const SpikesAndSinks& found);
/// None: all layers.
std::optional<std::vector<int64_t>> layers_of(const JsonObject& edit, const SpikesAndSinks& found);
spikesink::TokenChoice tokens_of(const JsonObject& edit);
/// None: all heads.
std::optional<std::vector<spikesink::HeadIndex>> heads_of(const JsonObject& edit,
                                                          const SpikesAndSinks& found);
/// None: all blocks.
std::optional<std::vector<spikesink::Block>> blocks_of(const JsonObject& edit,
                                                       const SpikesAndSinks& found);

}  // namespace examples
