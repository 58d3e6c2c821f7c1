#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// All hook points, named as in TransformerLens (classic names). Hook points that TransformerLens
// does not have:
//
//   mlp.hook_act      output of the activation function
//   attn.hook_lse     logarithm of the softmax denominator
//   attn.hook_gate    factors of a gate on the head outputs
//   attn.hook_in, mlp.hook_in, unembed.hook_in
//                     input of the first linear maps, after norm and scaling
//   unembed.hook_out  logits
//
// B = sequences, T = query position, S = key position, H = heads, K = key/value heads.

namespace [[gnu::visibility("default")]] spikesink {
namespace hook_names {

// The token embedding, [B, T, d_embedding]; learned positions and token types, if the model has
// them, [B, T, d_model]; and, if the embedding has a norm, their sum after that norm.
inline constexpr std::string_view kEmbed = "hook_embed";
inline constexpr std::string_view kPosEmbed = "hook_pos_embed";
inline constexpr std::string_view kTokenTypeEmbed = "hook_token_type_embed";
inline constexpr std::string_view kFullEmbed = "hook_full_embed";

// The unembedding, if the model has one.
inline constexpr std::string_view kUnembedIn = "unembed.hook_in";    // [B, T, d_embedding]
inline constexpr std::string_view kUnembedOut = "unembed.hook_out";  // [B, T, d_vocabulary]

// In a layer: "blocks.N." + one of these. The residual stream, [B, T, d_model], before attention,
// between attention and feed-forward, and after feed-forward.
inline constexpr std::string_view kResidPre = "hook_resid_pre";
inline constexpr std::string_view kResidMid = "hook_resid_mid";
inline constexpr std::string_view kResidPost = "hook_resid_post";
// The block outputs that are added to the stream, [B, T, d_model].
inline constexpr std::string_view kAttnOut = "hook_attn_out";
inline constexpr std::string_view kMlpOut = "hook_mlp_out";

// Input of the query, key and value projections, [B, T, d_model].
inline constexpr std::string_view kAttentionIn = "attn.hook_in";
// Before RoPE: [B, T, H, d_head], [B, T, K, d_head], [B, T, K, d_head].
inline constexpr std::string_view kQ = "attn.hook_q";
inline constexpr std::string_view kK = "attn.hook_k";
inline constexpr std::string_view kV = "attn.hook_v";
// The factors of the dot product, after RoPE: [B, T, H, d_head] and [B, S, K, d_head].
inline constexpr std::string_view kRotQ = "attn.hook_rot_q";
inline constexpr std::string_view kRotK = "attn.hook_rot_k";
// Scaled and masked scores, [B, H, T, S]; -inf where masked.
inline constexpr std::string_view kScores = "attn.hook_attn_scores";
// Logarithm of the softmax denominator, [B, H, T].
inline constexpr std::string_view kLse = "attn.hook_lse";
// Attention weights, [B, H, T, S].
inline constexpr std::string_view kPattern = "attn.hook_pattern";
// Factors that multiply the head outputs, [B, T, H or 1, d_head or 1]; gated attention only.
inline constexpr std::string_view kGate = "attn.hook_gate";
// Head outputs after the gate, [B, T, H, d_head].
inline constexpr std::string_view kZ = "attn.hook_z";

// Post-norm models only: the residual sums above after their norm, the input of the next block.
inline constexpr std::string_view kNormalizedResidMid = "hook_normalized_resid_mid";
inline constexpr std::string_view kNormalizedResidPost = "hook_normalized_resid_post";

// In a feed-forward ("blocks.N.mlp.", "blocks.N.mlp.experts.E.", "blocks.N.mlp.shared.").
// Input of the gate and up projections, [B, T, d_model].
inline constexpr std::string_view kMlpIn = "hook_in";
// Before the activation function, [B, T, d_mlp].
inline constexpr std::string_view kMlpPre = "hook_pre";
// Output of the up projection, [B, T, d_mlp]; gated only.
inline constexpr std::string_view kMlpPreLinear = "hook_pre_linear";
// Output of the activation function, [B, T, d_mlp]; gated only.
inline constexpr std::string_view kMlpAct = "hook_act";
// Input of the down projection, [B, T, d_mlp].
inline constexpr std::string_view kMlpPost = "hook_post";

// In a mixture of experts ("blocks.N.mlp."), which also has `hook_in`: the input of the router.
inline constexpr std::string_view kExpertWeights = "hook_expert_weights";  // [B, T, chosen]
inline constexpr std::string_view kExpertIndices = "hook_expert_indices";  // [B, T, chosen] int64

// In a norm ("blocks.N.{ln1,ln1_post,ln2,ln2_post}.", "blocks.N.attn.{q_norm,k_norm}.",
// "embed.ln.", "mlm_head.ln.", "ln_final.").
// The divisor of the norm, [B, T, 1].
inline constexpr std::string_view kScale = "hook_scale";
// Normalised values before the learned scale, [B, T, d_model].
inline constexpr std::string_view kNormalized = "hook_normalized";

/// Returns "blocks.<layer>.<point>".
std::string layer_hook_name(int64_t layer, std::string_view point);

}  // namespace hook_names
}  // namespace spikesink
