// Parts of a text that are measured apart, in other orders or by other processes, are the text.

#include "spikesink/measure/mergeable.h"

#include "measure/measured_model.h"
#include "nothing_to_bring.h"
#include "spikesink/spikesink.h"

namespace spikesink {
namespace {

constexpr MassiveActivationsOptions kLow{.least_magnitude = 1.5, .least_ratio = 2};

/// All that can be merged, with thresholds low enough for a small random model.
struct All {
  SpikePlaces places{{{0, 1}, {2, 3}, {3, 0}, {5, 7}}};
  QuadraticFormResult forms;
  LifeCycle life;
  MassiveActivations massive{kLow};
  FirstMassive first{kLow};
  SpikeTokens tokens{{.massive = kLow}};
  AttentionSinks sinks{{.epsilon = 0.1, .keys = {0, 2}}};
  SinksAnywhere anywhere{{.epsilon = 0.1}};
  Perplexity perplexity;
  NotFinite not_finite;
  GateLinearity gates{places};
  SparseConstants constants{places};
  SelfAttention self{places, {.watched = {3, 5}}};
  QkGeometry geometry;
  QuantisationError quantisation{places};
  Kurtosis kurtosis;
  FormFit fit;

  explicit All(Transformer& model)
      : forms(quadratic_form(model, {.outlier_ratio = 1.2})), fit(forms) {}
  std::vector<Measurement*> list() {
    return {&life,     &massive,    &first,        &tokens,   &sinks,
            &anywhere, &perplexity, &not_finite,   &gates,    &constants,
            &self,     &geometry,   &quantisation, &kurtosis, &fit};
  }
  std::vector<std::string> states() {
    std::vector<std::string> all;
    for (const auto* measurement : list()) all.push_back(measurement->state());
    return all;
  }
};

struct MergeableTest : MeasuredModel {
  // Of the sequences first <= i < last.
  std::unique_ptr<All> measured(int64_t first, int64_t last, int64_t rows_together) {
    auto part = token_batches(rows(first, last), rows_together * kLength);
    for (auto& batch : part) batch.first_sequence += first;
    auto all = std::make_unique<All>(model);
    run(model, part, all->list());
    return all;
  }
};

TEST_F(MergeableTest, SomethingIsMeasured) {
  const auto all = measured(0, kSequences, 2);
  EXPECT_FALSE(all->massive.result().blocks.empty());
  EXPECT_FALSE(all->first.result().layers.empty());
  EXPECT_GT(all->tokens.result().spiking, 0);
  EXPECT_GT(all->anywhere.result().places.size(), 0u);
  EXPECT_FALSE(all->fit.result().channels.empty());
}

TEST_F(MergeableTest, LayerByLayerIsBatchByBatch) {
  const auto expected = measured(0, kSequences, 2);
  model->come_by_layer(std::make_unique<NothingToBring>());
  const auto seen = measured(0, kSequences, 2);
  const auto list = seen->list(), expected_list = expected->list();
  for (size_t index = 0; index < list.size(); ++index) {
    if (list[index] == &seen->tokens || list[index] == &seen->first) continue;
    EXPECT_TRUE(list[index]->state() == expected_list[index]->state()) << "measurement " << index;
  }
  // These two meet their places in another order.
  const auto tokens = seen->tokens.result(), expected_tokens = expected->tokens.result();
  EXPECT_EQ(tokens.places.all(), expected_tokens.places.all());
  EXPECT_EQ(tokens.spiking, expected_tokens.spiking);
  for (size_t block = 0; block < tokens.states.size(); ++block)
    EXPECT_EQ(tokens.states[block].tokens, expected_tokens.states[block].tokens) << block;
  const auto first = seen->first.result(), expected_first = expected->first.result();
  EXPECT_EQ(first.places.all(), expected_first.places.all());
  ASSERT_EQ(first.layers.size(), expected_first.layers.size());
  for (size_t layer = 0; layer < first.layers.size(); ++layer)
    EXPECT_EQ(first.layers[layer].sequences, expected_first.layers[layer].sequences) << layer;
}

TEST_F(MergeableTest, AStateIsPutInTheMeasurementsPlace) {
  const auto one = measured(0, kSequences, 2), other = measured(0, 1, 1);
  const auto states = one->states();
  const auto list = other->list();
  for (size_t index = 0; index < list.size(); ++index) list[index]->set_state(states[index]);
  EXPECT_TRUE(other->states() == states);
}

TEST_F(MergeableTest, MergedStatesAreThoseOfMerge) {
  const auto by_state = measured(0, 4, 2), by_hand = measured(0, 4, 2);
  const auto second = measured(4, kSequences, 2);
  const auto states = second->states();
  const auto list = by_state->list();
  for (size_t index = 0; index < list.size(); ++index) list[index]->merge_state(states[index]);
  by_hand->life.merge(second->life);
  by_hand->tokens.merge(second->tokens);
  by_hand->geometry.merge(second->geometry);
  by_hand->quantisation.merge(second->quantisation);
  EXPECT_TRUE(by_state->life.state() == by_hand->life.state());
  EXPECT_TRUE(by_state->tokens.state() == by_hand->tokens.state());
  EXPECT_TRUE(by_state->geometry.state() == by_hand->geometry.state());
  EXPECT_TRUE(by_state->quantisation.state() == by_hand->quantisation.state());
  const auto whole = measured(0, kSequences, 2);
  EXPECT_EQ(by_state->tokens.result().spiking, whole->tokens.result().spiking);
  EXPECT_NEAR(by_state->perplexity.result().mean_loss, whole->perplexity.result().mean_loss, 1e-12);
}

TEST_F(MergeableTest, AnotherKindsStateIsRefused) {
  const auto all = measured(0, 2, 2);
  EXPECT_THROW(all->perplexity.set_state("abc"), std::invalid_argument);
  EXPECT_THROW(all->sinks.set_state(all->sinks.state() + "x"), std::invalid_argument);
  FinalStates kept;
  EXPECT_THROW(kept.state(), std::logic_error);
}

TEST_F(MergeableTest, SharesAreTheTextInOrder) {
  for (const int64_t count : {1, 2, 3, 4, 8}) {
    std::vector<torch::Tensor> ids;
    int64_t sequences = 0;
    for (int64_t rank = 0; rank < count; ++rank) {
      for (const auto& batch : share_of(batches, rank, count)) {
        EXPECT_EQ(batch.first_sequence, sequences);
        sequences += batch.ids.size(0);
        ids.push_back(batch.ids);
      }
    }
    EXPECT_TRUE(at::cat(ids).equal(tokens)) << count;
  }
}

}  // namespace
}  // namespace spikesink
