#include "spikesink/model/model_config.h"

#include <algorithm>
#include <cmath>

#include "detail/fail.h"

namespace spikesink {
namespace {

using detail::fail_argument;

void check_positive(const std::string& field, int64_t value) {
  if (value <= 0)
    fail_argument("[ModelConfig] {}: got {}, expected a positive number", field, value);
}

void check_positive(const std::string& field, double value) {
  if (!(value > 0) || !std::isfinite(value))
    fail_argument("[ModelConfig] {}: got {}, expected a positive finite number", field, value);
}

void check_not_negative(const char* field, double value) {
  if (!(value >= 0) || !std::isfinite(value))
    fail_argument("[ModelConfig] {}: got {}, expected zero or a positive finite number", field,
                  value);
}

void check_factors(const std::vector<double>& factors, const char* field, int64_t pairs) {
  if (static_cast<int64_t>(factors.size()) != pairs)
    fail_argument("[ModelConfig] {}: got {} numbers, expected one for each of {} pairs", field,
                  factors.size(), pairs);
  for (const double factor : factors) check_positive(field, factor);
}

void check_scaling(const RopeConfig& rope, int64_t dimensions) {
  const auto& scaling = rope.scaling;
  const auto kind = scaling.kind;
  check_positive("rope.scaling.factor", scaling.factor);
  check_positive("rope.scaling.attention_factor", scaling.attention_factor);
  if (kind == RopeScalingKind::kDynamic || kind == RopeScalingKind::kLlama3 ||
      kind == RopeScalingKind::kYarn)
    check_positive("rope.scaling.original_context", scaling.original_context);
  if (kind == RopeScalingKind::kDynamic && dimensions <= 2)
    fail_argument("[ModelConfig] rope.dimensions: got {}, expected more than 2 with NTK scaling",
                  dimensions);
  if (kind == RopeScalingKind::kLlama3) {
    check_positive("rope.scaling.low_frequency_factor", scaling.low_frequency_factor);
    if (!(scaling.high_frequency_factor > scaling.low_frequency_factor)) {
      fail_argument(
          "[ModelConfig] rope.scaling.high_frequency_factor: got {}, expected more than "
          "low_frequency_factor = {}",
          scaling.high_frequency_factor, scaling.low_frequency_factor);
    }
  }
  if (kind == RopeScalingKind::kYarn) {
    check_positive("rope.scaling.beta_fast", scaling.beta_fast);
    check_positive("rope.scaling.beta_slow", scaling.beta_slow);
  }
  if (kind == RopeScalingKind::kFactors) {
    check_factors(scaling.short_factors, "rope.scaling.short_factors", dimensions / 2);
    if (!scaling.long_factors.empty())
      check_factors(scaling.long_factors, "rope.scaling.long_factors", dimensions / 2);
  }
}

void check_rope(const RopeConfig& rope, int64_t d_head) {
  check_positive("rope.theta", rope.theta);
  if (rope.scaling.kind == RopeScalingKind::kYarn && rope.theta <= 1)
    fail_argument("[ModelConfig] rope.theta: got {}, expected more than 1 for yarn", rope.theta);
  const int64_t dimensions = rope.dimensions == 0 ? d_head : rope.dimensions;
  if (dimensions < 0 || dimensions > d_head || dimensions % 2 != 0) {
    fail_argument(
        "[ModelConfig] rope.dimensions: got {}, expected an even number of at most d_head = {}",
        dimensions, d_head);
  }
  check_scaling(rope, dimensions);
}

void check_delta_net(const DeltaNetConfig& config) {
  check_positive("delta_net.n_key_heads", config.n_key_heads);
  check_positive("delta_net.n_value_heads", config.n_value_heads);
  check_positive("delta_net.d_key", config.d_key);
  check_positive("delta_net.d_value", config.d_value);
  check_positive("delta_net.kernel", config.kernel);
  if (config.n_value_heads % config.n_key_heads != 0)
    fail_argument(
        "[ModelConfig] delta_net.n_value_heads: got {}, expected a multiple of n_key_heads = {}",
        config.n_value_heads, config.n_key_heads);
}

void check_layers(const ModelConfig& config) {
  if (!config.layers.empty() && static_cast<int64_t>(config.layers.size()) != config.n_layers)
    fail_argument("[ModelConfig] layers: got {} of them, expected n_layers = {}",
                  config.layers.size(), config.n_layers);
  const auto ropes = static_cast<int64_t>(config.ropes.size());
  for (const auto& layer : config.layers) {
    if (layer.rope < LayerConfig::kNoRope || layer.rope >= std::max<int64_t>(ropes, 1))
      fail_argument("[ModelConfig] layers.rope: got {}, expected less than {}", layer.rope, ropes);
    if (layer.window < 0 || (layer.window > 0 && !config.causal))
      fail_argument("[ModelConfig] layers.window: got {}, expected 0 or, in a causal model, more",
                    layer.window);
    if (layer.has_experts) check_positive("experts.count", config.experts.count);
    if (layer.mixer == MixerKind::kGatedDeltaNet) {
      if (!config.causal)
        fail_argument("[ModelConfig] layers.mixer: got {} in an encoder, expected attention",
                      to_string(layer.mixer));
      check_delta_net(config.delta_net);
    }
  }
}

void check_expert_groups(const ExpertsConfig& experts) {
  const int64_t size = experts.count / experts.groups;
  const int64_t least = experts.group_score == GroupScore::kBestTwo ? 2 : 1;
  if (experts.count % experts.groups != 0 || size < least) {
    fail_argument(
        "[ModelConfig] experts.groups: got {}, expected a divisor of experts.count = {} with at "
        "least {} in each group",
        experts.groups, experts.count, least);
  }
  // A product of the two could overflow.
  if (experts.groups_per_token > experts.groups ||
      (experts.experts_per_token + size - 1) / size > experts.groups_per_token) {
    fail_argument(
        "[ModelConfig] experts.groups_per_token: got {}, expected at most experts.groups = {}, "
        "with at least experts_per_token = {} experts in all",
        experts.groups_per_token, experts.groups, experts.experts_per_token);
  }
}

void check_experts(const ExpertsConfig& experts) {
  if (experts.count == 0) return;
  check_positive("experts.count", experts.count);
  check_positive("experts.experts_per_token", experts.experts_per_token);
  check_positive("experts.d_mlp", experts.d_mlp);
  check_not_negative("experts.d_shared", static_cast<double>(experts.d_shared));
  if (experts.experts_per_token > experts.count)
    fail_argument(
        "[ModelConfig] experts.experts_per_token: got {}, expected at most experts.count = {}",
        experts.experts_per_token, experts.count);
  check_positive("experts.groups", experts.groups);
  check_positive("experts.groups_per_token", experts.groups_per_token);
  check_not_negative("experts.mixer_range", experts.mixer_range);
  check_not_negative("experts.least_sum", experts.least_sum);
  check_positive("experts.weight_scale", experts.weight_scale);
  if (experts.groups > 1) check_expert_groups(experts);
}

void check_latent(const ModelConfig& config) {
  const auto& latent = config.latent;
  if (latent.kv_rank == 0) return;
  check_positive("latent.kv_rank", latent.kv_rank);
  check_not_negative("latent.q_rank", static_cast<double>(latent.q_rank));
  check_positive("latent.norm.epsilon", latent.norm.epsilon);
  if (latent.d_rope < 2 || latent.d_rope >= config.d_head || latent.d_rope % 2 != 0) {
    fail_argument(
        "[ModelConfig] latent.d_rope: got {}, expected an even number from 2, below d_head = {}",
        latent.d_rope, config.d_head);
  }
  if (config.n_key_value_heads != config.n_heads) {
    fail_argument(
        "[ModelConfig] n_key_value_heads: got {} with latent attention, expected n_heads = {}",
        config.n_key_value_heads, config.n_heads);
  }
  if (config.qkv_clip > 0)
    fail_argument("[ModelConfig] qkv_clip: got {} with latent attention, expected 0",
                  config.qkv_clip);
}

bool all_layers_have_experts(const ModelConfig& config) {
  return !config.layers.empty() && std::all_of(config.layers.begin(), config.layers.end(),
                                               [](const auto& layer) { return layer.has_experts; });
}

}  // namespace

const char* to_string(NormKind kind) {
  switch (kind) {
    case NormKind::kNone:
      return "none";
    case NormKind::kRmsNorm:
      return "rms";
    case NormKind::kLayerNorm:
      return "layer";
    case NormKind::kDynamicTanh:
      return "dynamic tanh";
    case NormKind::kFixedDivisor:
      break;
  }
  return "frozen";
}

NormFlags norm_flags(NormPlacement placement) {
  const bool sandwich = placement == NormPlacement::kSandwich;
  return {.input = sandwich || placement == NormPlacement::kPre,
          .output = sandwich || placement == NormPlacement::kOutput,
          .sum = placement == NormPlacement::kPost};
}

const char* to_string(NormPlacement placement) {
  switch (placement) {
    case NormPlacement::kPre:
      return "pre";
    case NormPlacement::kPost:
      return "post";
    case NormPlacement::kSandwich:
      return "sandwich";
    case NormPlacement::kOutput:
      break;
  }
  return "output";
}

const char* to_string(ResidualForm form) {
  switch (form) {
    case ResidualForm::kSequential:
      return "sequential";
    case ResidualForm::kParallelSharedNorm:
      return "parallel, one norm";
    case ResidualForm::kParallelOwnNorms:
      break;
  }
  return "parallel, two norms";
}

const char* to_string(MixerKind kind) {
  return kind == MixerKind::kAttention ? "attention" : "gated DeltaNet";
}

const char* to_string(FeedForwardKind kind) {
  switch (kind) {
    case FeedForwardKind::kMlp:
      return "mlp";
    case FeedForwardKind::kLinear:
      return "linear";
    case FeedForwardKind::kNone:
      break;
  }
  return "none";
}

const char* to_string(AttentionForm form) {
  switch (form) {
    case AttentionForm::kSoftmax:
      return "softmax";
    case AttentionForm::kSoftmaxPlusOne:
      return "softmax-plus-one";
    case AttentionForm::kSigmoid:
      return "sigmoid";
    case AttentionForm::kSoftpick:
      break;
  }
  return "softpick";
}

const char* to_string(GateInput input) {
  switch (input) {
    case GateInput::kNone:
      return "none";
    case GateInput::kHidden:
      return "hidden";
    case GateInput::kConstant:
      return "constant";
    case GateInput::kPosition:
      return "position";
    case GateInput::kEmbedding:
      break;
  }
  return "embedding";
}

const char* to_string(GateWidth width) {
  switch (width) {
    case GateWidth::kChannel:
      return "channel";
    case GateWidth::kHead:
      return "head";
    case GateWidth::kToken:
      break;
  }
  return "token";
}

const char* to_string(QkNorm norm) {
  switch (norm) {
    case QkNorm::kNone:
      return "none";
    case QkNorm::kPerHead:
      return "per head";
    case QkNorm::kPerHeadScale:
      return "per head, own scales";
    case QkNorm::kWhole:
      break;
  }
  return "whole";
}

const char* to_string(Activation activation) {
  switch (activation) {
    case Activation::kSilu:
      return "silu";
    case Activation::kGelu:
      return "gelu";
    case Activation::kGeluTanh:
      return "gelu (tanh)";
    case Activation::kQuickGelu:
      return "quick gelu";
    case Activation::kRelu:
      return "relu";
    case Activation::kReluSquared:
      return "relu squared";
    case Activation::kXielu:
      break;
  }
  return "xielu";
}

const char* to_string(OutputHead head) {
  switch (head) {
    case OutputHead::kNone:
      return "none";
    case OutputHead::kLinear:
      return "linear";
    case OutputHead::kMaskedLm:
      break;
  }
  return "masked-lm";
}

const char* to_string(Alibi alibi) {
  switch (alibi) {
    case Alibi::kNone:
      return "none";
    case Alibi::kExact:
      return "exact";
    case Alibi::kFalcon:
      break;
  }
  return "falcon";
}

const char* to_string(RouterScore score) {
  switch (score) {
    case RouterScore::kSoftmax:
      return "softmax";
    case RouterScore::kChosenSoftmax:
      return "softmax of the chosen";
    case RouterScore::kSigmoid:
      return "sigmoid";
    case RouterScore::kSparseMixer:
      break;
  }
  return "sparse mixer";
}

const char* to_string(GroupScore score) {
  return score == GroupScore::kBestTwo ? "best two" : "best";
}

const char* to_string(RopeScalingKind kind) {
  switch (kind) {
    case RopeScalingKind::kNone:
      return "none";
    case RopeScalingKind::kLinear:
      return "linear";
    case RopeScalingKind::kDynamic:
      return "dynamic";
    case RopeScalingKind::kLlama3:
      return "llama3";
    case RopeScalingKind::kYarn:
      return "yarn";
    case RopeScalingKind::kFactors:
      break;
  }
  return "factors";
}

const char* ModelConfig::position_encoding() const {
  if (!ropes.empty()) return "rotary";
  if (learned_positions) return "learned";
  return alibi == Alibi::kNone ? "none" : "alibi";
}

std::vector<int64_t> ModelConfig::attention_layers() const {
  std::vector<int64_t> numbers;
  for (int64_t number = 0; number < n_layers; ++number) {
    if (layer(number).mixer == MixerKind::kAttention) numbers.push_back(number);
  }
  return numbers;
}

double ModelConfig::softmax_scale() const {
  return attention_scale > 0 ? attention_scale : 1.0 / std::sqrt(static_cast<double>(d_head));
}

int64_t ModelConfig::gate_factors() const {
  if (gate.input == GateInput::kNone) return 0;
  if (gate.width == GateWidth::kToken) return 1;
  return gate.width == GateWidth::kHead ? n_heads : n_heads * value_width();
}

void ModelConfig::validate() const {
  check_positive("n_layers", n_layers);
  check_positive("d_model", d_model);
  if (feed_forward == FeedForwardKind::kMlp && !all_layers_have_experts(*this))
    check_positive("d_mlp", d_mlp);
  check_positive("n_heads", n_heads);
  check_positive("n_key_value_heads", n_key_value_heads);
  check_positive("d_head", d_head);
  check_not_negative("d_value", static_cast<double>(d_value));
  check_positive("d_vocabulary", d_vocabulary);
  check_positive("context", context);
  check_not_negative("d_embedding", static_cast<double>(d_embedding));
  check_not_negative("position_offset", static_cast<double>(position_offset));
  check_not_negative("n_token_types", static_cast<double>(n_token_types));
  for (const auto* norm : {&embedding_norm, &this->norm, &qk_norm_config, &final_norm})
    check_positive("norm_epsilon", norm->epsilon);
  check_positive("activation.sigmoid_slope", activation.sigmoid_slope);
  check_positive("embedding_multiplier", embedding_multiplier);
  check_positive("residual_multiplier", residual_multiplier);
  check_positive("logit_multiplier", logit_multiplier);
  check_not_negative("attention_scale", attention_scale);
  check_not_negative("attention_softcap", attention_softcap);
  check_not_negative("logit_softcap", logit_softcap);
  check_not_negative("qkv_clip", qkv_clip);
  check_not_negative("mlp_clamp", mlp_clamp);
  check_not_negative("query_scale.growth", query_scale.growth);
  if (query_scale.growth > 0) check_positive("query_scale.interval", query_scale.interval);
  if (activation.kind == Activation::kXielu && head == OutputHead::kMaskedLm)
    fail_argument("[ModelConfig] activation: got xielu in a masked-lm head, expected another one");
  if (n_heads % n_key_value_heads != 0) {
    fail_argument("[ModelConfig] n_key_value_heads: got {}, expected a divisor of n_heads = {}",
                  n_key_value_heads, n_heads);
  }
  if (residual != ResidualForm::kSequential && norm_placement != NormPlacement::kPre)
    fail_argument(
        "[ModelConfig] residual: parallel blocks are supported only with norms before them");
  if (attention_form != AttentionForm::kSoftmax && (sink_logits || learned_key_value))
    fail_argument("[ModelConfig] attention_form: got {}, which has no {}, expected softmax",
                  to_string(attention_form), sink_logits ? "sink logits" : "key and value bias");
  if (feed_forward != FeedForwardKind::kMlp && residual != ResidualForm::kSequential)
    fail_argument("[ModelConfig] feed_forward: got {} in parallel blocks, expected mlp",
                  to_string(feed_forward));
  if (padding_id >= 0 && learned_positions && (position_offset < 1 || causal))
    fail_argument(
        "[ModelConfig] padding_id: got {}, expected it in an encoder with a position_offset of at "
        "least 1",
        padding_id);
  // One RopeConfig per layer, or per kind of layer.
  if (const auto limit = std::max<int64_t>(n_layers, 2); static_cast<int64_t>(ropes.size()) > limit)
    fail_argument("[ModelConfig] ropes: got {} of them, expected at most {}", ropes.size(), limit);
  for (const auto& rope : ropes) check_rope(rope, d_head);
  check_experts(experts);
  check_latent(*this);
  check_layers(*this);
}

}  // namespace spikesink
