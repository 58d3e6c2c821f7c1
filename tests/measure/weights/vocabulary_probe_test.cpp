// Every vocabulary entry, one at a time, against the probe.

#include "spikesink/measure/weights/vocabulary_probe.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "message_of.h"
#include "resident_weights.h"
#include "spikesink/hooks/hook_names.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

struct VocabularyProbeTest : testing::Test {
  torch::NoGradGuard no_grad;
  Transformer model = random_model(tiny_config(), torch::kDouble);
  const Block block{2};

  torch::Tensor state_of(const std::vector<int64_t>& ids) {
    const auto tokens = torch::tensor(ids, torch::kLong).unsqueeze(0);
    const auto point = model->hidden_state_hook_name(block);
    return run_with_cache(model, tokens, {point})[point][0][-1];
  }
};

TEST_F(VocabularyProbeTest, EveryEntryAsTheFirstToken) {
  const VocabularyProbeOptions options{.least_magnitude = 0, .max_batch_tokens = 7};
  const auto probe = vocabulary_probe(model, block, options);
  ASSERT_EQ(static_cast<int64_t>(probe.entries.size()), model->config().d_vocabulary);
  int64_t spiking = 0;
  for (const auto& entry : probe.entries) {
    const auto magnitudes = state_of({entry.id}).abs();
    EXPECT_NEAR(entry.magnitude, magnitudes.max().item<double>(), 1e-9);
    EXPECT_EQ(entry.channel, magnitudes.argmax().item<int64_t>());
    EXPECT_EQ(entry.spikes, entry.magnitude >= 0.5 * probe.spike);
    spiking += entry.spikes;
  }
  EXPECT_EQ(probe.spiking, spiking);
  EXPECT_DOUBLE_EQ(probe.percent(), 100.0 * static_cast<double>(spiking) /
                                        static_cast<double>(probe.entries.size()));
}

TEST_F(VocabularyProbeTest, AfterAPrefixAndAlongATrigger) {
  const auto trigger = torch::randn({model->config().d_model}, torch::kDouble);
  const auto probe =
      vocabulary_probe(model, block, {.prefix = {3, 1}, .entries = {5, 2}, .trigger = trigger});
  ASSERT_EQ(probe.entries.size(), 2u);
  EXPECT_EQ(probe.position, 2);
  ASSERT_EQ(probe.course.size(), 2u);  // the embedding and block 1
  for (const auto& entry : probe.entries) {
    EXPECT_NEAR(entry.magnitude, state_of({3, 1, entry.id}).abs().max().item<double>(), 1e-9);
    const auto point = model->hidden_state_hook_name(Block{1});
    const auto tokens = torch::tensor({{int64_t{3}, int64_t{1}, entry.id}}, torch::kLong);
    const auto before = run_with_cache(model, tokens, {point})[point][0][-1];
    EXPECT_NEAR(entry.cosine, at::cosine_similarity(before, trigger, 0).item<double>(), 1e-9);
  }
  EXPECT_EQ(probe.course.back().state.count, 2);
}

// The feed-forward of a parallel layer reads what its attention reads.
TEST_F(VocabularyProbeTest, TheCosineIsOfWhatTheBlockReads) {
  auto config = tiny_config();
  config.residual = ResidualForm::kParallelSharedNorm;
  model = random_model(config, torch::kDouble);
  const auto trigger = torch::randn({config.d_model}, torch::kDouble);
  const Block last{4};
  const auto probe = vocabulary_probe(model, last, {.entries = {5}, .trigger = trigger});
  const auto point = hook_names::layer_hook_name(1, hook_names::kResidPre);
  const auto tokens = torch::tensor({{int64_t{5}}}, torch::kLong);
  const auto read = run_with_cache(model, tokens, {point})[point][0][0];
  EXPECT_NEAR(probe.entries[0].cosine, at::cosine_similarity(read, trigger, 0).item<double>(),
              1e-9);
}

