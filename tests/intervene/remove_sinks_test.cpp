#include "spikesink/intervene/remove_sinks.h"

#include <gtest/gtest.h>

#include "measure/attention_models.h"
#include "message_of.h"
#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/sinks/sinks_anywhere.h"

namespace spikesink {
namespace {

constexpr int64_t kLength = 80;  // more than the queries that are taken together

// What a removal makes of attention matrices [B, H, T, S], computed from its words alone.
using Explicit = std::function<torch::Tensor(const torch::Tensor& pattern)>;

// [T, S], true where the query is another token than the sink.
torch::Tensor others_to(const std::vector<int64_t>& keys) {
  const auto places = torch::arange(kLength);
  return at::isin(places, torch::tensor(keys)).logical_and(places != places.unsqueeze(1));
}

// A softmax with a learned sink does not sum to one: `rest` is the learned sink's share.
torch::Tensor masked(const torch::Tensor& pattern) {
  const auto rest = 1 - pattern.sum(-1, true);
  const auto left = pattern.masked_fill(others_to({0}), 0);
  return left / (left.sum(-1, true) + rest);
}

torch::Tensor capped(const torch::Tensor& pattern, double most) {
  const auto at_sink = others_to({0}).to(pattern.dtype());
  const auto sink = (pattern * at_sink).sum(-1, true);
  const auto kept = sink.clamp_max(most);
  return pattern * (1 - at_sink) * ((1 - kept) / (1 - sink)) + at_sink * kept;
}

struct Removal {
  const char* name;
  SinkRemoval removal;
  std::vector<int64_t> keys;
  Explicit explicitly;
};

std::vector<Removal> removals() {
  return {{"Mask", MaskSink{}, {0}, masked},
          {"Drop",
           DropSinkValue{},
           {0, 7},
           [](const auto& pattern) {
             return pattern.masked_fill(others_to({0, 7}), 0);
           }},
          {"Cap", CapSink{0.01}, {0}, [](const auto& pattern) { return capped(pattern, 0.01); }},
          {"CapOfNothing", CapSink{0.0}, {0}, masked}};
}

struct RemoveSinksTest : testing::TestWithParam<AttentionModel> {
  torch::NoGradGuard no_grad;
  Transformer model = random_model(GetParam().config, torch::kDouble);
  torch::Tensor tokens = random_tokens(2, kLength);

