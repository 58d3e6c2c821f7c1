// Sinks by every definition, against whole attention matrices.

#include "spikesink/measure/sinks/attention_sinks.h"

#include <gtest/gtest.h>

#include "measure/measured_model.h"
#include "measure/sinks/attention_matrices.h"

namespace spikesink {
namespace {

using namespace hook_names;

struct AttentionSinksTest : MeasuredModel {};

TEST_F(AttentionSinksTest, AreMeansOfTheMatrix) {
  AttentionSinks first_look;
  run(model, batches, {&first_look});
  const double epsilon = first_look.result().heads[0].importance;  // some heads lie above it
  AttentionSinks sinks({.epsilon = epsilon, .keys = {0, 3}});
  run(model, batches, {&sinks});
  const auto result = sinks.result();
  auto cache = all_of("blocks.*.attn.hook_pattern");
  EXPECT_EQ(result.sequences, kSequences);
  ASSERT_EQ(result.heads.size(), 2u * 4 * 2);
  double exceeding = 0, mean_exceeding = 0;
  for (const auto& head : result.heads) {
    const auto received = cache[layer_hook_name(head.layer, kPattern)]
                              .select(1, head.head)
                              .select(2, head.key)
                              .slice(1, head.key)
                              .mean(1);
    EXPECT_NEAR(head.importance, received.mean().item<double>(), 1e-6);
    EXPECT_NEAR(head.share_of_sequences,
                (received > epsilon).to(torch::kDouble).mean().item<double>(), 1e-12);
    if (head.key != 0) continue;
    exceeding += head.share_of_sequences;
    mean_exceeding += received.mean().item<double>() > epsilon;
  }
  EXPECT_GT(mean_exceeding, 0) << "the test has something to see";
  EXPECT_LT(mean_exceeding, 8);
  EXPECT_NEAR(result.sink_ratio_percent(SinkDefinition::kGu), 100 * exceeding / 8, 1e-9);
  EXPECT_NEAR(result.sink_ratio_percent(SinkDefinition::kMeanFirst), 100 * mean_exceeding / 8,
              1e-9);
  EXPECT_EQ(static_cast<double>(result.sink_heads().size()), mean_exceeding);
}

TEST_F(AttentionSinksTest, TwoPassesMerge) {
  const auto [once, merged] = once_and_merged<AttentionSinks>();
  const auto a = once.result(), b = merged.result();
  EXPECT_EQ(a.sequences, b.sequences);
  for (size_t index = 0; index < a.heads.size(); ++index) {
    EXPECT_NEAR(a.heads[index].importance, b.heads[index].importance, 1e-12);
    EXPECT_EQ(a.heads[index].share_of_sequences, b.heads[index].share_of_sequences);
  }
  EXPECT_EQ(a.paper.sequences, b.paper.sequences);
  for (size_t index = 0; index < a.paper.heads.size(); ++index)
    EXPECT_NEAR(a.paper.heads[index].importance, b.paper.heads[index].importance, 1e-12);
  EXPECT_EQ(a.paper.positions, b.paper.positions);
}

TEST_F(AttentionSinksTest, PaperSinksNameTheirKeysAndTokens) {
  AttentionSinks sinks({.epsilon = 0.0});
  run(model, batches, {&sinks});
  const auto paper = sinks.result().paper;
  int64_t at_first = 0, at_all = 0, of_tokens = 0;
  for (const auto& [key, count] : paper.positions) {
    at_all += count;
    if (key == 0) at_first = count;
  }
  for (const auto& [id, count] : paper.tokens_beyond_first) of_tokens += count;
  EXPECT_EQ(at_all, kSequences * 8) << "with epsilon 0 every head of every sequence has a sink";
  EXPECT_EQ(of_tokens, at_all - at_first);
}

TEST_F(AttentionSinksTest, PaperSinksNeedTwoTokens) {
  AttentionSinks sinks;
  run(model, token_batches({{1}}), {&sinks});
  EXPECT_EQ(sinks.result().paper.sequences, 0);
  EXPECT_TRUE(std::isnan(sinks.result().sink_ratio_percent(SinkDefinition::kPaper)));
  AttentionSinks none({.paper_length = 1});
  EXPECT_THROW(run(model, batches, {&none}), std::invalid_argument);
}

TEST_F(AttentionSinksTest, ASequenceThatEndsBeforeAKeyIsNotCounted) {
  AttentionSinks sinks({.keys = {0, 5}});
  run(model, token_batches({{1, 2, 3, 4, 5, 6, 7}, {1, 2, 3}}), {&sinks});
  const auto both = sinks.result();
  run(model, token_batches({{1, 2, 3, 4, 5, 6, 7}}), {&sinks});
  const auto longer = sinks.result();
  for (size_t index = 0; index < both.heads.size(); ++index) {
    if (both.heads[index].key != 5) continue;
    EXPECT_EQ(both.heads[index].importance, longer.heads[index].importance);
  }
  EXPECT_THROW(longer.sink_ratio_percent(SinkDefinition::kGu, 6), std::invalid_argument);
  run(model, token_batches({{1, 2, 3}}), {&sinks});
  EXPECT_TRUE(std::isnan(sinks.result().sink_ratio_percent(SinkDefinition::kGu, 5)));
}

class SinkDefinitionsTest : public AttentionMatrices {};

TEST_P(SinkDefinitionsTest, EveryDefinitionIsThatOfTheMatrix) {
  for (const int64_t key : {0, 3, 6}) {
    const double epsilon = key == 0 ? 0.2 : 0.05;
    AttentionSinks sinks({.epsilon = epsilon, .keys = {key}});
    run(model, batches, {&sinks});
    std::vector<torch::Tensor> importance, entries;  // [layers, B, H] each
    for (const auto& batch : batches) {
      if (key >= batch.ids.size(1)) continue;
      const auto attention = received(matrices(batch), key);
      importance.push_back(attention.mean(-1));
      entries.push_back((attention > epsilon).to(torch::kDouble).mean(-1));
    }
    const auto alpha = at::cat(importance, 1);
    const auto exceeds = (alpha > epsilon).to(torch::kDouble);
    const auto result = sinks.result();
    const auto expect = [&](SinkDefinition definition, const torch::Tensor& expected) {
      EXPECT_NEAR(result.sink_ratio_percent(definition, key), 100 * expected.item<double>(), 1e-4)
          << to_string(definition) << " of key " << key;
    };
    expect(SinkDefinition::kGu, exceeds.mean());
    expect(SinkDefinition::kMeanFirst, (alpha.mean(1) > epsilon).to(torch::kDouble).mean());
    expect(SinkDefinition::kSoftpick, exceeds.mean(2).mean(1).mean());
    expect(SinkDefinition::kEntry, at::cat(entries, 1).mean());
    expect(SinkDefinition::kFAttn, alpha.mean());
    EXPECT_GT(result.sink_ratio_percent(SinkDefinition::kEntry, key), 0)
        << "the test has something to see";
  }
}

INSTANTIATE_TEST_SUITE_P(Models, SinkDefinitionsTest, testing::ValuesIn(attention_models()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(SinkDefinitionTest, NamesAreThoseOfTheLiterature) {
  EXPECT_EQ(to_string(SinkDefinition::kPaper), "paper");
  EXPECT_EQ(to_string(SinkDefinition::kGu), "gu");
  EXPECT_EQ(to_string(SinkDefinition::kMeanFirst), "mean-first");
  EXPECT_EQ(to_string(SinkDefinition::kSoftpick), "softpick");
  EXPECT_EQ(to_string(SinkDefinition::kEntry), "entry");
  EXPECT_EQ(to_string(SinkDefinition::kFAttn), "f-attn");
}

}  // namespace
}  // namespace spikesink
