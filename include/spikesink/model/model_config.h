#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "spikesink/model/rope_config.h"

namespace [[gnu::visibility("default")]] spikesink {

enum class Activation {
  kSilu,
  kGelu,       // exact, with the error function
  kGeluTanh,   // approximated with tanh
  kQuickGelu,  // x * sigmoid(sigmoid_slope x)
  kRelu,
  kReluSquared,  // max(x, 0)^2
  kXielu,        // learned parameters in each layer (arXiv 2411.13010)
};

struct ActivationConfig {
  Activation kind = Activation::kSilu;
  double sigmoid_slope = 1.702;  // for kQuickGelu
};

enum class NormKind {
  kNone,          // the identity
  kRmsNorm,       // x / sqrt(mean(x^2) + epsilon)
  kLayerNorm,     // the same for x - mean(x)
  kDynamicTanh,   // tanh(alpha x), alpha learned (arXiv 2503.10622)
  kFixedDivisor,  // alpha x: divides by the same number for all tokens
};

struct NormConfig {
  NormKind kind = NormKind::kRmsNorm;
  double epsilon = 1e-5;          // added to the mean square under the root
  bool centred = false;           // kFixedDivisor: applied to x - mean(x)
  bool has_scale = true;          // has a learned scale
  bool scale_plus_one = false;    // the scale is stored minus one (Gemma)
  bool has_bias = false;          // has a learned bias
  bool scale_in_float32 = false;  // the scale is applied before rounding to the activations' dtype
};

/// Where a block F has its norms.
enum class NormPlacement {
  kPre,       // x + F(norm(x))
  kPost,      // norm(x + F(x))
  kSandwich,  // x + norm(F(norm(x)))
  kOutput,    // x + norm(F(x))
};

/// Which of the three norms a block has.
struct NormFlags {
  bool input, output, sum;  // x' = sum(x + output(F(input(x))))
};
/// Returns the norms of a block with this placement.
NormFlags norm_flags(NormPlacement placement);

/// Whether a layer's two blocks run in sequence or in parallel on the same input.
enum class ResidualForm {
  kSequential,
  kParallelSharedNorm,  // x + attention(ln1(x)) + feed_forward(ln1(x))
  kParallelOwnNorms,    // x + attention(ln1(x)) + feed_forward(ln2(x))
};

/// How a layer's first block mixes tokens.
enum class MixerKind {
  kAttention,
  kGatedDeltaNet,  // a recurrence with a matrix as its state (arXiv 2412.06464)
};

/// The kind of a layer's second block.
enum class FeedForwardKind {
  kMlp,     // two or three matrices with an activation between them, or experts
  kLinear,  // one matrix
  kNone,    // the layer has attention only
};

/// How scores s become attention weights, over the keys that a query sees.
enum class AttentionForm {
  kSoftmax,         // e^s / sum e^s
  kSoftmaxPlusOne,  // e^s / (1 + sum e^s)
  kSigmoid,         // 1 / (1 + e^-s), not normalised (Gu et al., arXiv 2410.10781)
  kSoftpick,        // max(e^s - 1, 0) / sum |e^s - 1| (arXiv 2504.20966)
};

/// An attention gate multiplies the head outputs by factors sigmoid(x), between 0 and 1 (table 7 of
/// arXiv 2603.05498; arXiv 2505.06708). This enum selects x.
enum class GateInput {
  kNone,
  kHidden,     // a linear map of the attention block's input
  kConstant,   // learned parameters, the same for all tokens
  kPosition,   // learned parameters for each position
  kEmbedding,  // a linear map of the token's embedding
};
/// What each factor of the gate multiplies.
enum class GateWidth {
  kChannel,  // one channel of one head
  kHead,     // one head
  kToken,    // all heads of one token
};
struct GateConfig {
  GateInput input = GateInput::kNone;
  GateWidth width = GateWidth::kHead;
};

/// How queries and keys are normalised.
enum class QkNorm {
  kNone,
  kPerHead,       // each head; all heads share one scale
  kPerHeadScale,  // each head, with its own scale
  kWhole,         // all heads together
};

/// The query at position p is multiplied by 1 + growth log(1 + floor(p / interval)).
struct QueryScale {
  double growth = 0;     // 0: no scale
  int64_t interval = 0;  // in tokens
};

/// The output head of the model.
enum class OutputHead {
  kNone,      // the model returns hidden states
  kLinear,    // an unembedding
  kMaskedLm,  // dense, activation and norm before the unembedding (BERT)
};

/// Linear biases that grow with the distance between query and key (arXiv 2108.12409).
enum class Alibi {
  kNone,
  kExact,
  kFalcon,  // rounded to bfloat16, and scaled like the dot products
};

/// How the router's logits become the experts' scores, which are the weights of the chosen experts.
enum class RouterScore {
  kSoftmax,        // softmax over all experts
  kChosenSoftmax,  // softmax over the chosen experts
  kSigmoid,        // 1 / (1 + e^-logit)
  /// Of each choice a softmax over the remaining experts with a logit near the largest
  /// (SparseMixer, arXiv 2409.12136).
  kSparseMixer,
};

/// The score of a group of experts.
enum class GroupScore {
  kBestTwo,  // the sum of its two best scores
  kBest,     // its best score
};

/// Short names for reports: "rms", "pre", "parallel, own norms", ...
const char* to_string(NormKind kind);
const char* to_string(NormPlacement placement);
const char* to_string(ResidualForm form);
const char* to_string(MixerKind kind);
const char* to_string(FeedForwardKind kind);
const char* to_string(AttentionForm form);
const char* to_string(GateInput input);
const char* to_string(GateWidth width);
const char* to_string(QkNorm norm);
const char* to_string(Activation activation);
const char* to_string(OutputHead head);
const char* to_string(Alibi alibi);
const char* to_string(RouterScore score);
const char* to_string(GroupScore score);

/// A mixture of experts, which replaces the feed-forward.
struct ExpertsConfig {
  int64_t count = 0;              // number of experts; 0: no mixture of experts
  int64_t experts_per_token = 0;  // number of experts per token
  int64_t d_mlp = 0;              // width of an expert's inner layer
  int64_t d_shared = 0;      // width of the shared expert, which processes every token; 0: none
  bool shared_gate = true;   // the shared expert has a weight, the sigmoid of a linear map
  bool router_bias = false;  // the router's logits have a bias
  RouterScore score = RouterScore::kSoftmax;
  /// kSparseMixer: logits that are further below the largest, as a share of the larger magnitude of
  /// the two, do not count.
  double mixer_range = 0;
  bool choice_bias = false;      // the choice has a bias for each expert; the weights do not
  int64_t groups = 1;            // the experts form this number of groups of equal size
  int64_t groups_per_token = 1;  // experts are chosen from this number of groups, the best
  GroupScore group_score = GroupScore::kBestTwo;
  bool renormalized = true;  // the weights of the chosen experts are divided by their sum
  double least_sum = 0;      // a smaller sum counts as this
  double weight_scale = 1;   // multiplies the weights of the chosen experts
};

/// Latent attention (arXiv 2405.04434): keys and values are linear maps of a narrow latent vector.
/// All heads share the dimensions of the keys that have RoPE.
struct LatentConfig {
  int64_t kv_rank = 0;  // width of the latent of keys and values; 0: no latent attention
  int64_t q_rank = 0;   // width of the latent of queries; 0: queries are maps of the block's input
  int64_t d_rope = 0;   // number of a head's first dimensions that have RoPE
  NormConfig norm;      // of the latents
  bool adjacent_pairs = false;  // in the file RoPE's pairs are adjacent rows
};

/// The layers with MixerKind::kGatedDeltaNet.
struct DeltaNetConfig {
  int64_t n_key_heads = 0;
  int64_t n_value_heads = 0;  // a multiple of n_key_heads
  int64_t d_key = 0;          // width of a key head, which is also that of a query head
  int64_t d_value = 0;        // width of a value head
  int64_t kernel = 4;         // tokens that the convolution of queries, keys and values sees
};

/// Options that can differ between layers.
struct LayerConfig {
  MixerKind mixer = MixerKind::kAttention;
  int64_t window = 0;  // sliding window: number of visible keys, including the query's own; 0: all
  int64_t rope = 0;    // index into ModelConfig::ropes; kNoRope: no RoPE
  bool has_experts = false;

