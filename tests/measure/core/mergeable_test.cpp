// Parts of a text that are measured apart, in other orders or by other processes, are the text.

#include "spikesink/measure/core/mergeable.h"

#include "measure/measured_model.h"
#include "message_of.h"
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

TEST_F(MergeableTest, ModelsWithoutANetworkAreMeasured) {
  for (const auto kind : {FeedForwardKind::kLinear, FeedForwardKind::kNone}) {
    auto config = tiny_config();
    config.feed_forward = kind;
    use(random_model(config));
    const auto all = measured(0, kSequences, 2);
    const int64_t layers = config.n_layers, inputs = kind == FeedForwardKind::kLinear ? 3 : 2;
    EXPECT_EQ(static_cast<int64_t>(all->forms.blocks.size()), inputs == 3 ? layers : 0);
    EXPECT_EQ(static_cast<int64_t>(all->quantisation.result().inputs.size()), inputs * layers + 1);
    EXPECT_TRUE(all->gates.result().blocks.empty());
    EXPECT_TRUE(all->fit.result().channels.empty());
    EXPECT_EQ(static_cast<int64_t>(all->life.result().blocks.size()), 2 * layers);
  }
}

TEST_F(MergeableTest, AMergeLeavesWhatWasCopied) {
  const auto one = measured(0, 4, 2), other = measured(4, kSequences, 2);
  const auto before = one->states(), more = other->states();
  All copy = *one;
  const auto list = copy.list();
  for (size_t index = 0; index < list.size(); ++index) list[index]->merge_state(more[index]);
  EXPECT_TRUE(one->states() == before);
  EXPECT_FALSE(copy.states() == before);
}

TEST_F(MergeableTest, OtherOptionsAreAnotherMeasurement) {
  const auto one = measured(0, 2, 2);
  const auto refuses = [&](auto ours, auto theirs, const std::string& what) {
    EXPECT_TRUE(holds(message_of<std::invalid_argument>([&] { ours.merge(theirs); }), what));
  };
  refuses(one->sinks, AttentionSinks({.epsilon = 0.2, .keys = {0, 2}}), "cannot merge: got");
  auto sinks = AttentionSinks({.epsilon = 0.2, .keys = {0, 2}});
  run(model, batches, {&sinks});
  refuses(one->sinks, sinks, "cannot merge: got epsilon 0.2, expected 0.1");
  MassiveActivations massive({.least_magnitude = 3, .least_ratio = 2});
  FirstMassive first({.least_magnitude = 1.5, .least_ratio = 7});
  SpikeTokens tokens({.massive = {.least_magnitude = 3, .least_ratio = 2}});
  SelfAttention self(one->places, {.watched = {3}});
  SparseConstants constants(one->places, {.top = 2});
  QuantisationError quantisation(one->places, {.bits = 4});
  LifeCycle life({.top = 5});
  run(model, batches, {&massive, &first, &tokens, &self, &constants, &quantisation, &life});
  refuses(one->massive, massive, "got least_magnitude 3, expected 1.5");
  refuses(one->first, first, "got least_ratio 7, expected 2");
  refuses(one->tokens, tokens, "got least_magnitude 3, expected 1.5");
  refuses(one->self, self, "got watched [3], expected [3, 5]");
  refuses(one->constants, constants, "got top 2, expected 3");
  refuses(one->quantisation, quantisation, "got bits 4, expected 8");
  refuses(one->life, life, "got top 5, expected 3");
  GateLinearity gates(one->places, {.spike_points = 1});
  QkGeometry geometry({.sinks = {.positions = {5}}});
  run(model, batches, {&gates, &geometry});
  refuses(one->gates, gates, "got spike_points 1, expected 200");
  refuses(one->geometry, geometry, "got sinks [5], expected [0]");
}

TEST_F(MergeableTest, ARunThatEndsEarlySpeaksOfWhatItPassed) {
  const auto scope = model->hooks().add("blocks.0.hook_mlp_out", push(0, 3, 5000));
  All whole(model), early(model);
  run(model, batches, whole.list());
  run_until(model, batches, {&early.life, &early.sinks, &early.self, &early.geometry}, Block{2});
  const auto life = early.life.result(), expected = whole.life.result();
  ASSERT_EQ(life.blocks.size(), 2u);
  EXPECT_EQ(life.spike_channels, expected.spike_channels);
  EXPECT_EQ(life.step_up, expected.step_up);
  const auto sinks = early.sinks.result(), all_sinks = whole.sinks.result();
  ASSERT_EQ(2 * sinks.heads.size(), all_sinks.heads.size());
  for (size_t head = 0; head < sinks.heads.size(); ++head)
    EXPECT_EQ(sinks.heads[head].importance, all_sinks.heads[head].importance);
  EXPECT_EQ(2 * early.self.result().heads.size(), whole.self.result().heads.size());
  EXPECT_EQ(2 * early.geometry.result().heads.size(), whole.geometry.result().heads.size());
}

TEST_F(MergeableTest, PlacesAreOfTheTextWhateverPrecedesIt) {
  const auto longer = with_prefix(batches[0], {7, 7});
  auto scope = model->hooks().add("blocks.0.hook_mlp_out", push(0, 3, 5000));
  scope += model->hooks().add("blocks.0.hook_mlp_out", push(5, 3, 5000));
  SpikeTokens tokens;
  FirstMassive first;
  run(model, {longer}, {&tokens, &first});
  const std::vector<TokenPlace> places = {{0, 3}, {1, 3}};  // 5 with the prefix, where 0 is
  EXPECT_EQ(tokens.result().places.all(), places);
  EXPECT_EQ(first.result().places.all(), places);
  EXPECT_EQ(tokens.result().spiking, 4) << "by position and id the prefix counts";
  SinksAnywhere anywhere({.epsilon = 0.01});
  run(model, {longer}, {&anywhere});
  ASSERT_FALSE(anywhere.result().places.empty());
  for (const auto& place : anywhere.result().places)
    EXPECT_EQ(place.id, batches[0].ids[place.sequence][place.position].item<int64_t>());
  QkSample sample({.heads = {{0, 0}}});
  run(model, {longer}, {&sample});
  const auto queries = sample.result().front().queries;
  ASSERT_FALSE(queries.empty());
  for (const auto& query : queries)
    EXPECT_EQ(query.id, batches[0].ids[query.place.sequence][query.place.position].item<int64_t>());
  QkGeometry at_place({.sinks = {.positions = {}, .places = {{0, 3}, {1, 3}}}});
  QkGeometry at_position({.sinks = {.positions = {5}}});
  run(model, {longer}, {&at_place, &at_position});
  EXPECT_EQ(at_place.state(), at_position.state());
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
