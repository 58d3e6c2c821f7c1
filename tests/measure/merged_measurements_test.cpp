// Every measurement: parts of a text that are measured apart, in other orders or by other
// processes, add up to one pass over the text.

#include <gtest/gtest.h>

#include "measure/all_measurements.h"
#include "message_of.h"
#include "resident_weights.h"

namespace spikesink {
namespace {

struct MergedMeasurementsTest : AllMeasurementsTest {};

TEST_F(MergedMeasurementsTest, LayerByLayerEqualsBatchByBatch) {
  const auto expected = measured(0, kSequences, 2);
  model->stream_weights_from(std::make_unique<ResidentWeights>());
  const auto seen = measured(0, kSequences, 2);
  const auto list = seen->list(), expected_list = expected->list();
  for (size_t index = 0; index < list.size(); ++index) {
    if (list[index] == &seen->tokens || list[index] == &seen->first) continue;
    EXPECT_TRUE(list[index]->serialize() == expected_list[index]->serialize())
        << "measurement " << index;
  }
  // These two meet their spike_positions in another order.
  const auto tokens = seen->tokens.result(), expected_tokens = expected->tokens.result();
  EXPECT_EQ(tokens.spike_positions.positions(), expected_tokens.spike_positions.positions());
  EXPECT_EQ(tokens.spiking, expected_tokens.spiking);
  for (size_t block = 0; block < tokens.states.size(); ++block)
    EXPECT_EQ(tokens.states[block].tokens, expected_tokens.states[block].tokens) << block;
  const auto first = seen->first.result(), expected_first = expected->first.result();
  EXPECT_EQ(first.spike_positions.positions(), expected_first.spike_positions.positions());
  ASSERT_EQ(first.layers.size(), expected_first.layers.size());
  for (size_t layer = 0; layer < first.layers.size(); ++layer)
    EXPECT_EQ(first.layers[layer].sequences, expected_first.layers[layer].sequences) << layer;
}

TEST_F(MergedMeasurementsTest, AStateReplacesWhatWasMeasured) {
  const auto one = measured(0, kSequences, 2), other = measured(0, 1, 1);
  const auto states = one->states();
  const auto list = other->list();
  for (size_t index = 0; index < list.size(); ++index) list[index]->deserialize(states[index]);
  EXPECT_TRUE(other->states() == states);
}

TEST_F(MergedMeasurementsTest, MergedStatesAreThoseOfMerge) {
  const auto by_state = measured(0, 4, 2), by_hand = measured(0, 4, 2);
  const auto second = measured(4, kSequences, 2);
  const auto states = second->states();
  const auto list = by_state->list();
  for (size_t index = 0; index < list.size(); ++index) list[index]->merge_serialized(states[index]);
  by_hand->life.merge(second->life);
  by_hand->tokens.merge(second->tokens);
  by_hand->geometry.merge(second->geometry);
  by_hand->quantisation.merge(second->quantisation);
  EXPECT_TRUE(by_state->life.serialize() == by_hand->life.serialize());
  EXPECT_TRUE(by_state->tokens.serialize() == by_hand->tokens.serialize());
  EXPECT_TRUE(by_state->geometry.serialize() == by_hand->geometry.serialize());
  EXPECT_TRUE(by_state->quantisation.serialize() == by_hand->quantisation.serialize());
  const auto whole = measured(0, kSequences, 2);
  EXPECT_EQ(by_state->tokens.result().spiking, whole->tokens.result().spiking);
  EXPECT_NEAR(by_state->perplexity.result().mean_loss, whole->perplexity.result().mean_loss, 1e-12);
}

TEST_F(MergedMeasurementsTest, AMergeLeavesWhatWasCopied) {
  const auto one = measured(0, 4, 2), other = measured(4, kSequences, 2);
  const auto before = one->states(), more = other->states();
  AllMeasurements copy = *one;
  const auto list = copy.list();
  for (size_t index = 0; index < list.size(); ++index) list[index]->merge_serialized(more[index]);
  EXPECT_TRUE(one->states() == before);
  EXPECT_FALSE(copy.states() == before);
}

TEST_F(MergedMeasurementsTest, OtherOptionsAreAnotherMeasurement) {
  const auto one = measured(0, 2, 2);
  const auto refuses = [&](auto ours, auto theirs, const std::string& what) {
    EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { ours.merge(theirs); }), what));
  };
  refuses(one->sinks, AttentionSinks({.epsilon = 0.2, .keys = {0, 2}}), "cannot merge: got");
  auto sinks = AttentionSinks({.epsilon = 0.2, .keys = {0, 2}});
  run(model, batches, {&sinks});
  refuses(one->sinks, sinks, "cannot merge: got epsilon 0.2, expected 0.1");
  MassiveActivations massive({.least_magnitude = 3, .least_ratio = 2});
  MassiveOnset first({.least_magnitude = 1.5, .least_ratio = 7});
  SpikeTokens tokens({.massive = {.least_magnitude = 3, .least_ratio = 2}});
  SelfAttention self(one->spike_positions, {.delimiters = {3}});
  SparseConstants constants(one->spike_positions, {.top = 2});
  Quantisation quantisation(one->spike_positions, {.bits = 4});
  LifeCycle life({.top = 5});
  run(model, batches, {&massive, &first, &tokens, &self, &constants, &quantisation, &life});
  refuses(one->massive, massive, "got least_magnitude 3, expected 1.5");
  refuses(one->first, first, "got least_ratio 7, expected 2");
  refuses(one->tokens, tokens, "got least_magnitude 3, expected 1.5");
  refuses(one->self, self, "got delimiters [3], expected [3, 5]");
  refuses(one->constants, constants, "got top 2, expected 3");
  refuses(one->quantisation, quantisation, "got bits 4, expected 8");
  refuses(one->life, life, "got top 5, expected 3");
  GateLinearity gates(one->spike_positions, {.max_spike_samples = 1});
  SinkGeometry geometry({.sinks = {.positions = {5}}});
  run(model, batches, {&gates, &geometry});
  refuses(one->gates, gates, "got max_spike_samples 1, expected 200");
  refuses(one->geometry, geometry, "got sinks [5], expected [0]");
  EffectiveSinks effective({.sinks = {.positions = {5}}});
  run(model, batches, {&effective});
  refuses(one->effective, effective, "got sinks [5], expected [0]");
}

TEST_F(MergedMeasurementsTest, AnotherKindsStateIsRefused) {
  const auto all = measured(0, 2, 2);
  EXPECT_THROW(all->perplexity.deserialize("abc"), std::invalid_argument);
  EXPECT_THROW(all->sinks.deserialize(all->sinks.serialize() + "x"), std::invalid_argument);
  FinalStates kept;
  EXPECT_THROW(kept.serialize(), std::logic_error);
}

TEST_F(MergedMeasurementsTest, ModelsOfAnotherDepthDoNotMerge) {
  auto config = tiny_config();
  config.n_layers = 1;
  auto shallow = random_model(config);
  const auto refuses = [&](auto one, auto other) {
    run(model, batches, {&one});
    run(shallow, batches, {&other});
    EXPECT_THROW(one.merge(other), std::invalid_argument);
  };
  refuses(LifeCycle(), LifeCycle());
  refuses(MassiveActivations(), MassiveActivations());
  refuses(AttentionSinks(), AttentionSinks());
}

}  // namespace
}  // namespace spikesink
