#pragma once

#include "spikesink/intervene/norm_placement.h"

namespace spikesink::detail {

/// Returns the model's norm at a site; the identity if the model has no norm there.
Norm& norm_at(Transformer& model, Block block, NormSite site);

/// Returns the common prefix of the names of the norm's hook points: "blocks.0.ln1", "ln_final",
/// ...
std::string norm_name(const ModelConfig& config, Block block, NormSite site);

/// Returns the hook point whose value is the input of a norm at this site, present or added.
std::string norm_input(const Transformer& model, Block block, NormSite site);

}  // namespace spikesink::detail
