// Gradients of every variant of the model against central differences in float64.

#include <gtest/gtest.h>

#include "tiny_model.h"

namespace spikesink {
namespace {

struct Variant {
  std::string name;
  void (*change)(ModelConfig&);
};

void PrintTo(const Variant& variant, std::ostream* out) {
  *out << variant.name;
}

template <GateInput input, GateWidth width>
void gated_by(ModelConfig& config) {
  config.gate = {input, width};
}

std::vector<Variant> variants() {
  using Config = ModelConfig;
  return {
      {"Baseline", [](Config&) {}},
      {"PostNorm", [](Config& c) { c.norm_placement = NormPlacement::kPost; }},
      {"Sandwich", [](Config& c) { c.norm_placement = NormPlacement::kSandwich; }},
      {"Output", [](Config& c) { c.norm_placement = NormPlacement::kOutput; }},
      {"LayerNorm",
       [](Config& c) { c.norm = c.final_norm = {.kind = NormKind::kLayerNorm, .has_bias = true}; }},
      {"DynamicTanh", [](Config& c) { c.norm.kind = c.final_norm.kind = NormKind::kDynamicTanh; }},
      {"QkNorm", [](Config& c) { c.qk_norm = QkNorm::kPerHead; }},
      {"QkNormWhole", [](Config& c) { c.qk_norm = QkNorm::kWhole; }},
      {"Gelu",
       [](Config& c) {
         c.gated = false;
         c.activation.kind = Activation::kGelu;
       }},
      {"Relu", [](Config& c) { c.activation.kind = Activation::kRelu; }},
      {"Linear", [](Config& c) { c.feed_forward = FeedForwardKind::kLinear; }},
      {"AttentionOnly", [](Config& c) { c.feed_forward = FeedForwardKind::kNone; }},
      {"Heads", [](Config& c) { c.n_key_value_heads = c.n_heads; }},
      {"GateHiddenChannel", gated_by<GateInput::kHidden, GateWidth::kChannel>},
      {"GateHiddenHead", gated_by<GateInput::kHidden, GateWidth::kHead>},
      {"GateHiddenToken", gated_by<GateInput::kHidden, GateWidth::kToken>},
      {"GateConstantChannel", gated_by<GateInput::kConstant, GateWidth::kChannel>},
      {"GateConstantHead", gated_by<GateInput::kConstant, GateWidth::kHead>},
      {"GateConstantToken", gated_by<GateInput::kConstant, GateWidth::kToken>},
      {"GatePosition", gated_by<GateInput::kPosition, GateWidth::kHead>},
      {"GateEmbedding", gated_by<GateInput::kEmbedding, GateWidth::kHead>},
      {"SoftmaxPlusOne", [](Config& c) { c.attention_form = AttentionForm::kSoftmaxPlusOne; }},
      {"Sigmoid", [](Config& c) { c.attention_form = AttentionForm::kSigmoid; }},
      {"Softpick", [](Config& c) { c.attention_form = AttentionForm::kSoftpick; }},
      {"SinkLogits", [](Config& c) { c.sink_logits = true; }},
      {"KeyValueBias", [](Config& c) { c.learned_key_value = true; }},
      {"NoPositions", [](Config& c) { c.ropes.clear(); }},
      {"Alibi",
       [](Config& c) {
         c.ropes.clear();
         c.alibi = Alibi::kExact;
       }},
      {"LearnedPositions",
       [](Config& c) {
         c.ropes.clear();
         c.learned_positions = true;
         c.context = 16;
       }},
      {"Window", [](Config& c) { c.layers.assign(2, {.window = 3}); }},
      {"Softcap",
       [](Config& c) {
         c.attention_softcap = 2;
         c.logit_softcap = 5;
       }},
      {"Tied", [](Config& c) { c.tied_embeddings = true; }},
      {"ParallelBlocks", [](Config& c) { c.residual = ResidualForm::kParallelSharedNorm; }},
      {"Multipliers",
       [](Config& c) {
         c.residual_multiplier = c.embedding_multiplier = c.logit_multiplier = 0.7;
       }},
  };
}

class GradientsTest : public testing::TestWithParam<Variant> {};

TEST_P(GradientsTest, AgreeWithDifferences) {
  auto config = tiny_config();
  GetParam().change(config);
  auto model = random_model(config, torch::kDouble);
  const auto tokens = random_tokens(2, 9);
  const auto loss = [&] {
    const auto logits = model->forward(tokens.slice(1, 0, -1));
    return at::cross_entropy_loss(logits.flatten(0, 1), tokens.slice(1, 1).flatten());
  };
  loss().backward();
  for (const auto& entry : model->named_parameters()) {
    auto parameter = entry.value();
    ASSERT_TRUE(parameter.grad().defined()) << entry.key();
    const torch::NoGradGuard no_grad;
    const auto direction = torch::randn_like(parameter);
    const auto kept = parameter.clone();
    constexpr double kStep = 1e-6;
    const auto at = [&](double way) {
      parameter.copy_(kept + way * direction);
      return loss().item<double>();
    };
    const double difference = (at(kStep) - at(-kStep)) / (2 * kStep);
    parameter.copy_(kept);
    const double slope = (parameter.grad() * direction).sum().item<double>();
    EXPECT_NEAR(slope, difference, 1e-7 + 1e-5 * std::abs(difference)) << entry.key();
  }
}

TEST_P(GradientsTest, AreTheSameOfLayersThatRunAgain) {
  auto config = tiny_config();
  GetParam().change(config);
  auto model = random_model(config, torch::kDouble);
  const auto tokens = random_tokens(2, 9);
  const auto gradients = [&](bool again) {
    model->zero_grad();
    model->set_gradient_checkpointing(again);
    const auto logits = model->forward(tokens.slice(1, 0, -1));
    at::cross_entropy_loss(logits.flatten(0, 1), tokens.slice(1, 1).flatten()).backward();
    std::map<std::string, torch::Tensor> result;
    for (const auto& entry : model->named_parameters())
      result[entry.key()] = entry.value().grad().clone();
    return result;
  };
  const auto kept = gradients(false), again = gradients(true);
  for (const auto& [name, gradient] : kept)
    EXPECT_TRUE(at::allclose(again.at(name), gradient, 1e-10, 1e-14)) << name;
}

INSTANTIATE_TEST_SUITE_P(Variants, GradientsTest, testing::ValuesIn(variants()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace spikesink
