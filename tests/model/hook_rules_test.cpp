// The rules that every hook point of every architecture keeps.

#include <gtest/gtest.h>

#include "golden_models.h"
#include "message_of.h"
#include "one_thread.h"
#include "spikesink/hooks/hook_names.h"
#include "spikesink/model/load_model.h"

namespace spikesink {
namespace {

using namespace hook_names;

class HookRulesTest : public testing::TestWithParam<GoldenModel> {
 protected:
  HookRulesTest() : model(load_model(GetParam().path)) {
    torch::manual_seed(2);
    tokens = torch::randint(model->config().d_vocabulary, {2, 9}, torch::kLong);
  }

  torch::Tensor logits_with(const std::string& pattern, const Hook& hook) {
    const auto scope = model->hooks().add(pattern, hook);
    return model->forward(tokens);
  }
  static bool forms_matrices(const std::string& name) {
    return name.ends_with(kScores) || name.ends_with(kPattern);
  }
  // Points inside an expert see the tokens that chose it, in whatever sequence they are.
  static bool mixes_sequences(const std::string& name) {
    return name.find(".experts.") != std::string::npos ||
           name.find(".mlp.shared.") != std::string::npos;
  }
  // Which tokens an expert takes together decides the order of its sums.
  bool is_same(const torch::Tensor& got, const torch::Tensor& expected) const {
    return model->config().experts.count > 0 ? at::allclose(got, expected, 1e-4, 1e-5)
                                             : got.equal(expected);
  }
  torch::Tensor changed(const torch::Tensor& value) const {
    auto other = value.clone();
    if (value.is_floating_point()) {
      other.select(0, 0) += torch::randn(value[0].sizes()).abs();
    } else {
      other.select(0, 0) = (value[0] + 1) % model->config().experts.count;
    }
    return other;
  }

  OneThread one_thread;
  torch::NoGradGuard no_grad;
  Transformer model{nullptr};
  torch::Tensor tokens;
};

TEST_P(HookRulesTest, EveryPointFiresExactlyOnceInTheOrderOfTheNames) {
  std::vector<std::string> fired;
  logits_with("**", [&](const torch::Tensor&, const std::string& name) { fired.push_back(name); });
  EXPECT_EQ(fired, model->hooks().names());
}

TEST_P(HookRulesTest, WatchingChangesNoLogit) {
  const auto expected = model->forward(tokens);
  for (const auto& name : model->hooks().names()) {
    const auto got = logits_with(name, [](const torch::Tensor&) {});
    if (forms_matrices(name)) {
      EXPECT_TRUE(at::allclose(got, expected, 1e-4, 1e-4)) << name;
    } else {
      EXPECT_TRUE(got.equal(expected)) << name;
    }
  }
}

TEST_P(HookRulesTest, AReplacementReachesTheLogits) {
  for (const auto& name : model->hooks().names()) {
    bool empty = false;
    const auto expected =
        logits_with(name, [&](const torch::Tensor& x) { empty = x.numel() == 0; });
    if (empty) continue;  // an expert that no token chose
    const auto got = logits_with(name, [&](const torch::Tensor& x) { return changed(x); });
    EXPECT_FALSE(at::allclose(got, expected)) << name;
    if (!mixes_sequences(name)) {
      EXPECT_TRUE(is_same(got[1], expected[1])) << name << ": the other sequence is left alone";
    }
  }
}

TEST_P(HookRulesTest, AnotherShapeThrowsAtEveryPoint) {
  for (const auto& name : model->hooks().names()) {
    const auto message = message_of<std::invalid_argument>(
        [&] { logits_with(name, [](const torch::Tensor& x) { return x.unsqueeze(0); }); });
    EXPECT_TRUE(contains(message, name));
  }
  EXPECT_EQ(model->hooks().hook_count(), 0u);
}

TEST_P(HookRulesTest, OutputsAreExactlyWhatIsAddedToTheStream) {
  const auto cache = run_with_cache(model, tokens, {"blocks.**"});
  const bool post_norm = model->config().norm_placement == NormPlacement::kPost;
  for (int64_t layer = 0; layer < model->config().n_layers; ++layer) {
    const auto at = [&](std::string_view point) { return cache[layer_hook_name(layer, point)]; };
    EXPECT_TRUE(at(kResidMid).equal(at(kResidPre) + at(kAttnOut)));
    EXPECT_TRUE(
        at(kResidPost).equal(at(post_norm ? kNormalizedResidMid : kResidMid) + at(kMlpOut)));
  }
}

TEST_P(HookRulesTest, TheHiddenStateIsWhatTheNextLayerReads) {
  const auto cache = run_with_cache(model, tokens, {"blocks.**"});
  for (int64_t layer = 0; layer + 1 < model->config().n_layers; ++layer) {
    const auto last = Block::of(layer, BlockKind::kFeedForward);
    EXPECT_TRUE(cache[model->hidden_state_hook_name(last)].equal(
        cache[layer_hook_name(layer + 1, kResidPre)]));
  }
}

TEST_P(HookRulesTest, AnUnknownNameThrowsWithTheNearest) {
  const auto message = message_of<std::invalid_argument>(
      [&] { run_with_cache(model, tokens, {"blocks.0.hook_resid_pots"}); });
  EXPECT_TRUE(contains(message, "blocks.0.hook_resid_post"));
  EXPECT_EQ(model->hooks().hook_count(), 0u);
}

TEST_P(HookRulesTest, HooksAreRemovedAfterAnException) {
  EXPECT_THROW(run_with_hooks(model, tokens,
                              {{"hook_embed",
                                [](const torch::Tensor&) { throw std::runtime_error("mine"); }}}),
               std::runtime_error);
  EXPECT_EQ(model->hooks().hook_count(), 0u);
}

TEST_P(HookRulesTest, ALargerDenominatorScalesTheAttentionEitherWay) {
  const int64_t layer = model->config().attention_layers().front();
  const std::string lse = layer_hook_name(layer, kLse);
  const Hook double_it = [](const torch::Tensor& x) { return x + std::log(2.0); };
  const auto halved = run_with_hooks(
      model, tokens,
      {{layer_hook_name(layer, kZ), [](const torch::Tensor& z) { return z * 0.5; }}});
  EXPECT_TRUE(at::allclose(run_with_hooks(model, tokens, {{lse, double_it}}), halved, 1e-4, 1e-4));
  const auto explicit_path = run_with_hooks(
      model, tokens,
      {{lse, double_it}, {layer_hook_name(layer, kPattern), [](const torch::Tensor&) {}}});
  EXPECT_TRUE(at::allclose(explicit_path, halved, 1e-4, 1e-4));
}

INSTANTIATE_TEST_SUITE_P(Models, HookRulesTest, testing::ValuesIn(golden_models()),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace spikesink
