#include "spikesink/measure/sinks/effective_sinks.h"

#include <gtest/gtest.h>

#include <cmath>

#include "measure/attention_models.h"
#include "message_of.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

using namespace hook_names;

std::vector<AttentionModel> gated_models() {
  auto models = attention_models();
  for (const auto width : {GateWidth::kChannel, GateWidth::kHead, GateWidth::kToken}) {
    models.push_back({to_string(width), tiny_config()});
    models.back().config.gate = {GateInput::kHidden, width};
  }
  models.push_back({"Hybrid", tiny_hybrid_config()});
  return models;
}

struct EffectiveSinksTest : testing::TestWithParam<AttentionModel> {
  torch::NoGradGuard no_grad;
  Transformer model = random_model(GetParam().config, torch::kDouble);
  torch::Tensor tokens = random_tokens(3, 11);
};

// Against whole matrices: A V with all other columns of A zero, times the gate.
TEST_P(EffectiveSinksTest, TheShareIsThatOfWholeMatrices) {
  const std::vector<int64_t> positions = {0, 2};
  EffectiveSinks sinks({.sinks = {.positions = positions}});
  run(model, {{tokens}}, {&sinks});
  const auto cache = run_with_cache(model, tokens, {"blocks.*.attn.**"});
  const auto result = sinks.result();
  EXPECT_EQ(result.sinks, 6);
  EXPECT_EQ(result.queries, 27);
  const auto& config = model->config();
  ASSERT_EQ(result.heads.size(), config.attention_layers().size() * 4);
  std::vector<int64_t> others;
  for (int64_t token = 0; token < 11; ++token) {
    if (token != 0 && token != 2) others.push_back(token);
  }
  const auto sink = torch::tensor(positions), other = torch::tensor(others);
  for (const auto& head : result.heads) {
    const auto at = [&](std::string_view point) {
      return cache[layer_hook_name(head.layer, point)];
    };
    const auto pattern = at(kPattern).select(1, head.head);                // [B, T, T]
    const auto values = at(kV).select(2, head.head * at(kV).size(2) / 4);  // [B, T, d]
    const auto to_sinks = pattern.index_select(2, sink);
    const auto gate = model->layers[head.layer]->attn->gate
                          ? at(kGate).select(2, at(kGate).size(2) == 1 ? 0 : head.head)
                          : torch::ones({3, 11, 1}, torch::kDouble);
    const auto from_sinks =
        (at::matmul(to_sinks, values.index_select(1, sink)) * gate).index_select(1, other);
    const auto output = at(kZ).select(2, head.head).index_select(1, other);
    EXPECT_NEAR(head.attention, to_sinks.sum(2).index_select(1, other).mean().item<double>(),
                1e-10);
    EXPECT_NEAR(head.output_share,
                ((from_sinks * output).sum() / output.square().sum()).item<double>(), 1e-10);
    EXPECT_NEAR(head.gate, gate.index_select(1, other).mean().item<double>(), 1e-10);
    EXPECT_NEAR(head.gate_at_sinks, gate.index_select(1, sink).mean().item<double>(), 1e-10);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, EffectiveSinksTest, testing::ValuesIn(gated_models()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(EffectiveSinksResultTest, WithoutQueriesItIsUnknown) {
  auto model = random_model();
  EffectiveSinks sinks;
  run(model, {{random_tokens(2, 1)}}, {&sinks});
  ASSERT_FALSE(sinks.result().heads.empty());
  EXPECT_TRUE(std::isnan(sinks.result().heads[0].attention));
  EXPECT_TRUE(std::isnan(sinks.result().heads[0].output_share));
}

}  // namespace
}  // namespace spikesink
