// The rules that every hook point of a model keeps.

#include <gtest/gtest.h>

#include "message_of.h"
#include "spikesink/hooks/hook_names.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

using namespace hook_names;

struct HookRulesTest : testing::Test {
  torch::NoGradGuard no_grad;
  Transformer model = random_model();
  torch::Tensor tokens = random_tokens(2, 12);

  torch::Tensor logits_with(const std::string& pattern, const Hook& hook) {
    const auto scope = model->hooks().add(pattern, hook);
    return model->forward(tokens);
  }
  static bool forms_matrices(const std::string& name) {
    return name.ends_with(kScores) || name.ends_with(kPattern);
  }
};

TEST_F(HookRulesTest, EveryPointFiresExactlyOnceInTheOrderOfTheNames) {
  std::vector<std::string> fired;
  logits_with("**", [&](const torch::Tensor&, const std::string& name) { fired.push_back(name); });
  EXPECT_EQ(fired, model->hooks().names());
}

TEST_F(HookRulesTest, WatchingChangesNoLogit) {
  const auto expected = model->forward(tokens);
  for (const auto& name : model->hooks().names()) {
    const auto got = logits_with(name, [](const torch::Tensor&) {});
    if (forms_matrices(name)) {
      EXPECT_TRUE(at::allclose(got, expected, 1e-5, 1e-5)) << name;
    } else {
      EXPECT_TRUE(got.equal(expected)) << name;
    }
  }
}

TEST_F(HookRulesTest, AReplacementReachesTheLogits) {
  for (const auto& name : model->hooks().names()) {
    const auto expected = logits_with(name, [](const torch::Tensor&) {});
    const auto got = logits_with(name, [](const torch::Tensor& x) {
      auto changed = x.clone();
      changed.select(0, 0) += torch::randn(x[0].sizes()).abs();
      return changed;
    });
    EXPECT_FALSE(at::allclose(got[0], expected[0])) << name;
    EXPECT_TRUE(got[1].equal(expected[1])) << name << ": the other sequence is left alone";
  }
}

TEST_F(HookRulesTest, AnotherShapeThrowsAtEveryPoint) {
  for (const auto& name : model->hooks().names()) {
    const auto message = message_of<std::invalid_argument>(
        [&] { logits_with(name, [](const torch::Tensor& x) { return x.unsqueeze(0); }); });
    EXPECT_TRUE(holds(message, name));
  }
  EXPECT_EQ(model->hooks().active(), 0u);
}

TEST_F(HookRulesTest, OutputsAreExactlyWhatIsAddedToTheStream) {
  const auto cache = run_with_cache(model, tokens, {"blocks.**"});
  for (int64_t layer = 0; layer < model->config().n_layers; ++layer) {
    const auto at = [&](std::string_view point) { return cache[in_block(layer, point)]; };
    EXPECT_TRUE(at(kResidMid).equal(at(kResidPre) + at(kAttnOut)));
    EXPECT_TRUE(at(kResidPost).equal(at(kResidMid) + at(kMlpOut)));
  }
}

TEST_F(HookRulesTest, AnUnknownNameThrowsWithTheNearest) {
  const auto message = message_of<std::invalid_argument>(
      [&] { run_with_cache(model, tokens, {"blocks.0.hook_resid_pots"}); });
  EXPECT_TRUE(holds(message, "blocks.0.hook_resid_post"));
  EXPECT_EQ(model->hooks().active(), 0u);
}

TEST_F(HookRulesTest, HooksComeOffAfterAnException) {
  EXPECT_THROW(run_with_hooks(model, tokens,
                              {{"hook_embed",
                                [](const torch::Tensor&) { throw std::runtime_error("mine"); }}}),
               std::runtime_error);
  EXPECT_EQ(model->hooks().active(), 0u);
}

TEST_F(HookRulesTest, ALargerDenominatorScalesTheAttentionEitherWay) {
  const std::string lse = in_block(0, kLse);
  const Hook double_it = [](const torch::Tensor& x) { return x + std::log(2.0); };
  const auto halved = run_with_hooks(
      model, tokens, {{in_block(0, kZ), [](const torch::Tensor& z) { return z * 0.5; }}});
  EXPECT_TRUE(at::allclose(run_with_hooks(model, tokens, {{lse, double_it}}), halved, 1e-4, 1e-5));
  const auto explicit_path = run_with_hooks(
      model, tokens, {{lse, double_it}, {in_block(0, kPattern), [](const torch::Tensor&) {}}});
  EXPECT_TRUE(at::allclose(explicit_path, halved, 1e-4, 1e-5));
}

}  // namespace
}  // namespace spikesink
