#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Every hook point of the library, in the words of TransformerLens' classic scheme. Ours are
// `mlp.hook_act` (the activation's output alone), `attn.hook_lse` (the softmax's denominator, as a
// logarithm), `attn.hook_gate` (factors of a gate on the heads' outputs), `unembed.hook_out` (the
// logits), and `attn.hook_in`, `mlp.hook_in` and `unembed.hook_in` (what the first linear maps of
// each read: normed, scaled).
//
// B = sequences, T = query position, S = key position, H = heads, K = key/value heads.

namespace [[gnu::visibility("default")]] spikesink {
namespace hook_names {

// The token embedding, [B, T, d_embedding]; the learned positions and the token type, where there
// are any, [B, T, d_model]; and the sum of them where it is normed, after its norm.
inline constexpr std::string_view kEmbed = "hook_embed";
inline constexpr std::string_view kPosEmbed = "hook_pos_embed";
inline constexpr std::string_view kTokenTypeEmbed = "hook_token_type_embed";
inline constexpr std::string_view kFullEmbed = "hook_full_embed";

// The unembedding, where there is one.
inline constexpr std::string_view kUnembedIn = "unembed.hook_in";    // [B, T, d_embedding]
inline constexpr std::string_view kUnembedOut = "unembed.hook_out";  // [B, T, d_vocabulary]

// Within a block: "blocks.N." + one of these.
inline constexpr std::string_view kResidPre = "hook_resid_pre";  // [B, T, d_model]
inline constexpr std::string_view kAttnOut =
    "hook_attn_out";  // [B, T, d_model], what is added to the stream
inline constexpr std::string_view kResidMid = "hook_resid_mid";  // [B, T, d_model]
inline constexpr std::string_view kMlpOut =
    "hook_mlp_out";  // [B, T, d_model], what is added to the stream
inline constexpr std::string_view kResidPost = "hook_resid_post";  // [B, T, d_model]
inline constexpr std::string_view kAttentionIn = "attn.hook_in";   // [B, T, d_model], q, k, v
inline constexpr std::string_view kQ = "attn.hook_q";              // [B, T, H, d_head], before RoPE
inline constexpr std::string_view kK = "attn.hook_k";              // [B, T, K, d_head], before RoPE
inline constexpr std::string_view kV = "attn.hook_v";              // [B, T, K, d_head]
inline constexpr std::string_view kRotQ =
    "attn.hook_rot_q";  // [B, T, H, d_head], as it enters the dot product
inline constexpr std::string_view kRotK =
    "attn.hook_rot_k";  // [B, S, K, d_head], as it enters the dot product
inline constexpr std::string_view kScores =
    "attn.hook_attn_scores";  // [B, H, T, S], scaled and masked: has -inf
inline constexpr std::string_view kLse =
    "attn.hook_lse";  // [B, H, T], log of the softmax's denominator
inline constexpr std::string_view kPattern = "attn.hook_pattern";  // [B, H, T, S]
inline constexpr std::string_view kGate =
    "attn.hook_gate";  // [B, T, H or 1, d_head or 1], what heads are multiplied with; gated only
inline constexpr std::string_view kZ = "attn.hook_z";  // [B, T, H, d_head], gated

// Post-norm models alone: the sums above after their norm, which the next block reads.
inline constexpr std::string_view kNormalizedResidMid = "hook_normalized_resid_mid";
inline constexpr std::string_view kNormalizedResidPost = "hook_normalized_resid_post";

// Within a feed-forward ("blocks.N.mlp.", "blocks.N.mlp.experts.E.", "blocks.N.mlp.shared.").
inline constexpr std::string_view kMlpIn = "hook_in";    // [B, T, d_model], what gate and up read
inline constexpr std::string_view kMlpPre = "hook_pre";  // [B, T, d_mlp], before the activation
inline constexpr std::string_view kMlpPreLinear =
    "hook_pre_linear";                                     // [B, T, d_mlp], up; gated only
inline constexpr std::string_view kMlpAct = "hook_act";    // [B, T, d_mlp], activated; gated only
inline constexpr std::string_view kMlpPost = "hook_post";  // [B, T, d_mlp], what `down` reads

// Within a mixture of experts ("blocks.N.mlp."), which has `hook_in` too: what the router reads.
inline constexpr std::string_view kExpertWeights = "hook_expert_weights";  // [B, T, chosen]
inline constexpr std::string_view kExpertIndices = "hook_expert_indices";  // [B, T, chosen] int64

// Within a norm ("blocks.N.{ln1,ln1_post,ln2,ln2_post}.", "blocks.N.attn.{q_norm,k_norm}.",
// "embed.ln.", "mlm_head.ln.", "ln_final.").
inline constexpr std::string_view kScale = "hook_scale";  // [B, T, 1], what the norm divides by
inline constexpr std::string_view kNormalized =
    "hook_normalized";  // [B, T, d_model], before the learned scale

/// "blocks.<layer>.<point>".
std::string layer_hook_name(int64_t layer, std::string_view point);

}  // namespace hook_names
}  // namespace spikesink