  static constexpr int64_t kNoRope = -1;
};

/// The configuration of a transformer. Every architecture variant is a field; there is one forward
/// pass.
struct ModelConfig {
  std::string model_type;  // "llama", ...
  /// Keys of the file's configuration that were ignored ("text_config.key", "llama.key"): in
  /// transformers, for GGUF in llama.cpp, they do not change this model either, or
  /// LoadOptions::ignored_keys names them. With "tie_word_embeddings" the file has an unembedding
  /// of its own.
  std::vector<std::string> ignored_keys;
  /// Tensors of the file that the model does not use: those of a known extra head, or
  /// LoadOptions::ignored_tensors names them.
  std::vector<std::string> ignored_tensors;
  /// How the file's weights are quantised ("gptq, 4 bits, groups of 128"); empty: they are not.
  std::string quantisation;
  /// Static scales of quantised activations, by their tensor's name. The model does not use them.
  std::map<std::string, double> activation_scales;

  // Sizes.
  int64_t n_layers = 0;             // a layer is two blocks: see Block
  int64_t d_model = 0;              // width of the residual stream
  int64_t d_mlp = 0;                // width of a dense feed-forward's inner layer
  int64_t d_vocabulary = 0;         // rows of the embedding
  int64_t context = 0;              // longest sequence, in tokens
  std::vector<LayerConfig> layers;  // one per layer; or empty: all have LayerConfig's defaults

