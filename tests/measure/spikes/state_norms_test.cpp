// Norms of hidden states, against whole tensors.

#include "spikesink/measure/spikes/state_norms.h"

#include "measure/planted_spikes.h"
#include "message_of.h"

namespace spikesink {
namespace {

struct StateNormsTest : PlantedSpikes {
  StateNorms measured() { return StateNorms(places_of(spike_mask())); }

  void expect_mean(const RunningMean& got, const torch::Tensor& norms) {
    ASSERT_EQ(got.count, norms.numel());
    EXPECT_NEAR(got.mean, norms.mean().item<double>(), 1e-9 * norms.max().item<double>());
    EXPECT_NEAR(got.standard_deviation(), norms.std().item<double>(),
                1e-9 * norms.max().item<double>());
  }
};

TEST_F(StateNormsTest, OfSpikeTokensAndOthersAfterEveryBlock) {
  const auto scope = plant();
  const auto mask = spike_mask();
  auto norms = measured();
  run(model, batches, {&norms});
  const auto result = norms.result();
  ASSERT_EQ(result.blocks.size(), 4u);
  for (const auto& block : result.blocks) {
    const auto point = model->hidden_state_hook_name(block.block);
    const auto lengths = all_of(point)[point].norm(2, -1);  // [B, T]
    SCOPED_TRACE(point);
    expect_mean(block.spike, lengths.masked_select(mask));
    expect_mean(block.ordinary, lengths.masked_select(~mask));
  }
  EXPECT_GT(result.blocks[1].spike.mean, 1000 * result.blocks[1].ordinary.mean);
}

TEST_F(StateNormsTest, TwoPassesMerge) {
  const auto scope = plant();
  const auto [once, merged] = once_and_merged(measured());
  for (size_t index = 0; index < once.result().blocks.size(); ++index) {
    const auto a = once.result().blocks[index], b = merged.result().blocks[index];
    EXPECT_EQ(a.spike.count, b.spike.count);
    EXPECT_NEAR(a.spike.mean, b.spike.mean, 1e-9 * a.spike.mean);
    EXPECT_NEAR(a.ordinary.mean, b.ordinary.mean, 1e-9 * a.ordinary.mean);
  }
}

TEST_F(StateNormsTest, ValuesThatAreNotFiniteAreLeftOut) {
  const auto scope = model->hooks().add("blocks.1.hook_mlp_out", push(3, 2, INFINITY));
  StateNorms norms{SpikePositions()};
  run(model, batches, {&norms});
  const auto blocks = norms.result().blocks;
  EXPECT_EQ(blocks[2].ordinary.count, kSequences * kLength);
  EXPECT_EQ(blocks[3].ordinary.count, kSequences * (kLength - 1));
}

TEST_F(StateNormsTest, AnotherDepthDoesNotMerge) {
  StateNorms one{SpikePositions()}, other{SpikePositions()};
  run(model, batches, {&one});
  auto config = tiny_config();
  config.n_layers = 1;
  auto shallow = random_model(config, torch::kDouble);
  run(shallow, batches, {&other});
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { one.merge(other); }),
                       "got blocks 2, expected 4"));
}

}  // namespace
}  // namespace spikesink