  torch::Tensor with_patterns(const Explicit& change) {
    return run_with_hooks(model, tokens, {{"blocks.*.attn.hook_pattern", change}});
  }
};

TEST_P(RemoveSinksTest, EachRemovalIsItsDefinition) {
  const auto clean = model->forward(tokens);
  for (const auto& removal : removals()) {
    const auto expected = with_patterns(removal.explicitly);
    EXPECT_FALSE(at::allclose(expected, clean, 0, 1e-6)) << removal.name;
    const RemoveSinks remove(removal.removal, {.keys = removal.keys});
    const auto scope = remove.attach(model);
    EXPECT_TRUE(at::allclose(model->forward(tokens), expected, 1e-8, 1e-10)) << removal.name;
    EXPECT_TRUE(at::allclose(
        model->forward(tokens),
        with_patterns([](const torch::Tensor& pattern) { return pattern + 0; }), 1e-8, 1e-10))
        << removal.name << ", watched";
  }
  EXPECT_TRUE(model->forward(tokens).equal(clean));
}

TEST_P(RemoveSinksTest, AnAddedLogitIsOneMoreColumnOfTheSoftmax) {
  for (const double logit : {0.0, 1.5}) {
    auto scores = torch::Tensor();
    const auto seen = model->hooks().add("blocks.*.attn.hook_attn_scores",
                                         [&](const torch::Tensor& value) { scores = value; });
    const auto& config = model->config();
    const auto explicitly = with_patterns([&](const torch::Tensor& pattern) {
      auto column =
          torch::full({scores.size(0), scores.size(1), scores.size(2), 1}, logit, scores.options());
      auto all = at::cat({scores, column}, -1);
      if (config.sink_logits) {  // the pattern already has the learned logit in its denominator
        const auto lse = at::logsumexp(scores, -1, true) - pattern.sum(-1, true).log();
        return at::exp(scores - at::logaddexp(lse, column));
      }
      return at::softmax(all, -1).slice(-1, 0, scores.size(-1));
    });
    const auto scope = RemoveSinks(AddSinkLogit{logit}).attach(model);
    EXPECT_TRUE(at::allclose(model->forward(tokens), explicitly, 1e-8, 1e-10)) << logit;
  }
}

TEST_P(RemoveSinksTest, ChosenHeadsAlone) {
  const auto expected = run_with_hooks(
      model, tokens,
      {{"blocks.1.attn.hook_pattern", [](const torch::Tensor& pattern) {
          auto changed = pattern.clone();
          changed.select(1, 2).copy_(pattern.select(1, 2).masked_fill(others_to({0}), 0));
          return changed;
        }}});
  const auto scope = RemoveSinks(DropSinkValue{}, {.heads = {{{1, 2}}}}).attach(model);
  EXPECT_TRUE(at::allclose(model->forward(tokens), expected, 1e-8, 1e-10));
}

TEST_P(RemoveSinksTest, MeasurementsSeeTheRemainingSinks) {
  const TokenBatches batches = {{tokens, 0}};
  for (const auto& removal : removals()) {
    const auto scope = RemoveSinks(removal.removal, {.keys = removal.keys}).attach(model);
    AttentionSinks sinks({.epsilon = 0.02});
    SinksAnywhere anywhere({.epsilon = 1e-3, .least_queries = 1});
    run(model, batches, {&sinks, &anywhere});
    const auto cache = run_with_cache(model, tokens, {"blocks.*.attn.hook_pattern"});
    for (const auto& head : sinks.result().heads) {
      const auto pattern = cache["blocks." + std::to_string(head.layer) + ".attn.hook_pattern"];
      const double expected =
          pattern.select(1, head.head).select(-1, 0).mean(-1).mean().item<double>();
      EXPECT_NEAR(head.importance, expected, 1e-9) << removal.name;
    }
    for (const auto& head : anywhere.result().heads) {
      const auto pattern = cache["blocks." + std::to_string(head.layer) + ".attn.hook_pattern"];
      const auto received = pattern.select(1, head.head).sum(1);  // [B, S]
      const auto queries = GetParam().config.causal
                               ? torch::arange(kLength, 0, -1, torch::kDouble)
                               : torch::full({kLength}, double(kLength), torch::kDouble);
      const auto sinking = (received / queries) > 1e-3;
      EXPECT_NEAR(head.sinks, sinking.sum().item<double>() / 2, 1e-9) << removal.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, RemoveSinksTest, testing::ValuesIn(attention_models()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(SinkRemovalTest, WithoutSinksTheRatioIsZero) {
  auto model = random_model();
  const TokenBatches batches = {{random_tokens(2, 64), 0}};
  AttentionSinks sinks({.epsilon = 0.02});
  run(model, batches, {&sinks});
  EXPECT_GT(sinks.result().sink_ratio_percent(SinkDefinition::kGu), 0);
  const auto scope = RemoveSinks(MaskSink{}).attach(model);
  run(model, batches, {&sinks});
  EXPECT_EQ(sinks.result().sink_ratio_percent(SinkDefinition::kGu), 0);
}

TEST(SinkRemovalTest, InvalidArgumentsAreRefusedAndTheModelIsUnchanged) {
  auto model = random_model();
  const auto tokens = random_tokens(1, 9);
  const torch::NoGradGuard no_grad;
  const auto clean = model->forward(tokens);
  EXPECT_THROW(RemoveSinks(CapSink{1.0}), std::invalid_argument);
  EXPECT_THROW(RemoveSinks(CapSink{0.5}, {.keys = {0, 1}}), std::invalid_argument);
  EXPECT_THROW(RemoveSinks(MaskSink{}, {.keys = {-1}}), std::invalid_argument);
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] {
                         auto s = RemoveSinks(MaskSink{}, {.heads = {{{2, 0}}}}).attach(model);
                       }),
                       "layer: got 2, expected 0 to 1"));
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] {
                         auto s = RemoveSinks(MaskSink{}, {.heads = {{{1, 4}}}}).attach(model);
                       }),
                       "head: got 4, expected 0 to 3"));
  {
    const auto first = RemoveSinks(AddSinkLogit{}, {.heads = {{{1, 3}}}}).attach(model);
    const auto with_first = model->forward(tokens);
    EXPECT_TRUE(contains(
        message_of<std::invalid_argument>([&] { auto s = RemoveSinks(MaskSink{}).attach(model); }),
        "sinks of head 3 in layer 1"));
    EXPECT_TRUE(model->forward(tokens).equal(with_first));
  }
  EXPECT_TRUE(model->forward(tokens).equal(clean));
  EXPECT_EQ(model->hooks().hook_count(), 0u);
}

}  // namespace
}  // namespace spikesink
