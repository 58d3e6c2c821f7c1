#pragma once

#include "spikesink/intervene/norm_placement.h"

namespace spikesink::detail {

/// Where a model keeps the norm of a site; the identity where it has none.
Norm& norm_at(Transformer& model, Block block, NormSite site);

/// The name of its hook points without the last part: "blocks.0.ln1", "ln_final", ...
std::string norm_name(const ModelConfig& config, Block block, NormSite site);

/// The hook point of what a norm at this site reads, or would.
std::string norm_input(const Transformer& model, Block block, NormSite site);

}  // namespace spikesink::detail
