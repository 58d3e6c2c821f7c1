#include "spikesink/intervene/edit_heads.h"

#include <gtest/gtest.h>

#include "message_of.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

struct EditHeadsTest : testing::Test {
  torch::NoGradGuard no_grad;
  Transformer model = random_model(tiny_config(), torch::kDouble);
  torch::Tensor tokens = random_tokens(2, 12);
  torch::Tensor clean = model->forward(tokens);
};

TEST_F(EditHeadsTest, ScaleIsThatOfTheColumnsOfTheOutputProjection) {
  const auto head = [&](int64_t index) {
    return model->layers[1]->attn->o->weight.slice(1, index * 8, (index + 1) * 8);
  };
  torch::Tensor half;
  {
    const auto scope = EditHeads({{{1, 2}, {1, 2}}}, Scale{0.5}).attach(model);
    half = model->forward(tokens);
  }
  EXPECT_TRUE(model->forward(tokens).equal(clean));
  head(2).mul_(0.5);
  EXPECT_TRUE(at::allclose(half, model->forward(tokens), 1e-10, 1e-12));
  EXPECT_FALSE(at::allclose(half, clean));
}

TEST_F(EditHeadsTest, APatchReplacesHeadsByThoseOfAnotherPass) {
  const auto other = random_tokens(2, 12, 9);
  const PatchFrom patch{run_with_cache(model, other, {"blocks.*.attn.hook_z"})};
  const auto point = "blocks.0.attn.hook_z";
  auto expected = run_with_cache(model, tokens, {point})[point].clone();
  expected.select(2, 3).copy_(patch.cache[point].select(2, 3));
  const auto scope = EditHeads({{{0, 3}}}, patch).attach(model);
  EXPECT_TRUE(run_with_cache(model, tokens, {point})[point].equal(expected));
  EXPECT_TRUE(
      contains(message_of<std::invalid_argument>([&] { model->forward(random_tokens(2, 11)); }),
               "the patch is of other sequences: got [2, 12, 4, 8], expected [2, 11, 4, 8]"));
}

TEST_F(EditHeadsTest, PatchingAllHeadsReproducesTheOtherPass) {
  const auto other = random_tokens(2, 12, 9);
  const PatchFrom patch{run_with_cache(model, other, {"blocks.*.attn.hook_z"})};
  const auto attention = "blocks.1.hook_attn_out";
  const auto expected = run_with_cache(model, other, {attention})[attention];
  const auto scope = EditHeads({}, patch).attach(model);
  EXPECT_TRUE(at::allclose(run_with_cache(model, tokens, {attention})[attention], expected));
}

TEST_F(EditHeadsTest, InvalidArgumentsAreRefused) {
  EXPECT_THROW(EditHeads({{{0, 4}}}, Scale{0}).attach(model).reset(), std::invalid_argument);
  EXPECT_THROW(EditHeads({{{0, 0}}}, PatchFrom{}).attach(model).reset(), std::invalid_argument);
  const auto first = EditHeads({{{0, 1}}}, Scale{0}).attach(model);
  EXPECT_TRUE(contains(
      message_of<std::invalid_argument>([&] { auto s = EditHeads({}, Scale{2}).attach(model); }),
      "output of head 1 in layer 0"));
}

TEST_F(EditHeadsTest, AnExceptionInAPassLeavesTheModelAsItWas) {
  EXPECT_ANY_THROW({
    const auto scope = EditHeads({{{0, 1}}}, Scale{0}).attach(model);
    const auto bad = model->hooks().add("blocks.1.hook_resid_mid",
                                        [](const torch::Tensor& x) { return x.slice(1, 1); });
    model->forward(tokens);
  });
  EXPECT_TRUE(model->forward(tokens).equal(clean));
  EXPECT_EQ(model->hooks().hook_count(), 0u);
}

}  // namespace
}  // namespace spikesink
