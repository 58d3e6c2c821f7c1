#pragma once

#include "detail/fail.h"
#include "spikesink/model/model_config.h"

namespace spikesink::detail {

/// Throws std::invalid_argument, whose message starts with [`by`], if the layer has another mixer.
inline void require_attention(std::string_view by, const ModelConfig& config, int64_t layer) {
  const auto mixer = config.layer(layer).mixer;
  if (mixer == MixerKind::kAttention) return;
  fail_argument("[{}] layer: got {}, which has a {}, expected one with attention: {}", by, layer,
                to_string(mixer), fmt::join(config.attention_layers(), ", "));
}

}  // namespace spikesink::detail
