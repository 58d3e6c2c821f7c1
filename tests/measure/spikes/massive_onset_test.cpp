#include "spikesink/measure/spikes/massive_onset.h"

#include <gtest/gtest.h>

#include "two_spiking_sequences.h"

namespace spikesink {
namespace {

struct MassiveOnsetTest : TwoSpikingSequences {};

TEST_F(MassiveOnsetTest, EachSequenceHasItsOwnFirstLayer) {
  MassiveOnset measured;
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
  const std::vector<TokenPosition> places = {{0, 2}, {1, 0}};
  EXPECT_EQ(result.spike_positions.positions(), places);
}

TEST_F(MassiveOnsetTest, TwoPassesMerge) {
  MassiveOnset whole, first, second;
  const TokenBatch one{batch.ids.slice(0, 0, 1), 0}, other{batch.ids.slice(0, 1, 2), 1};
  run(model, {batch}, {&whole});
  planted.reset();
  planted = model->hooks().add("blocks.0.hook_mlp_out", plant(0, 2, 3, 60000));
  run(model, {one}, {&first});
  planted.reset();
  planted = model->hooks().add("blocks.1.hook_mlp_out", plant(0, 0, 9, -80000));
  run(model, {other}, {&second});
  first.merge(second);
  const auto merged = first.result(), expected = whole.result();
  EXPECT_EQ(merged.spike_positions.positions(), expected.spike_positions.positions());
  ASSERT_EQ(merged.layers.size(), 2);
  for (const size_t index : {0, 1}) {
    EXPECT_EQ(merged.layers[index].sequences, 1);
    EXPECT_NEAR(merged.layers[index].channels[0].all.mean,
                expected.layers[index].channels[0].all.mean, 0.1);
  }
}

}  // namespace
}  // namespace spikesink