TEST_F(VocabularyProbeTest, ValuesThatAreNotFiniteAreLeftOut) {
  const auto trigger = torch::ones({model->config().d_model}, torch::kDouble);
  model->embedding.select(0, 7).zero_();  // without biases its states are zero all the way
  const auto scope = model->hooks().add("blocks.0.hook_mlp_out", [](const torch::Tensor& x) {
    auto broken = x.clone();
    broken.select(0, 2).fill_(INFINITY);
    return broken;
  });
  const auto probe = vocabulary_probe(
      model, block, {.least_magnitude = 0, .entries = {3, 7, 5}, .trigger = trigger});
  EXPECT_EQ(probe.course[0].state.count, 2) << "the direction of zeros is none";
  EXPECT_TRUE(std::isfinite(probe.course[0].state.mean));
  EXPECT_EQ(probe.entries[2].magnitude, 0);
  EXPECT_TRUE(probe.entries[0].spikes) << "it is the largest of those that are finite";
}

TEST_F(VocabularyProbeTest, ExceptionsAreTheMinority) {
  VocabularyProbeResult result;
  for (const double magnitude : {900.0, 20.0, 800.0, 10.0, 700.0})
    result.entries.push_back({.magnitude = magnitude, .spikes = magnitude > 100});
  result.spiking = 3;
  const auto exceptions = result.minority_entries();
  ASSERT_EQ(exceptions.size(), 2u);
  EXPECT_EQ(exceptions[0].magnitude, 10);
}

TEST_F(VocabularyProbeTest, BadInput) {
  EXPECT_THROW(vocabulary_probe(model, Block{0}), std::invalid_argument);
  EXPECT_THROW(vocabulary_probe(model, Block{2 * model->config().n_layers + 1}),
               std::invalid_argument);
  EXPECT_THROW(vocabulary_probe(model, block, {.entries = {-1}}), std::invalid_argument);
  EXPECT_THROW(vocabulary_probe(model, block, {.trigger = torch::ones({3})}),
               std::invalid_argument);
}

TEST_F(VocabularyProbeTest, ATokenAloneIsMappedByValuesAndOutput) {
  for (int64_t layer = 0; layer < model->config().n_layers; ++layer) {
    const auto in = hook_names::layer_hook_name(layer, "ln1.hook_normalized");
    const auto out = hook_names::layer_hook_name(layer, hook_names::kAttnOut);
    const auto cache =
        run_with_cache(model, torch::tensor({{int64_t{4}}}, torch::kLong), {in, out});
    const auto mapped = at::matmul(ov_matrix(model, layer), cache[in][0][0]);
    EXPECT_TRUE(mapped.allclose(cache[out][0][0], 1e-9, 1e-12));
  }
  EXPECT_THROW(ov_matrix(model, -1), std::invalid_argument);
}

TEST_F(VocabularyProbeTest, NothingAfterTheLayerIsComputed) {
  int64_t later = 0;
  const auto scope = model->hooks().add("blocks.1.**", [&](const torch::Tensor&) { ++later; });
  const auto tokens = torch::tensor({{int64_t{4}, int64_t{7}}}, torch::kLong);
  const auto state = model->forward(tokens, {.stop_after = block});
  vocabulary_probe(model, block);
  EXPECT_EQ(later, 0);
  EXPECT_TRUE(state[0][-1].allclose(state_of({4, 7}), 1e-12, 1e-12));
}

TEST_F(VocabularyProbeTest, ManyBatchesThroughALayerBeforeTheNext) {
  const Block last{2 * model->config().n_layers};  // of the last layer; the head is not reached
  int64_t heads = 0;
  const auto scope = model->hooks().add("ln_final.**", [&](const torch::Tensor&) { ++heads; });
  const VocabularyProbeOptions options{
      .prefix = {3},
      .trigger = at::linspace(1, 2, model->config().d_model, torch::kDouble),
      .max_batch_tokens = 8};
  const auto expected = vocabulary_probe(model, last, options);
  model->stream_weights_from(std::make_unique<ResidentWeights>());
  const auto seen = vocabulary_probe(model, last, options);
  EXPECT_EQ(heads, 0);
  ASSERT_EQ(seen.entries.size(), expected.entries.size());
  for (size_t entry = 0; entry < seen.entries.size(); ++entry) {
    EXPECT_EQ(seen.entries[entry].id, expected.entries[entry].id);
    EXPECT_EQ(seen.entries[entry].magnitude, expected.entries[entry].magnitude);
    EXPECT_EQ(seen.entries[entry].cosine, expected.entries[entry].cosine);
  }
  ASSERT_EQ(seen.course.size(), expected.course.size());
  for (size_t place = 0; place < seen.course.size(); ++place)
    EXPECT_NEAR(seen.course[place].state.mean, expected.course[place].state.mean, 1e-12);
}

}  // namespace
}  // namespace spikesink
