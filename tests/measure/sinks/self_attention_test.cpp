// What tokens keep of their attention, against the matrix's diagonal.

#include "spikesink/measure/sinks/self_attention.h"

#include "measure/planted_spikes.h"
#include "measure/sinks/attention_received.h"
#include "message_of.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

const std::vector<int64_t> kWatched = {3, 17, 40};

struct SelfAttentionTest : PlantedSpikes {
  torch::Tensor spikes;

  /// [B, T] of each group.
  PerTokenGroup<torch::Tensor> masks() const {
    auto first = torch::zeros({kSequences, kLength}, torch::kBool);
    first.select(1, 0).fill_(true);
    const auto watched = at::isin(tokens, torch::tensor(kWatched));
    return {.first = first,
            .spike = spikes & ~first,
            .ordinary = ~spikes & ~first,
            .delimiter = watched & ~first};
  }
  SelfAttention measured() {
    SelfAttention attention(places_of(spikes), {.delimiters = kWatched});
    run(model, batches, {&attention});
    return attention;
  }
  void expect_diagonal(double tolerance) {
    spikes = spike_mask();
    const auto result = measured().result();
    const auto of = masks();
    EXPECT_GT(result.tokens.delimiter, 0);
    EXPECT_EQ(result.tokens.first, kSequences);
    EXPECT_EQ(result.tokens.spike, of.spike.sum().item<int64_t>());
    EXPECT_EQ(result.tokens.ordinary, of.ordinary.sum().item<int64_t>());
    EXPECT_EQ(result.tokens.delimiter, of.delimiter.sum().item<int64_t>());
    auto patterns = all_of("blocks.*.attn.hook_pattern");
    const auto heads = model->config().n_heads;
    ASSERT_EQ(static_cast<int64_t>(result.heads.size()), 2 * heads);
    for (const auto& head : result.heads) {
      SCOPED_TRACE("layer " + std::to_string(head.layer) + " head " + std::to_string(head.head));
      const auto kept = patterns[hook_names::layer_hook_name(head.layer, hook_names::kPattern)]
                            .select(1, head.head)
                            .diagonal(0, 1, 2)
                            .to(torch::kDouble);  // [B, T]
      const auto mean = [&](const auto& mask) {
        return kept.masked_select(mask).mean().template item<double>();
      };
      const auto expect = [&](double got, const torch::Tensor& mask) {
        if (mask.any().item<bool>()) {
          EXPECT_NEAR(got, mean(mask), tolerance);
        } else {
          EXPECT_TRUE(std::isnan(got));
        }
      };
      expect(head.attention.first, of.first);
      expect(head.attention.spike, of.spike);
      expect(head.attention.ordinary, of.ordinary);
      expect(head.attention.delimiter, of.delimiter);
    }
  }
};

TEST_F(SelfAttentionTest, MeansOfTheDiagonal) {
  const auto scope = plant();
  expect_diagonal(1e-9);
  EXPECT_TRUE(spikes.slice(1, 1).any().item<bool>());
}

TEST_F(SelfAttentionTest, WithoutSpikes) {
  expect_diagonal(1e-9);
  EXPECT_FALSE(spikes.any().item<bool>());
}

TEST_F(SelfAttentionTest, EveryScoreRule) {
  auto config = tiny_config();
  config.n_key_value_heads = 1;
  config.attention_softcap = 2;
  config.sink_logits = true;
  config.layers = {{.window = 5}, {}};
  auto alibi = tiny_config();
  alibi.ropes.clear();
  alibi.layers = std::vector<LayerConfig>(2, {.rope = LayerConfig::kNoRope});
  alibi.alibi = Alibi::kExact;
  auto encoder = tiny_config();
  encoder.causal = false;
  encoder.n_key_value_heads = 4;
  for (const auto& variant : {config, alibi, encoder}) {
    model = random_model(variant, torch::kDouble);
    const auto scope = plant();
    expect_diagonal(1e-9);
  }
}

TEST_F(SelfAttentionTest, FloatAndBFloat16) {
  model = random_model(tiny_config(), torch::kFloat);
  expect_diagonal(1e-5);
  model = random_model(tiny_config(), torch::kBFloat16);
  expect_diagonal(2e-2);
}

TEST_F(SelfAttentionTest, TwoPassesMerge) {
  const auto scope = plant();
  const auto [once, merged] =
      once_and_merged(SelfAttention(places_of(spike_mask()), {.delimiters = kWatched}));
  const auto a = once.result(), b = merged.result();
  EXPECT_EQ(a.tokens.spike, b.tokens.spike);
  EXPECT_EQ(a.tokens.delimiter, b.tokens.delimiter);
  for (size_t index = 0; index < a.heads.size(); ++index) {
    EXPECT_NEAR(a.heads[index].attention.first, b.heads[index].attention.first, 1e-12);
    EXPECT_NEAR(a.heads[index].attention.spike, b.heads[index].attention.spike, 1e-12);
    EXPECT_NEAR(a.heads[index].attention.ordinary, b.heads[index].attention.ordinary, 1e-12);
  }
}

TEST_F(SelfAttentionTest, ValuesThatAreNotFiniteStayInTheirGroup) {
  const auto scope = model->hooks().add("blocks.1.attn.hook_rot_q", [](const torch::Tensor& q) {
    auto changed = q.clone();
    changed[0][4] = NAN;
    return changed;
  });
  SelfAttention attention(SpikePositions({{0, 4}, {2, 4}, {4, 4}}));
  run(model, batches, {&attention});
  for (const auto& head : attention.result().heads) {
    EXPECT_EQ(std::isnan(head.attention.spike), head.layer == 1);
    EXPECT_TRUE(std::isfinite(head.attention.ordinary));
  }
}

TEST_F(SelfAttentionTest, OtherHeadsDoNotMerge) {
  auto config = tiny_config();
  config.n_layers = 1;
  auto shallow = random_model(config);
  SelfAttention one({}), other({});
  run(model, batches, {&one});
  run(shallow, batches, {&other});
  EXPECT_THROW(one.merge(other), std::invalid_argument);
}

}  // namespace
}  // namespace spikesink
