#include "spikesink/model/kv_cache.h"

#include <gtest/gtest.h>

#include "measure/attention_models.h"
#include "message_of.h"

namespace spikesink {
namespace {

std::vector<AttentionModel> decoders() {
  auto models = attention_models();
  std::erase_if(models, [](const auto& model) { return !model.config.causal; });
  models.push_back({"LearnedPositions", tiny_config()});
  models.back().config.ropes.clear();
  models.back().config.learned_positions = true;
  models.push_back({"QkNorm", tiny_config()});
  models.back().config.qk_norm = QkNorm::kPerHead;
  models.push_back({"QkNormAfterRope", models.back().config});
  models.back().config.qk_norm_after_rope = true;
  models.push_back({"QueryScale", tiny_config()});
  models.back().config.query_scale = {.growth = 0.5, .interval = 20};
  models.push_back({"Hybrid", tiny_hybrid_config()});
  return models;
}

struct KvCacheTest : testing::TestWithParam<AttentionModel> {
  torch::NoGradGuard no_grad;
  Transformer model = random_model(GetParam().config, torch::kDouble);
  torch::Tensor tokens = random_tokens(2, 150);

  torch::Tensor in_parts(KvCache& cache, const std::vector<int64_t>& lengths) {
    std::vector<torch::Tensor> logits;
    int64_t first = 0;
    for (const int64_t length : lengths) {
      logits.push_back(model->forward(tokens.slice(1, first, first + length), {.cache = &cache}));
      first += length;
    }
    return at::cat(logits, 1);
  }
};

TEST_P(KvCacheTest, PartsGiveWhatTheWholeGives) {
  const auto whole = model->forward(tokens);
  KvCache cache;
  EXPECT_TRUE(at::allclose(in_parts(cache, {7, 1, 1, 70, 71}), whole, 1e-9, 1e-11));
  EXPECT_EQ(cache.length(), 150);
  KvCache other;
  const auto watching =
      model->hooks().add("blocks.*.attn.hook_pattern", [](const torch::Tensor&) {});
  EXPECT_TRUE(at::allclose(in_parts(other, {7, 1, 1, 70, 71}), whole, 1e-9, 1e-11));
}

// With one layer keys and values know nothing of other tokens: what is kept is all there ever was.
TEST_P(KvCacheTest, AfterEvictionOneLayerSeesAFreshTextOfTheKeptTokens) {
  auto config = GetParam().config;
  if (config.learned_positions) return;                        // they are in the keys
  if (config.layer(0).mixer != MixerKind::kAttention) return;  // its state forgets no token
  config.n_layers = 1;
  if (!config.layers.empty()) config.layers.resize(1);
  model = random_model(config, torch::kDouble);
  KvCache cache;
  in_parts(cache, {30});
  const std::vector<int64_t> kept = {0, 1, 20, 21, 22, 29};
  cache.keep_only(kept);
  EXPECT_EQ(cache.length(), 6);
  EXPECT_EQ(cache.appended_tokens(), 30);
  const auto next = tokens.slice(1, 30, 35);
  const auto fresh = at::cat({tokens.index_select(1, torch::tensor(kept)), next}, 1);
  EXPECT_TRUE(at::allclose(model->forward(next, {.cache = &cache}),
                           model->forward(fresh).slice(1, 6), 1e-9, 1e-11));
}

INSTANTIATE_TEST_SUITE_P(Models, KvCacheTest, testing::ValuesIn(decoders()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(KvCacheErrorTest, AFailedPassLeavesTheCacheAsItWas) {
  const torch::NoGradGuard no_grad;
  auto model = random_model();
  KvCache cache;
  model->forward(random_tokens(1, 5), {.cache = &cache});
  const auto expected = [&] {
    auto copy = cache;
    return model->forward(random_tokens(1, 3, 4), {.cache = &copy});
  }();
  {
    const auto bad = model->hooks().add("blocks.1.hook_resid_mid",
                                        [](const torch::Tensor& x) { return x.slice(1, 1); });
    EXPECT_THROW(model->forward(random_tokens(1, 3, 4), {.cache = &cache}), std::invalid_argument);
  }
  EXPECT_EQ(cache.length(), 5);
  EXPECT_TRUE(model->forward(random_tokens(1, 3, 4), {.cache = &cache}).equal(expected));
}

TEST(KvCacheErrorTest, InvalidArgumentsAreRefused) {
  const torch::NoGradGuard no_grad;
  auto config = tiny_config();
  config.context = 16;
  auto model = random_model(config);
  KvCache cache;
  model->forward(random_tokens(1, 10), {.cache = &cache});
  EXPECT_TRUE(contains(message_of<std::invalid_argument>(
                           [&] { model->forward(random_tokens(1, 7), {.cache = &cache}); }),
                       "got 7 after 10 in the cache, expected at most 16"));
  EXPECT_THROW(cache.keep_only({3, 3}), std::invalid_argument);
  EXPECT_THROW(cache.keep_only({10}), std::invalid_argument);
  EXPECT_EQ(cache.length(), 10);
  cache.keep_only({0, 9});
  EXPECT_NO_THROW(model->forward(random_tokens(1, 14), {.cache = &cache}));
  config.causal = false;
  config.head = OutputHead::kNone;
  auto encoder = random_model(config);
  KvCache none;
  EXPECT_THROW(encoder->forward(random_tokens(1, 3), {.cache = &none}), std::invalid_argument);
}

}  // namespace
}  // namespace spikesink
