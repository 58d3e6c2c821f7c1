#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Every hook point of the library, in the words of TransformerLens' classic scheme. Two points are
// ours: `mlp.hook_act` (the activation's output alone) and `attn.hook_lse` (the softmax's
// denominator, as a logarithm).
//
// B = sequences, T = query position, S = key position, H = heads, K = key/value heads.

namespace spikesink::hook_names {

inline constexpr std::string_view kEmbed = "hook_embed";                          // [B, T, d_model]
inline constexpr std::string_view kFinalNormalized = "ln_final.hook_normalized";  // [B, T, d_model]
inline constexpr std::string_view kUnembedIn = "unembed.hook_in";                 // [B, T, d_model]
inline constexpr std::string_view kUnembedOut = "unembed.hook_out";  // [B, T, d_vocabulary]

// Within a block: "blocks.N." + one of these.
inline constexpr std::string_view kResidPre = "hook_resid_pre";  // [B, T, d_model]
inline constexpr std::string_view kAttnOut =
    "hook_attn_out";  // [B, T, d_model], what is added to the stream
inline constexpr std::string_view kResidMid = "hook_resid_mid";  // [B, T, d_model]
inline constexpr std::string_view kMlpOut =
    "hook_mlp_out";  // [B, T, d_model], what is added to the stream
inline constexpr std::string_view kResidPost = "hook_resid_post";  // [B, T, d_model]
inline constexpr std::string_view kQ = "attn.hook_q";              // [B, T, H, d_head], before RoPE
inline constexpr std::string_view kK = "attn.hook_k";              // [B, T, K, d_head], before RoPE
inline constexpr std::string_view kV = "attn.hook_v";              // [B, T, K, d_head]
inline constexpr std::string_view kRotQ =
    "attn.hook_rot_q";  // [B, T, H, d_head], as it enters the dot product
inline constexpr std::string_view kRotK =
    "attn.hook_rot_k";  // [B, T, K, d_head], as it enters the dot product
inline constexpr std::string_view kScores =
    "attn.hook_attn_scores";  // [B, H, T, S], scaled and masked: has -inf
inline constexpr std::string_view kLse =
    "attn.hook_lse";  // [B, H, T], log of the softmax's denominator
inline constexpr std::string_view kPattern = "attn.hook_pattern";  // [B, H, T, S]
inline constexpr std::string_view kZ = "attn.hook_z";              // [B, T, H, d_head]
inline constexpr std::string_view kMlpPre =
    "mlp.hook_pre";  // [B, T, d_mlp], gate before the activation
inline constexpr std::string_view kMlpPreLinear = "mlp.hook_pre_linear";  // [B, T, d_mlp], up
inline constexpr std::string_view kMlpAct =
    "mlp.hook_act";  // [B, T, d_mlp], the activation's output
inline constexpr std::string_view kMlpPost = "mlp.hook_post";  // [B, T, d_mlp], activation times up

// Within a norm ("blocks.N.ln1.", "blocks.N.ln2.", "ln_final.").
inline constexpr std::string_view kScale = "hook_scale";  // [B, T, 1], what the norm divides by
inline constexpr std::string_view kNormalized =
    "hook_normalized";  // [B, T, d_model], before the learned scale

/// "blocks.<layer>.<point>".
std::string in_block(int64_t layer, std::string_view point);

}  // namespace spikesink::hook_names
