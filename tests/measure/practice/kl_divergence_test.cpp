#include "spikesink/measure/practice/kl_divergence.h"

#include <gtest/gtest.h>

#include "measure/measured_model.h"
#include "message_of.h"

namespace spikesink {
namespace {

struct KlDivergenceTest : MeasuredModel {
  KlDivergenceTest() : MeasuredModel(torch::kDouble) {}
  HookScope change() { return model->hooks().add("blocks.0.hook_mlp_out", push(2, 3, 4)); }
};

TEST_F(KlDivergenceTest, IsTheMeanOfPLogPOverQ) {
  FinalStates reference;
  run(model, batches, {&reference});
  const auto log_p = at::log_softmax(model->forward(tokens), -1).slice(1, 0, kLength - 1);
  const auto scope = change();
  const auto log_q = at::log_softmax(model->forward(tokens), -1).slice(1, 0, kLength - 1);
  KlDivergence divergence(reference);
  run(model, batches, {&divergence});
  const auto expected = (log_p.exp() * (log_p - log_q)).sum(-1);
  EXPECT_EQ(divergence.result().count, kSequences * (kLength - 1));
  EXPECT_GT(divergence.result().mean, 0);
  EXPECT_NEAR(divergence.result().mean, expected.mean().item<double>(), 1e-9);
  EXPECT_NEAR(divergence.result().standard_deviation(), expected.std().item<double>(), 1e-9);
}

TEST_F(KlDivergenceTest, OfTheSameModelItIsZero) {
  FinalStates reference;
  run(model, batches, {&reference});
  KlDivergence divergence(reference);
  run(model, batches, {&divergence});
  EXPECT_EQ(divergence.result().mean, 0);
}

TEST_F(KlDivergenceTest, TwoPassesMerge) {
  FinalStates all, first_states, second_states;
  run(model, batches, {&all});
  run(model, {batches[0]}, {&first_states});
  run(model, {batches[1], batches[2]}, {&second_states});
  const auto scope = change();
  KlDivergence whole(all), first(first_states), second(second_states);
  run(model, batches, {&whole});
  run(model, {batches[0]}, {&first});
  run(model, {batches[1], batches[2]}, {&second});
  first.merge(second);
  EXPECT_EQ(first.result().count, whole.result().count);
  EXPECT_NEAR(first.result().mean, whole.result().mean, 1e-12);
}

TEST_F(KlDivergenceTest, OtherBatchesThanTheReferencesAreRefused) {
  FinalStates reference;
  run(model, {batches[0]}, {&reference});
  KlDivergence divergence(reference);
  EXPECT_TRUE(contains(
      message_of<std::invalid_argument>([&] { run(model, batches, {&divergence}); }), "batch 1"));
  EXPECT_THROW(reference.serialize(), std::logic_error) << "it grows with the text";
}

}  // namespace
}  // namespace spikesink
