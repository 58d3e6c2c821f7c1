#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spikesink/model/rope_config.h"

namespace [[gnu::visibility("default")]] spikesink {

enum class Activation {
  kSilu,
  kGelu,       // by the error function
  kGeluTanh,   // its approximation by tanh
  kQuickGelu,  // x * sigmoid(sigmoid_slope x)
  kRelu,
};

struct ActivationConfig {
  Activation kind = Activation::kSilu;
  double sigmoid_slope = 1.702;  // of kQuickGelu
};

enum class NormKind {
  kNone,          // the identity
  kRms,           // x / sqrt(mean(x^2) + epsilon)
  kLayer,         // the same of x - mean(x)
  kDynamicTanh,   // tanh(alpha x), alpha learned (arXiv 2503.10622)
  kFixedDivisor,  // alpha x: a norm that divides by the same number everywhere
};

struct NormConfig {
  NormKind kind = NormKind::kRms;
  double epsilon = 1e-5;          // added to the mean square under the root
  bool centred = false;           // kFixedDivisor: of x - mean(x)
  bool has_scale = true;          // a learned scale ...
  bool scale_plus_one = false;    // ... stored as its difference from one (Gemma)
  bool has_bias = false;          // a learned bias
  bool scale_in_float32 = false;  // the scale is applied before rounding to the activations' dtype
};

/// Where a block F has its norm.
enum class NormPlacement {
  kPre,       // x + F(norm(x))
  kPost,      // norm(x + F(x))
  kSandwich,  // x + norm(F(norm(x)))
  kOutput,    // x + norm(F(x))
};

/// Which of a block's three places has a norm.
struct NormFlags {
  bool front, output, sum;  // x' = sum(x + output(F(front(x))))
};
NormFlags norm_sites(NormPlacement placement);

/// Whether a layer's two blocks follow each other or read the same stream.
enum class ResidualForm {
  kSequential,
  kParallelSharedNorm,  // x + attention(ln1(x)) + feed_forward(ln1(x))
  kParallelOwnNorms,    // x + attention(ln1(x)) + feed_forward(ln2(x))
};

/// What stands in a layer's second block.
enum class FeedForwardKind {
  kMlp,     // two or three matrices with an activation between them, or experts
  kLinear,  // one matrix
  kNone,    // nothing: the layer is its attention
};

/// How scores s become weights of values, over the keys that a query sees.
enum class AttentionForm {
  kSoftmax,         // e^s / sum e^s
  kSoftmaxPlusOne,  // e^s / (1 + sum e^s)
  kSigmoid,         // 1 / (1 + e^-s), not normalised (Gu et al., arXiv 2410.10781)
  kSoftpick,        // max(e^s - 1, 0) / sum |e^s - 1| (arXiv 2504.20966)
};

/// A factor between 0 and 1 on what heads give (the paper's table 7; arXiv 2505.06708): a sigmoid
/// of ...
enum class GateInput {
  kNone,
  kHidden,     // a linear map of what the attention reads
  kConstant,   // learned numbers
  kPosition,   // learned numbers of each position
  kEmbedding,  // a linear map of the token's embedding
};
/// Each factor is of ...
enum class GateWidth {
  kChannel,  // one channel of one head
  kHead,     // one head
  kToken,    // the whole token
};
struct GateConfig {
  GateInput input = GateInput::kNone;
  GateWidth width = GateWidth::kHead;
};

/// What is normed of queries and keys, before they are turned.
enum class QkNorm {
  kNone,
  kPerHead,       // each head, one scale for all
  kPerHeadScale,  // each head, each with its own scale
  kWhole,         // all heads together
};

/// The vocabulary's side of the model's end.
enum class OutputHead {
  kNone,      // the model ends in hidden states
  kLinear,    // an unembedding
  kMaskedLm,  // dense, activation and norm before the unembedding (BERT)
};

/// Linear biases that grow with the distance between query and key (arXiv 2108.12409).
enum class Alibi {
  kNone,
  kExact,
  kFalcon,  // rounded to bfloat16 and scaled as the dot products are
};

/// Short names for reports: "rms", "pre", "parallel, own norms", ...
const char* to_string(NormKind kind);
const char* to_string(NormPlacement placement);
const char* to_string(ResidualForm form);
const char* to_string(FeedForwardKind kind);
const char* to_string(AttentionForm form);
const char* to_string(GateInput input);
const char* to_string(GateWidth width);
const char* to_string(QkNorm norm);
const char* to_string(Activation activation);
const char* to_string(OutputHead head);
const char* to_string(Alibi alibi);

/// A mixture of experts in the place of a feed-forward.
struct ExpertsConfig {
  int64_t count = 0;         // 0: none
  int64_t chosen = 0;        // how many of them each token passes
  int64_t d_mlp = 0;         // width of an expert's inner layer
  int64_t d_shared = 0;      // width of the expert that every token passes as well; 0: none
  bool renormalized = true;  // the chosen experts' probabilities are scaled to sum to one
  bool router_bias = false;
};

/// What may differ from layer to layer.
struct LayerConfig {
  int64_t window = 0;  // keys that a query sees, its own included; 0: all
  int64_t rope = 0;    // index into ModelConfig::ropes; kNoRope: not turned
  bool has_experts = false;

