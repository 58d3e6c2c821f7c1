#pragma once

#include "model/architectures/config_reading.h"
#include "model/gguf_keys.h"
#include "model/weight_names.h"

// Readers and names that DeepSeek and the families derived from it share.

namespace spikesink::detail {

/// Reads latent attention: the widths of heads and latents, RoPE, and the scale of the softmax.
/// `d_value` is the default, 0 for none.
void read_latent(ConfigKeys& keys, ModelConfig& config, int64_t d_value = 0);
/// Returns the tensor names of latent attention.
std::vector<WeightName> latent_attention();

/// Reads DeepSeek V3's experts: a sigmoid, a bias for the choice, groups, and shared experts, which
/// are one.
void read_sigmoid_experts(ConfigKeys& keys, ModelConfig& config);
/// The same for GGUF.
void read_gguf_sigmoid_experts(GgufKeys& keys, ModelConfig& config);
/// Returns the tensor names of DeepSeek's experts.
std::vector<WeightName> deepseek_experts();

}  // namespace spikesink::detail
