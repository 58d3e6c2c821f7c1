// How near the gates' activations are to the identity, against whole tensors.

#include "spikesink/measure/spikes/gate_linearity.h"

#include "measure/planted_spikes.h"
#include "message_of.h"

namespace spikesink {
namespace {

struct GateLinearityTest : PlantedSpikes {
  /// [B, T] of a block: cosine and ratio.
  std::pair<torch::Tensor, torch::Tensor> expected(const Block& block) {
    const auto name = "blocks." + std::to_string(block.layer()) + ".mlp.hook_";
    const auto pre = all_of(name + "pre")[name + "pre"].to(torch::kDouble);
    const auto act = all_of(name + "act")[name + "act"].to(torch::kDouble);
    return {at::cosine_similarity(pre, act, -1), act.norm(2, -1) / pre.norm(2, -1)};
  }
  void expect_group(const GateTokenGroup& group, const torch::Tensor& mask, const Block& block,
                    double tolerance) {
    const auto [cosines, ratios] = expected(block);
    const auto name = block.output_hook_name();
    const auto outputs = all_of(name)[name].to(torch::kDouble).abs().amax(2);  // [B, T]
    const auto of_group = [&](const torch::Tensor& x) { return x.masked_select(mask); };
    ASSERT_EQ(group.cosine.count, mask.sum().item<int64_t>());
    ASSERT_EQ(group.ratio.count, group.cosine.count);
    EXPECT_NEAR(group.cosine.mean, of_group(cosines).mean().item<double>(), tolerance);
    EXPECT_NEAR(group.ratio.mean, of_group(ratios).mean().item<double>(), tolerance);
    EXPECT_NEAR(group.cosine.standard_deviation(), of_group(cosines).std().item<double>(),
                tolerance);
    EXPECT_NEAR(group.ratio.standard_deviation(), of_group(ratios).std().item<double>(), tolerance);
    for (const auto& point : group.sample) {
      const auto [sequence, position] = point.token;
      EXPECT_EQ(point.largest_output, outputs[sequence][position].item<double>());
      EXPECT_TRUE(mask[sequence][position].item<bool>());
      EXPECT_NEAR(point.cosine, cosines[sequence][position].item<double>(), tolerance);
      EXPECT_NEAR(point.ratio, ratios[sequence][position].item<double>(), tolerance);
    }
  }
  void expect_all(double tolerance) {
    const auto mask = spike_mask();
    ASSERT_TRUE(mask.any().item<bool>());
    GateLinearity gates(places_of(mask));
    run(model, batches, {&gates});
    const auto result = gates.result();
    ASSERT_EQ(result.blocks.size(), 2u);
    for (const auto& block : result.blocks) {
      EXPECT_EQ(block.block.kind(), BlockKind::kFeedForward);
      expect_group(block.spike, mask, block.block, tolerance);
      expect_group(block.ordinary, ~mask, block.block, tolerance);
      EXPECT_EQ(static_cast<int64_t>(block.spike.sample.size()), mask.sum().item<int64_t>());
      EXPECT_EQ(static_cast<int64_t>(block.ordinary.sample.size()), (~mask).sum().item<int64_t>());
    }
  }
};

using Outputs = std::vector<std::pair<TokenPosition, double>>;

Outputs outputs_in(const std::vector<GateSample>& sample) {
  Outputs outputs;
  for (const auto& point : sample) outputs.emplace_back(point.token, point.largest_output);
  return outputs;
}

std::vector<TokenPosition> places_in(const std::vector<GateSample>& sample) {
  std::vector<TokenPosition> places;
  for (const auto& point : sample) places.push_back(point.token);
  return places;
}

TEST_F(GateLinearityTest, EveryTokenOfEveryGatedBlock) {
  const auto scope = plant();
  expect_all(1e-12);
}

TEST_F(GateLinearityTest, FloatAndBFloat16) {
  for (const auto dtype : {torch::kFloat, torch::kBFloat16}) {
    model = random_model(tiny_config(), dtype);
    const auto scope = plant();
    expect_all(1e-5);
  }
}

TEST_F(GateLinearityTest, TwoPassesMergeAndSampleTheSameTokens) {
  const auto scope = plant();
  const auto places = places_of(spike_mask());
  const auto [once, merged] =
      once_and_merged(GateLinearity(places, {.max_spike_samples = 4, .max_ordinary_samples = 9}));
  const auto a = once.result(), b = merged.result();
  ASSERT_EQ(a.blocks.size(), b.blocks.size());
  for (size_t index = 0; index < a.blocks.size(); ++index) {
    const auto &one = a.blocks[index], &other = b.blocks[index];
    EXPECT_EQ(one.spike.sample.size(), 4u);
    EXPECT_EQ(one.ordinary.sample.size(), 9u);
    EXPECT_EQ(outputs_in(one.spike.sample), outputs_in(other.spike.sample));
    EXPECT_EQ(outputs_in(one.ordinary.sample), outputs_in(other.ordinary.sample));
    EXPECT_EQ(places_in(one.spike.sample), places_in(a.blocks[0].spike.sample));
    EXPECT_EQ(one.spike.cosine.count, other.spike.cosine.count);
    EXPECT_NEAR(one.spike.cosine.mean, other.spike.cosine.mean, 1e-12);
    EXPECT_NEAR(one.ordinary.ratio.standard_deviation(), other.ordinary.ratio.standard_deviation(),
                1e-12);
  }
}

TEST_F(GateLinearityTest, TheLargestOutputsAreThoseOfSpikeTokens) {
  const auto scope = plant();
  GateLinearity gates(places_of(spike_mask()));
  run(model, batches, {&gates});
  const auto block = gates.result().blocks.front();
  for (const auto& point : block.spike.sample) EXPECT_GT(point.largest_output, 5000);
  for (const auto& point : block.ordinary.sample) EXPECT_LT(point.largest_output, 100);
}

TEST_F(GateLinearityTest, TokensOfAPrefixAreNotSampled) {
  GateLinearity gates(SpikePositions({{0, 0}, {1, 5}}));
  run(model, {with_prefix(batches[0], {7, 7})}, {&gates});
  for (const auto& block : gates.result().blocks) {
    EXPECT_EQ(places_in(block.spike.sample), (std::vector<TokenPosition>{{0, 0}, {1, 5}}));
    EXPECT_EQ(block.ordinary.sample.size(), 2u * kLength - 2);
    EXPECT_EQ(block.ordinary.cosine.count, 2 * (kLength + 2) - 2);
  }
}

TEST_F(GateLinearityTest, NoSpikesAndNoPoints) {
  GateLinearity gates({}, {.max_spike_samples = 0, .max_ordinary_samples = 0});
  run(model, batches, {&gates});
  const auto result = gates.result();
  for (const auto& block : result.blocks) {
    EXPECT_EQ(block.spike.cosine.count, 0);
    EXPECT_EQ(block.ordinary.cosine.count, kSequences * kLength);
    EXPECT_TRUE(block.ordinary.sample.empty());
  }
}

TEST_F(GateLinearityTest, ModelsWithoutAGateHaveNoBlocks) {
  auto config = tiny_config();
  config.gated = false;
  auto plain = random_model(config);
  GateLinearity gates({}), gated({});
  run(plain, batches, {&gates});
  EXPECT_TRUE(gates.result().blocks.empty());
  run(model, batches, {&gated});
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { gates.merge(gated); }),
                       "got 2 blocks, expected the same 0"));
}

TEST_F(GateLinearityTest, TokensWithoutAnAngleAreLeftOut) {
  auto config = tiny_config();
  config.activation.kind = Activation::kRelu;
  model = random_model(config, torch::kDouble);
  const auto scope = model->hooks().add("blocks.1.mlp.hook_pre", [](const torch::Tensor& x) {
    auto changed = x.clone();
    changed.select(1, 2) = -1;
    changed.select(1, 3).select(1, 0) = NAN;
    return changed;
  });
  GateLinearity gates({});
  run(model, batches, {&gates});
  const auto result = gates.result();
  EXPECT_EQ(result.blocks[0].ordinary.cosine.count, kSequences * kLength);
  EXPECT_EQ(result.blocks[1].ordinary.cosine.count, kSequences * (kLength - 2));
  EXPECT_TRUE(std::isfinite(result.blocks[1].ordinary.ratio.mean));
}

}  // namespace
}  // namespace spikesink
