#include "spikesink/intervene/add_prefix.h"

#include <gtest/gtest.h>

#include "measure/attention_models.h"
#include "message_of.h"
#include "spikesink/hooks/hook_names.h"
#include "spikesink/intervene/compare_interventions.h"
#include "spikesink/intervene/edit_channels.h"

namespace spikesink {
namespace {

struct AddPrefixTest : testing::Test {
  torch::NoGradGuard no_grad;
  Transformer model = random_model(tiny_config(), torch::kDouble);
  TokenBatches batches = batches_of_lengths({12});

  double mean_loss(const torch::Tensor& logits) const {  // of the text's last 12 tokens
    const auto ids = batches[0].ids;
    return -at::log_softmax(logits.slice(1, -12, -1), -1)
                .gather(2, ids.slice(1, 1).unsqueeze(2))
                .mean()
                .item<double>();
  }
};

TEST_F(AddPrefixTest, CompareCountsOnlyTheText) {
  const auto rows = compare_interventions(
      model, batches, {{"prefix", {std::make_shared<AddPrefix>(std::vector<int64_t>{9, 4})}}});
  const auto longer = with_prefix(batches[0], {9, 4});
  EXPECT_EQ(longer.ids[1][0].item<int64_t>(), 9);
  EXPECT_TRUE(longer.ids.slice(1, 2).equal(batches[0].ids));
  EXPECT_NEAR(rows[1].perplexity.mean_loss, mean_loss(model->forward(longer.ids)), 1e-5);
  EXPECT_EQ(rows[1].perplexity.tokens, rows[0].perplexity.tokens);
  EXPECT_EQ(rows[1].perplexity.by_position.size(), 12);
  EXPECT_EQ(rows[1].next_key, 2);
  AttentionSinks sinks({.keys = {0, 2}});
  run(model, {longer}, {&sinks});
  for (const int64_t key : {0, 2})
    EXPECT_EQ(rows[1].sinks.sink_ratio_percent(SinkDefinition::kFAttn, key),
              sinks.result().sink_ratio_percent(SinkDefinition::kFAttn, key));
}

TEST_F(AddPrefixTest, RegistersReplaceEmbeddings) {
  const auto vectors = torch::randn({2, 32}, torch::kDouble);
  const AddPrefix prefix(vectors);
  const auto batch = with_prefix(batches[0], prefix.prefix_tokens());
  torch::Tensor seen;
  {
    const auto scope = prefix.attach(model);
    seen = run_with_cache(model, batch.ids, {"hook_embed"})["hook_embed"];
  }
  const auto text = at::embedding(model->embedding, batches[0].ids);
  EXPECT_TRUE(seen.equal(at::cat({vectors.expand({2, 2, 32}), text}, 1)));
}

TEST_F(AddPrefixTest, TokenPositionsMoveWithThePrefix) {
  const TextPositions tokens{SpikePositions({{1, 5}})};
  const auto edit =
      std::make_shared<EditChannels>(std::vector<int64_t>{3}, SetTo{7}, EditSites{{{0}}, tokens});
  const auto batch = with_prefix(batches[0], {9});
  const auto scope = edit->attach_for_batch(model, batch);
  const auto point = hook_names::layer_hook_name(0, hook_names::kResidPost);
  const auto edited = run_with_cache(model, batch.ids, {point})[point].select(2, 3) == 7;
  EXPECT_EQ(edited.sum().item<int64_t>(), 1);
  EXPECT_TRUE(edited[1][6].item<bool>());
}

TEST_F(AddPrefixTest, InvalidArgumentsAreRefused) {
  const AddPrefix one({5}), far({61});
  EXPECT_THROW(AddPrefix(std::vector<int64_t>{}), std::invalid_argument);
  EXPECT_THROW(AddPrefix(torch::ones({3})), std::invalid_argument);
  EXPECT_EQ(message_of<std::invalid_argument>([&] { auto scope = far.attach(model); }),
            "[AddPrefix] token: got 61, expected 0 to 60");
  EXPECT_EQ(message_of<std::invalid_argument>([&] {
              auto scope = AddPrefix(torch::ones({1, 5})).attach(model);
            }),
            "[AddPrefix] registers: got [1, 5], expected [n, 32]");
  const auto scope = one.attach(model);
  EXPECT_THROW(one.attach(model).reset(), std::invalid_argument);
}

}  // namespace
}  // namespace spikesink
