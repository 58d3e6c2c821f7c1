#include "spikesink/intervene/streaming.h"

#include <gtest/gtest.h>

#include <cmath>

#include "measure/attention_models.h"
#include "message_of.h"

namespace spikesink {
namespace {

struct StreamingTest : testing::Test {
  torch::NoGradGuard no_grad;
  torch::Tensor tokens = random_tokens(1, 40);

  static Transformer layers(int64_t count, Alibi alibi = Alibi::kNone) {
    auto config = tiny_config();
    config.n_layers = count;
    config.alibi = alibi;
    if (alibi != Alibi::kNone) config.ropes.clear();
    return random_model(config, torch::kDouble);
  }
};

TEST_F(StreamingTest, WithoutEvictionItIsFullAttention) {
  auto model = layers(2);
  StreamingCache cache({.first = 2, .window = 38});
  const auto whole = model->forward(tokens);
  for (int64_t first = 0; first < 40; first += 10) {
    const auto part = cache.forward(model, tokens.slice(1, first, first + 10));
    EXPECT_TRUE(at::allclose(part, whole.slice(1, first, first + 10), 1e-9, 1e-11));
  }
}

// Keys and values of one layer know no other token: each step is a fresh pass over what is kept.
TEST_F(StreamingTest, AfterEvictionOneLayerSeesAFreshTextOfTheKeptTokens) {
  for (const auto alibi : {Alibi::kNone, Alibi::kExact}) {
    auto model = layers(1, alibi);
    for (const int64_t first : {0, 3}) {
      StreamingCache cache({.first = first, .window = 6});
      for (int64_t now = 0; now < 40; ++now) {
        const auto logits = cache.forward(model, tokens.slice(1, now, now + 1));
        std::vector<int64_t> kept;
        for (int64_t position = 0; position <= now; ++position) {
          if (position < first || position > now - 6) kept.push_back(position);
        }
        ASSERT_EQ(cache.kept(), kept) << now;
        const auto fresh = model->forward(tokens.index_select(1, torch::tensor(kept)));
        EXPECT_TRUE(at::allclose(logits, fresh.slice(1, -1), 1e-9, 1e-11)) << now;
      }
    }
  }
}

// Deeper keys were made with tokens that have left since: against a reckoning that keeps each
// layer's input states of all tokens, as each token's own step saw them.
TEST_F(StreamingTest, TwoLayersAgainstAStepByStepRecomputation) {
  auto model = layers(2);
  StreamingCache cache({.first = 2, .window = 5});
  std::vector<torch::Tensor> seen_by_second;  // the stream that the second layer read of each token
  for (int64_t now = 0; now < 40; ++now) {
    std::vector<int64_t> kept;
    for (int64_t position = 0; position <= now; ++position) {
      if (position < 2 || position > now - 5) kept.push_back(position);
    }
    const auto ids = tokens.index_select(1, torch::tensor(kept));
    const auto point = "blocks.0.hook_resid_post";
    seen_by_second.push_back(run_with_cache(model, ids, {point})[point].slice(1, -1));
    std::vector<torch::Tensor> states;
    for (const int64_t position : kept) states.push_back(seen_by_second[position]);
    const auto expected = run_with_hooks(
        model, ids, {{point, [&](const torch::Tensor&) { return at::cat(states, 1); }}});
    EXPECT_TRUE(at::allclose(cache.forward(model, tokens.slice(1, now, now + 1)),
                             expected.slice(1, -1), 1e-9, 1e-11))
        << now;
  }
}

TEST_F(StreamingTest, KeptTokensStayAtAnyPosition) {
  auto model = layers(1);
  auto ids = torch::arange(40).unsqueeze(0);
  const CachePolicy policy{.first = 1, .window = 4, .kept_ids = {5, 6, 20}, .most_kept = 2};
  StreamingCache cache(policy);
  for (int64_t now = 0; now < 40; now += 2) {
    cache.forward(model, ids.slice(1, now, now + 2));
    EXPECT_LE(cache.cache().length(), policy.capacity());
    if (now == 12) {
      EXPECT_EQ(cache.kept(), (std::vector<int64_t>{0, 5, 6, 10, 11, 12, 13}));
    }
  }
  EXPECT_EQ(cache.kept(), (std::vector<int64_t>{0, 6, 20, 36, 37, 38, 39}));
}

TEST_F(StreamingTest, StretchesAreLossesOfTheirTokens) {
  auto model = layers(2);
  const auto result = evaluate_streaming(model, tokens[0], {.first = 2, .window = 60},
                                         {.step = 7, .segment_length = 16});
  const auto loss = -at::log_softmax(model->forward(tokens).slice(1, 0, -1), -1)
                         .gather(2, tokens.slice(1, 1).unsqueeze(2))
                         .flatten();
  ASSERT_EQ(result.losses.size(), 3u);
  for (int64_t index = 0; index < 3; ++index) {
    const auto part = loss.slice(0, 16 * index, 16 * index + 16);
    EXPECT_EQ(result.losses[index].count, part.size(0));
    EXPECT_NEAR(result.losses[index].mean, part.mean().item<double>(), 1e-5);
  }
  EXPECT_EQ(result.cache_bytes, 2 * 2 * 39 * 2 * 8 * 8);
  const auto bounded = evaluate_streaming(model, tokens[0], {.first = 2, .window = 7}, {.step = 7});
  EXPECT_EQ(bounded.cache_bytes, 2 * 2 * 9 * 2 * 8 * 8);
}

TEST_F(StreamingTest, InvalidArgumentsAreRefused) {
  auto model = layers(1);
  EXPECT_THROW(StreamingCache({.window = 0}), std::invalid_argument);
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] {
                         evaluate_streaming(model, tokens[0], {.first = 0, .window = 4},
                                            {.step = 5});
                       }),
                       "step 5"));
  EXPECT_THROW(evaluate_streaming(model, tokens, {}), std::invalid_argument);
  EXPECT_THROW(evaluate_streaming(model, tokens[0].slice(0, 0, 1), {}), std::invalid_argument);
  StreamingCache cache({.first = 0, .window = 4});
  EXPECT_THROW(cache.forward(model, tokens.slice(1, 0, 5)), std::invalid_argument);
  EXPECT_NO_THROW(cache.forward(model, tokens.slice(1, 0, 4)));
}

}  // namespace
}  // namespace spikesink