  // Embedding.
  int64_t d_embedding = 0;  // width of the token embedding; 0: d_model; another width is projected
  /// Multiplies the token embeddings. The multiplier is first rounded to the dtype of the weights.
  double embedding_multiplier = 1.0;
  bool learned_positions = false;  // adds rows of a table of `context + position_offset` rows
  int64_t position_offset = 0;     // row of the first position
  /// Id of the padding token. Padding tokens are not counted in positions (RoBERTa). -1: none.
  int64_t padding_id = -1;
  int64_t n_token_types = 0;  // rows of the token type table; row 0 is added to every token
  NormConfig embedding_norm = {.kind = NormKind::kNone};

  // Residual stream.
  NormConfig norm;
  NormPlacement norm_placement = NormPlacement::kPre;
  ResidualForm residual = ResidualForm::kSequential;
  double residual_multiplier = 1.0;  // multiplies the output of each block

  // Attention.
  int64_t n_heads = 0;  // query heads
  /// Key/value heads; n_heads is a multiple of it. Fewer than n_heads: grouped-query attention.
  int64_t n_key_value_heads = 0;
  int64_t d_head = 0;   // width of a head; n_heads * d_head need not be d_model
  int64_t d_value = 0;  // width of a head's values; 0: d_head
  LatentConfig latent;
  bool causal = true;
  bool qkv_bias = false;  // with latent attention: of the maps of the block's input to latents
  bool attention_output_bias = false;
  double attention_scale = 0;    // multiplies dot products; 0: 1 / sqrt(d_head)
  bool scale_by_layer = false;   // dot products are also divided by 1 + layer (GPT-2)
  double attention_softcap = 0;  // scores s become cap * tanh(s / cap); 0: none
  double qkv_clip = 0;           // queries, keys and values are clamped to +- this; 0: none
  AttentionForm attention_form = AttentionForm::kSoftmax;
  GateConfig gate;
  // Each key/value head has a learned key and value that every query sees (Sun et al., arXiv
  // 2402.17762).
  bool learned_key_value = false;
  bool sink_logits = false;  // each head has a learned logit in the softmax denominator
  QkNorm qk_norm = QkNorm::kNone;
  NormConfig qk_norm_config;
  bool qk_norm_after_rope = false;  // queries and keys are normalised after RoPE, not before it
  QueryScale query_scale;
  std::vector<RopeConfig> ropes;  // empty: no RoPE
  Alibi alibi = Alibi::kNone;

  DeltaNetConfig delta_net;  // of the layers that have one instead of attention

  // Feed-forward.
  FeedForwardKind feed_forward = FeedForwardKind::kMlp;
  bool gated = true;  // down(activation(gate x) * (up x)); false: down(activation(up x))
  ActivationConfig activation;
  bool mlp_bias = false;
  double mlp_clamp = 0;  // the gate's values are clamped to at most this, up's to +- this; 0: none
  double up_offset = 0;  // added to up's values
  ExpertsConfig experts;

  // Output.
  NormConfig final_norm;
  OutputHead head = OutputHead::kLinear;
  bool tied_embeddings = false;  // the unembedding matrix is the embedding matrix
  bool unembedding_bias = false;
  double logit_multiplier = 1.0;
  double logit_softcap = 0;  // like attention_softcap, for logits

  /// Returns the options of layer `number`.
  LayerConfig layer(int64_t number) const {
    return layers.empty() ? LayerConfig{} : layers[static_cast<size_t>(number)];
  }
  /// Returns the numbers of the layers that have attention, ascending.
  std::vector<int64_t> attention_layers() const;
  /// Returns the factor of the dot products of queries and keys; ignores `scale_by_layer`.
  double softmax_scale() const;
  /// Returns the number of gate factors per token; 0 without a gate.
  int64_t gate_factors() const;
  /// Returns the width of a head's values.
  int64_t value_width() const { return d_value == 0 ? d_head : d_value; }
  /// Returns the width of the token embedding.
  int64_t embedding_width() const { return d_embedding == 0 ? d_model : d_embedding; }
  /// True for a causal language model: the logits predict the next token.
  bool is_causal_lm() const { return causal && head == OutputHead::kLinear; }

  /// Returns "rotary", "learned", "alibi" or "none".
  const char* position_encoding() const;
  /// Throws std::invalid_argument that names the first invalid field.
  void validate() const;
};

}  // namespace spikesink
