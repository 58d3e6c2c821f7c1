#include "spikesink/intervene/protocols.h"

#include <gtest/gtest.h>

#include "two_spiking_sequences.h"

namespace spikesink {
namespace {

struct ProtocolsTest : TwoSpikingSequences {
  torch::Tensor under(const NamedInterventions& intervention) {
    const auto scope = intervention.interventions[0]->attach_for_batch(model, batch);
    return after_first();
  }
};

TEST_F(ProtocolsTest, RefineWritesAtEachWindowsOwnTokensAfterTheFirstLayer) {
  MassiveOnset measured;
  run(model, {batch}, {&measured});
  const auto found = measured.result();
  const auto protocol = onset_protocol(found, found.spike_positions, channels);
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
  EXPECT_TRUE(onset_protocol({}, {}, channels).empty());
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
