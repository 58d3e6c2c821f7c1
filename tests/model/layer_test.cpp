#include "spikesink/model/layer.h"

#include <gtest/gtest.h>

#include "tiny_model.h"

namespace spikesink {
namespace {

struct LayerTest : testing::Test {
  torch::NoGradGuard no_grad;
  torch::Tensor stream;
  PassContext positions;  // nothing is turned

  LayerTest() {
    torch::manual_seed(5);
    stream = torch::randn({2, 6, tiny_config().d_model}, torch::kDouble);
  }
  static Transformer model_of(NormPlacement placement, ResidualForm residual) {
    auto config = tiny_config();
    config.layers.assign(2, {.rope = LayerConfig::kNoRope});
    config.norm_placement = placement;
    config.residual = residual;
    config.residual_multiplier = 0.5;
    return random_model(config, torch::kDouble);
  }
};

TEST_F(LayerTest, EveryNormPlacementIsItsEquation) {
  for (const auto placement : {NormPlacement::kPre, NormPlacement::kPost, NormPlacement::kSandwich,
                               NormPlacement::kOutput}) {
    auto model = model_of(placement, ResidualForm::kSequential);
    auto& layer = model->layers[0];
    const auto block = [&](BlockNorms& norms, const torch::Tensor& x, auto function) {
      return norms.sum(x + 0.5 * norms.output(function(norms.input(x))));
    };
    const auto middle = block(layer->attention_norms, stream, [&](const torch::Tensor& x) {
      return layer->attn->forward(x, positions);
    });
    const auto expected = block(layer->feed_forward_norms, middle,
                                [&](const torch::Tensor& x) { return layer->mlp->forward(x); });
    EXPECT_TRUE(at::allclose(layer->forward(stream, positions), expected, 1e-12, 1e-12))
        << to_string(placement);
  }
}

TEST_F(LayerTest, ParallelBlocksReadTheSameStream) {
  for (const auto form : {ResidualForm::kParallelSharedNorm, ResidualForm::kParallelOwnNorms}) {
    auto model = model_of(NormPlacement::kPre, form);
    auto& layer = model->layers[0];
    const auto first = layer->attention_norms.input(stream);
    const auto second =
        form == ResidualForm::kParallelSharedNorm ? first : layer->feed_forward_norms.input(stream);
    const auto expected =
        stream + 0.5 * layer->attn->forward(first, positions) + 0.5 * layer->mlp->forward(second);
    EXPECT_TRUE(at::allclose(layer->forward(stream, positions), expected, 1e-12, 1e-12))
        << to_string(form);
  }
}

}  // namespace
}  // namespace spikesink
