// The measurements of tokens on every architecture.

#include <gtest/gtest.h>

#include "golden_models.h"
#include "one_thread.h"
#include "spikesink/hooks/hook_names.h"
#include "spikesink/measure/sinks/attention_locality.h"
#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/sinks/self_attention.h"
#include "spikesink/measure/sinks/sink_key_span.h"
#include "spikesink/measure/spikes/gate_linearity.h"
#include "spikesink/measure/spikes/sparse_constants.h"
#include "spikesink/measure/spikes/spike_cosines.h"
#include "spikesink/measure/spikes/spike_tokens.h"
#include "spikesink/measure/weights/first_norm.h"
#include "spikesink/model/load_model.h"

namespace spikesink {
namespace {

class EveryArchitectureTest : public testing::TestWithParam<GoldenModel> {
 protected:
  static constexpr int64_t kRows = 3, kWidth = 9;

  EveryArchitectureTest() : model(load_model(GetParam().path)) {
    torch::manual_seed(3);
    batch.ids = torch::randint(model->config().d_vocabulary, {kRows, kWidth}, torch::kLong);
  }

  OneThread one_thread;
  torch::NoGradGuard no_grad;
  Transformer model{nullptr};
  TokenBatch batch;
  SpikePositions places{{{0, 0}, {0, 5}, {1, 2}, {2, 8}}};  // as if they spiked
};

TEST_P(EveryArchitectureTest, EveryTokenIsInAGroup) {
  SpikeTokens spikes;
  GateLinearity gates(places);
  SparseConstants constants(places);
  run(model, {batch}, {&spikes, &gates, &constants});
  EXPECT_EQ(spikes.result().tokens, kRows * kWidth);
  const auto& config = model->config();
  EXPECT_EQ(spikes.result().states.size(), static_cast<size_t>(2 * config.n_layers));
  int64_t dense = 0;
  for (int64_t layer = 0; layer < config.n_layers; ++layer)
    dense += !config.layer(layer).has_experts;
  EXPECT_EQ(gates.result().blocks.size(), static_cast<size_t>(config.gated ? dense : 0));
  for (const auto& block : gates.result().blocks) {
    EXPECT_EQ(block.spike.cosine.count, 4);
    EXPECT_EQ(block.ordinary.cosine.count, kRows * kWidth - 4);
  }
  EXPECT_FALSE(constants.result().norms.empty());
  for (const auto& norm : constants.result().norms) {
    for (const auto* side : {&norm.before, &norm.after}) {
      EXPECT_EQ(side->spike.count, 4) << norm.name;
      EXPECT_EQ(side->ordinary.count, kRows * kWidth - 4) << norm.name;
    }
    EXPECT_LE(norm.after.ordinary.largest, std::sqrt(config.d_model) * (1 + 1e-6)) << norm.name;
  }
}

TEST_P(EveryArchitectureTest, SpikeTokensAreComparedAroundEveryBlock) {
  for (int64_t number = 1; number <= 2 * model->config().n_layers; ++number) {
    SpikeCosines cosines(places, Block{number});
    run(model, {batch}, {&cosines});
    const auto result = cosines.result();
    EXPECT_FALSE(result.norm.empty());
    EXPECT_GE(result.norm_after_block, number);
    for (const auto* group : {&result.spike, &result.ordinary}) {
      ASSERT_EQ(group->tokens.size(), 4u);
      for (const auto* point : {&group->before, &group->after, &group->normalized}) {
        ASSERT_EQ(point->matrix.size(), 4u);
        EXPECT_NEAR(point->matrix[3][3], 1, 1e-12);
        EXPECT_TRUE(std::isfinite(point->median));
      }
    }
  }
}

TEST_P(EveryArchitectureTest, SelfAttentionIsTheDiagonal) {
  SelfAttention attention(places);
  run(model, {batch}, {&attention});
  const auto cache = run_with_cache(model, batch.ids, {"blocks.*.attn.hook_pattern"});
  for (const auto& head : attention.result().heads) {
    const auto kept = cache[hook_names::layer_hook_name(head.layer, hook_names::kPattern)]
                          .select(1, head.head)
                          .diagonal(0, 1, 2);  // [B, T]
    const auto spike = (kept[0][5] + kept[1][2] + kept[2][8]).item<double>() / 3;
    EXPECT_NEAR(head.attention.spike, spike, 1e-5);
    EXPECT_NEAR(head.attention.first, kept.select(1, 0).mean().item<double>(), 1e-5);
    EXPECT_TRUE(std::isnan(head.attention.delimiter));
  }
}

TEST_P(EveryArchitectureTest, LocalityIsThatOfTheMatrix) {
  AttentionLocality locality({.epsilon = 1, .common_sinks = {.positions = {}}});
  run(model, {batch}, {&locality});
  const auto cache = run_with_cache(model, batch.ids, {"blocks.*.attn.hook_pattern"});
  const auto position = torch::arange(kWidth);
  const auto distance = (position.unsqueeze(1) - position).abs();
  for (const auto& head : locality.result().heads) {
    const auto pattern = cache[hook_names::layer_hook_name(head.layer, hook_names::kPattern)]
                             .select(1, head.head)
                             .to(torch::kDouble);  // [B, T, T]
    const auto& measured = head.without_sinks.measured;
    EXPECT_NEAR(measured.attention, pattern.sum(2).mean().item<double>(), 1e-5);
    EXPECT_NEAR(measured.mean_distance, ((pattern * distance).sum() / pattern.sum()).item<double>(),
                1e-4);
  }
}

// Every key is a combination of all rows of W_K, which latent attention does not have.
TEST_P(EveryArchitectureTest, KeysLieInTheSpanOfAllRows) {
  SinkKeySpanOptions options;
  for (int64_t channel = 0; channel < model->config().d_model; ++channel)
    options.channels.push_back(channel);
  SinkKeySpan span(options);
  run(model, {batch}, {&span});
  const auto& config = model->config();
  const size_t layers = config.latent.kv_rank > 0 ? 0 : config.attention_layers().size();
  ASSERT_EQ(span.result().heads.size(), layers * static_cast<size_t>(config.n_key_value_heads));
  for (const auto& head : span.result().heads) {
    EXPECT_EQ(head.sinks.share.count, kRows);
    EXPECT_EQ(head.others.share.count, kRows * (kWidth - 1));
    EXPECT_NEAR(head.sinks.share.mean, 1, 1e-6);
    EXPECT_NEAR(head.others.share.mean, 1, 1e-6);
  }
}

// Eqs. 27 and 28 over whole matrices in float64.
TEST_P(EveryArchitectureTest, PaperSinksAreThoseOfTheMatrix) {
  Transformer exact = load_model(GetParam().path, {.dtype = torch::kDouble});
  const auto cache = run_with_cache(exact, batch.ids, {"blocks.*.attn.hook_pattern"});
  const int64_t paper_length = exact->config().causal ? 7 : kWidth;  // shorter than the sequence
  const auto numbers = exact->config().attention_layers();
  std::vector<torch::Tensor> layers;
  for (const int64_t layer : numbers) {
    const auto pattern = cache[hook_names::layer_hook_name(layer, hook_names::kPattern)]
                             .slice(2, 0, paper_length)
                             .slice(3, 0, paper_length / 2);
    layers.push_back((pattern.sum(2) / paper_length).amax(2));  // [B, H]
  }
  const auto importance = at::stack(layers);  // [layers, B, H]
  const auto sorted = std::get<0>(importance.flatten().sort());
  const int64_t middle = sorted.numel() / 2;  // epsilon lies between two of the values
  const double epsilon = ((sorted[middle - 1] + sorted[middle]) / 2).item<double>();
  AttentionSinks sinks({.epsilon = epsilon, .paper_length = 7});
  run(exact, {batch}, {&sinks});
  const auto result = sinks.result();
  const auto exceeding = (importance > epsilon).to(torch::kDouble);
  const auto heads = static_cast<size_t>(exact->config().n_heads);
  ASSERT_EQ(result.paper.heads.size(), numbers.size() * heads);
  for (const auto& head : result.paper.heads) {
    const auto index = std::ranges::find(numbers, head.layer) - numbers.begin();
    EXPECT_NEAR(head.importance, importance[index].select(1, head.head).mean().item<double>(),
                1e-12);
    EXPECT_NEAR(head.share_of_sequences,
                exceeding[index].select(1, head.head).mean().item<double>(), 1e-12);
  }
  EXPECT_NEAR(result.sink_ratio_percent(SinkDefinition::kPaper),
              100 * exceeding.mean().item<double>(), 1e-9);
}

TEST_P(EveryArchitectureTest, PaperSinksAreAtLeastThoseOfKeyZero) {
  for (const double epsilon : {0.05, 0.1, 0.3}) {
    AttentionSinks sinks({.epsilon = epsilon});
    run(model, {batch}, {&sinks});
    EXPECT_GE(sinks.result().sink_ratio_percent(SinkDefinition::kPaper),
              sinks.result().sink_ratio_percent(SinkDefinition::kGu));
  }
}

// Where the stream begins with the token embedding alone.
TEST_P(EveryArchitectureTest, TheFirstNormOfTheVocabularyIsThatOfAText) {
  const auto result = first_norm(model);
  if (!result) return;
  EXPECT_EQ(result->cosines.size(), static_cast<size_t>(model->config().d_vocabulary));
  ASSERT_EQ(result->l2_norms.size(), result->cosines.size());
  if (model->position_embedding.defined() || model->token_type_embedding.defined()) return;
  const auto point =
      result->norm == "embed.ln"
          ? std::string(hook_names::kFullEmbed)
          : hook_names::layer_hook_name(
                0, model->layers[0]->attn ? hook_names::kAttentionIn : hook_names::kDeltaIn);
  const auto states = run_with_cache(model, batch.ids, {point})[point].to(torch::kDouble);
  const auto expected = states.norm(2, {2}).flatten();  // [B T]
  const auto ids = batch.ids.flatten();
  for (int64_t token = 0; token < ids.numel(); ++token) {
    const double norm = expected[token].item<double>();
    EXPECT_NEAR(result->l2_norms[ids[token].item<int64_t>()], norm, 1e-4 * norm);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, EveryArchitectureTest, testing::ValuesIn(golden_models()),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace spikesink