  static constexpr int64_t kNoRope = -1;
};

/// What a transformer is: every variant is a field here, never another forward pass.
struct ModelConfig {
  std::string model_type;  // "llama", ...

  // Sizes.
  int64_t n_layers = 0;             // the paper's blocks number twice as many
  int64_t d_model = 0;              // width of the residual stream
  int64_t d_mlp = 0;                // width of a dense feed-forward's inner layer
  int64_t d_vocabulary = 0;         // rows of the embedding
  int64_t context = 0;              // longest sequence, in tokens
  std::vector<LayerConfig> layers;  // one each, or empty: all as LayerConfig's defaults

  // Embedding.
  int64_t d_embedding = 0;            // width of the token embedding; 0: d_model, else projected
  double embedding_multiplier = 1.0;  // of token embeddings, rounded to the weights' dtype
  bool learned_positions = false;     // a table of `context + position_offset` rows is added
  int64_t position_offset = 0;        // row of the first position
  int64_t padding_id = -1;            // ids that positions do not count (RoBERTa); -1: none
  int64_t n_token_types = 0;          // rows of the token type table, of which row 0 is added
  NormConfig embedding_norm = {.kind = NormKind::kNone};

  // Residual stream.
  NormConfig norm;
  NormPlacement norm_placement = NormPlacement::kPre;
  ResidualForm residual = ResidualForm::kSequential;
  double residual_multiplier = 1.0;  // of what a block adds

  // Attention.
  int64_t n_heads = 0;            // query heads
  int64_t n_key_value_heads = 0;  // divides n_heads; fewer means grouped-query attention
  int64_t d_head = 0;             // width of a head; n_heads * d_head need not be d_model
  bool causal = true;
  bool qkv_bias = false;
  bool attention_output_bias = false;
  double attention_scale = 0;    // of dot products; 0: 1 / sqrt(d_head)
  bool scale_by_layer = false;   // divided by 1 + layer as well (GPT-2)
  double attention_softcap = 0;  // scores s become cap * tanh(s / cap); 0: none
  double qkv_clip = 0;           // queries, keys and values are clamped to +- this; 0: none
  AttentionForm attention_form = AttentionForm::kSoftmax;
  GateConfig gate;
  bool key_value_bias = false;  // each key/value head has a learned key and value that every query
                                // sees (Sun et al., arXiv 2402.17762)
  bool sink_logits = false;     // each head has a learned logit in the softmax's denominator
  QkNorm qk_norm = QkNorm::kNone;
  NormConfig qk_norm_config;
  std::vector<RopeConfig> ropes;  // empty: nothing is turned
  Alibi alibi = Alibi::kNone;

  // Feed-forward.
  FeedForwardKind feed_forward = FeedForwardKind::kMlp;
  bool gated = true;  // down(activation(gate x) * (up x)), else down(activation(up x))
  ActivationConfig activation;
  bool mlp_bias = false;
  double mlp_clamp = 0;  // gate is clamped to at most this, up to +- this; 0: none
  double up_offset = 0;  // added to up
  ExpertsConfig experts;

  // End.
  NormConfig final_norm;
  OutputHead head = OutputHead::kLinear;
  bool tied_embeddings = false;  // the unembedding is the embedding
  bool unembedding_bias = false;
  double logit_multiplier = 1.0;
  double logit_softcap = 0;  // as attention_softcap

  LayerConfig layer(int64_t number) const {
    return layers.empty() ? LayerConfig{} : layers[static_cast<size_t>(number)];
  }
  /// What a dot product of query and key is multiplied with.
  double softmax_scale() const;
  /// How many factors a gate gives each token; 0 without one.
  int64_t gate_factors() const;
  int64_t embedding_width() const { return d_embedding == 0 ? d_model : d_embedding; }
  /// Whether logits say what comes next.
  bool is_causal_lm() const { return causal && head == OutputHead::kLinear; }

  /// "rotary", "learned", "alibi" or "none".
  const char* position_encoding() const;
  /// Throws std::invalid_argument naming the first field that cannot be.
  void validate() const;
};

}  // namespace spikesink
