#pragma once

#include <optional>
#include <vector>

#include "interventions/json_object.h"
#include "interventions/spikes_and_sinks.h"

namespace examples {

// These functions read the sites of an edit: its keys "channels", "layers", "tokens", "heads" and
// "blocks". They throw spikesink::FileError, or NothingToEdit if the text has no spikes or sinks.

std::vector<int64_t> channels_of(const JsonObject& edit, const SpikesAndSinks& found);
/// Returns nullopt for all layers.
std::optional<std::vector<int64_t>> layers_of(const JsonObject& edit, const SpikesAndSinks& found);
spikesink::TokenSelector tokens_of(const JsonObject& edit);
/// Returns nullopt for all heads.
std::optional<std::vector<spikesink::HeadIndex>> heads_of(const JsonObject& edit,
                                                          const SpikesAndSinks& found);
/// Returns nullopt for all blocks.
std::optional<std::vector<spikesink::Block>> blocks_of(const JsonObject& edit,
                                                       const SpikesAndSinks& found);

}  // namespace examples
