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
//   attn.hook_q_latent, attn.hook_kv_latent
//                     the latent vectors of latent attention
//   attn.hook_in, mlp.hook_in, unembed.hook_in
//                     input of the first linear maps: q, k and v; gate and up; the unembedding
//   unembed.hook_out  logits
//
// B = sequences, T = query position, S = key position, H = heads, K = key/value heads.

namespace [[gnu::visibility("default")]] spikesink {
namespace hook_names {

// The token embedding; learned positions and token types, if the model has them; and, if the
// embedding has a norm, their sum after that norm.
//
// [B, T, d_embedding], of the token
inline constexpr std::string_view kEmbed = "hook_embed";
// [B, T, d_model], of the position
inline constexpr std::string_view kPosEmbed = "hook_pos_embed";
// [B, T, d_model], of the token type
inline constexpr std::string_view kTokenTypeEmbed = "hook_token_type_embed";
// [B, T, d_model], the sum, normed
inline constexpr std::string_view kFullEmbed = "hook_full_embed";

// The unembedding, if the model has one.
//
// [B, T, d_embedding], its input
inline constexpr std::string_view kUnembedIn = "unembed.hook_in";
// [B, T, d_vocabulary], the logits
inline constexpr std::string_view kUnembedOut = "unembed.hook_out";

// In a layer: "blocks.N." + one of these. The residual stream and what is added to it.
//
// [B, T, d_model], the residual stream before attention
inline constexpr std::string_view kResidPre = "hook_resid_pre";
// [B, T, d_model], output of attention (or another mixer), which is added to the residual stream
inline constexpr std::string_view kAttnOut = "hook_attn_out";
// [B, T, d_model], the residual stream between attention and feed-forward
inline constexpr std::string_view kResidMid = "hook_resid_mid";
// [B, T, d_model], output of the feed-forward, which is added to the residual stream
inline constexpr std::string_view kMlpOut = "hook_mlp_out";
// [B, T, d_model], the residual stream after the feed-forward
inline constexpr std::string_view kResidPost = "hook_resid_post";

// In the attention of a layer ("blocks.N.").
//
// [B, T, d_model], input of the query, key and value projections
inline constexpr std::string_view kAttentionIn = "attn.hook_in";
// [B, T, q_rank], latent of the queries, after its norm; latent attention only
inline constexpr std::string_view kQLatent = "attn.hook_q_latent";
// [B, T, kv_rank], latent of keys and values, after its norm; latent attention only
inline constexpr std::string_view kKvLatent = "attn.hook_kv_latent";
// [B, T, H, d_head], queries before RoPE
inline constexpr std::string_view kQ = "attn.hook_q";
// [B, T, K, d_head], keys before RoPE
inline constexpr std::string_view kK = "attn.hook_k";
// [B, T, K, d_value], values
inline constexpr std::string_view kV = "attn.hook_v";
// [B, T, H, d_head], queries of the dot product, after RoPE
inline constexpr std::string_view kRotQ = "attn.hook_rot_q";
// [B, S, K, d_head], keys of the dot product, after RoPE
inline constexpr std::string_view kRotK = "attn.hook_rot_k";
// [B, H, T, S], scaled and masked scores; -inf where masked
inline constexpr std::string_view kScores = "attn.hook_attn_scores";
// [B, H, T], logarithm of the softmax denominator
inline constexpr std::string_view kLse = "attn.hook_lse";
// [B, H, T, S], attention weights
inline constexpr std::string_view kPattern = "attn.hook_pattern";
// [B, T, H, d_value], factors of the head outputs; gated attention only
inline constexpr std::string_view kGate = "attn.hook_gate";
// [B, T, H, d_value], head outputs after the gate
inline constexpr std::string_view kZ = "attn.hook_z";

// In the gated DeltaNet of a layer without attention ("blocks.N.").
//
// [B, T, d_model], input of all projections
inline constexpr std::string_view kDeltaIn = "delta.hook_in";
// [B, T, key heads, key width], queries after convolution, SiLU and normalisation
inline constexpr std::string_view kDeltaQ = "delta.hook_q";
// [B, T, key heads, key width], keys, likewise
inline constexpr std::string_view kDeltaK = "delta.hook_k";
// [B, T, value heads, value width], values after convolution and SiLU
inline constexpr std::string_view kDeltaV = "delta.hook_v";
// [B, T, value heads], logarithm of the factor of the state, at most 0
inline constexpr std::string_view kDeltaDecay = "delta.hook_decay";
// [B, T, value heads], the share of the old value that the new one replaces
inline constexpr std::string_view kDeltaBeta = "delta.hook_beta";
// [B, T, value heads, value width], factors of the head outputs
inline constexpr std::string_view kDeltaGate = "delta.hook_gate";
// [B, T, value heads, value width], head outputs after the gate
inline constexpr std::string_view kDeltaZ = "delta.hook_z";

// Post-norm models only: norm(residual stream + block output), the input of the next block.
//
// [B, T, d_model], after attention
inline constexpr std::string_view kNormalizedResidMid = "hook_normalized_resid_mid";
// [B, T, d_model], after the feed-forward
inline constexpr std::string_view kNormalizedResidPost = "hook_normalized_resid_post";

// In a feed-forward ("blocks.N.mlp.", "blocks.N.mlp.experts.E.", "blocks.N.mlp.shared.").
//
// [B, T, d_model], input of the gate and up projections
inline constexpr std::string_view kMlpIn = "hook_in";
// [B, T, d_mlp], before the activation function
inline constexpr std::string_view kMlpPre = "hook_pre";
// [B, T, d_mlp], output of the up projection; gated only
inline constexpr std::string_view kMlpPreLinear = "hook_pre_linear";
// [B, T, d_mlp], output of the activation function; gated only
inline constexpr std::string_view kMlpAct = "hook_act";
// [B, T, d_mlp], input of the down projection
inline constexpr std::string_view kMlpPost = "hook_post";

// In a mixture of experts ("blocks.N.mlp."), which also has `hook_in`: the input of the router.
//
// [B, T, experts_per_token]
inline constexpr std::string_view kExpertWeights = "hook_expert_weights";
// [B, T, experts_per_token] int64
inline constexpr std::string_view kExpertIndices = "hook_expert_indices";

// In a norm ("blocks.N.{ln1,ln1_post,ln2,ln2_post}.", "blocks.N.attn.{q_norm,k_norm}.",
// "blocks.N.attn.{q_latent_norm,kv_latent_norm}.", "blocks.N.delta.norm.", "embed.ln.",
// "mlm_head.ln.", "ln_final.").
//
// [B, T, 1], the divisor of the norm
inline constexpr std::string_view kScale = "hook_scale";
// [B, T, d_model], before the learned scale
inline constexpr std::string_view kNormalized = "hook_normalized";

/// Returns "blocks.<layer>.<point>".
std::string layer_hook_name(int64_t layer, std::string_view point);

}  // namespace hook_names
}  // namespace spikesink
