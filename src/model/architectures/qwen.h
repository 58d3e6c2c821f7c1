#pragma once

#include "model/architectures/config_reading.h"

namespace spikesink::detail {

/// Reads the experts of Qwen's mixtures, and which layers have them. `renormalized` is the default
/// of `norm_topk_prob`.
void read_qwen_experts(ConfigKeys& keys, ModelConfig& config, bool renormalized);

}  // namespace spikesink::detail
