#include "spikesink/intervene/protocols.h"

#include <gtest/gtest.h>

#include "tiny_model.h"

namespace spikesink {
namespace {

// Two sequences: the first is massive after layer 0 in channel 3 of token 2, the second only after
// layer 1, in channel 9 of token 0.
struct ProtocolsTest : testing::Test {
  torch::NoGradGuard no_grad;
  Transformer model = random_model(tiny_config(), torch::kDouble);
  TokenBatch batch{random_tokens(2, 12), 0};
  HookScope planted = model->hooks().add("blocks.0.hook_mlp_out", plant(0, 2, 3, 60000));
  std::vector<int64_t> channels = {3, 9};

  ProtocolsTest() {
    planted += model->hooks().add("blocks.1.hook_mlp_out", plant(1, 0, 9, -80000));
  }

  static Hook plant(int64_t sequence, int64_t position, int64_t channel, double value) {
    return [=](const torch::Tensor& x) {
      auto changed = x.clone();
      changed[sequence][position][channel] += value;
      return changed;
    };
  }

  torch::Tensor after_first() {
    return run_with_cache(model, batch.ids,
                          {"blocks.0.hook_resid_post"})["blocks.0.hook_resid_post"];
  }
  torch::Tensor under(const NamedIntervention& intervention) {
    const auto scope = intervention.parts[0]->attach_for(model, batch);
    return after_first();
  }
};

TEST_F(ProtocolsTest, EachSequenceHasItsOwnFirstLayer) {
  FirstMassive measured;
  run(model, {batch}, {&measured});
  const auto result = measured.result();
  ASSERT_EQ(result.layers.size(), 2);
  for (const int64_t layer : {0, 1}) {
    EXPECT_EQ(result.layers[layer].layer, layer);
    EXPECT_EQ(result.layers[layer].sequences, 1);
    ASSERT_EQ(result.layers[layer].channels.size(), 1);
    EXPECT_EQ(result.layers[layer].channels[0].channel, channels[layer]);
  }
  EXPECT_NEAR(result.layers[0].channels[0].elsewhere.mean, after_first()[0][2][3].item<double>(),
              0.01);
  const std::vector<TokenPlace> places = {{0, 2}, {1, 0}};
  EXPECT_EQ(result.places.all(), places);
}

TEST_F(ProtocolsTest, FirstMassiveMerges) {
  FirstMassive whole, first, second;
  const TokenBatch one{batch.ids.slice(0, 0, 1), 0}, other{batch.ids.slice(0, 1, 2), 1};
  run(model, {batch}, {&whole});
  planted.release();
  planted = model->hooks().add("blocks.0.hook_mlp_out", plant(0, 2, 3, 60000));
  run(model, {one}, {&first});
  planted.release();
  planted = model->hooks().add("blocks.1.hook_mlp_out", plant(0, 0, 9, -80000));
  run(model, {other}, {&second});
  first.merge(second);
  const auto merged = first.result(), expected = whole.result();
  EXPECT_EQ(merged.places.all(), expected.places.all());
  ASSERT_EQ(merged.layers.size(), 2);
  for (const size_t index : {0, 1}) {
    EXPECT_EQ(merged.layers[index].sequences, 1);
    EXPECT_NEAR(merged.layers[index].channels[0].all.mean,
                expected.layers[index].channels[0].all.mean, 0.1);
  }
}

TEST_F(ProtocolsTest, RefineWritesAtEachWindowsOwnTokensAfterTheFirstLayer) {
  FirstMassive measured;
  run(model, {batch}, {&measured});
  const auto found = measured.result();
  const auto protocol = refine_protocol(found, found.places, channels);
  ASSERT_EQ(protocol.size(), 3);
  EXPECT_EQ(protocol[0].name, "refine/zero");
  EXPECT_EQ(protocol[2].name, "refine/mean-1");
  auto expected = after_first().clone();
  for (const int64_t channel : channels) {
    expected[0][2][channel] = 0;
    expected[1][0][channel] = 0;
  }
  EXPECT_TRUE(under(protocol[0]).equal(expected));
  expected = after_first().clone();
  expected[0][2][3] = found.layers[0].channels[0].elsewhere.mean;
  EXPECT_TRUE(under(protocol[1]).equal(expected)) << "of tokens at the start no mean is known";
  expected = after_first().clone();
  expected[1][0][9] = found.layers[1].channels[0].at_start.mean;
  EXPECT_TRUE(under(protocol[2]).equal(expected));
  EXPECT_TRUE(refine_protocol({}, {}, channels).empty());
}

TEST_F(ProtocolsTest, MassiveActivationsWritesAtTheStartAndTheLargest) {
  MassiveActivations measured;
  run(model, {batch}, {&measured});
  const auto protocol = massive_activations_protocol(measured.result(), 0, channels);
  ASSERT_EQ(protocol.size(), 2);
  auto expected = after_first().clone();
  const auto largest = expected[1].abs().amax(-1).argmax().item<int64_t>();
  for (const int64_t channel : channels) {
    expected[0][0][channel] = expected[0][2][channel] = 0;
    expected[1][0][channel] = expected[1][largest][channel] = 0;
  }
  EXPECT_TRUE(under(protocol[0]).equal(expected));
  expected = after_first().clone();
  const double mean = measured.result().blocks[0].channels[0].elsewhere.mean;
  expected[0][2][3] = mean;
  if (largest != 0) expected[1][largest][3] = mean;
  EXPECT_TRUE(under(protocol[1]).equal(expected));
}

}  // namespace
}  // namespace spikesink
