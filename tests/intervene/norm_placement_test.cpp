#include "spikesink/intervene/norm_placement.h"

#include <gtest/gtest.h>

#include <functional>

#include "message_of.h"
#include "spikesink/hooks/hook_names.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

using torch::Tensor;
using Step = std::function<Tensor(const Tensor&)>;
using hook_names::layer_hook_name;

Tensor same(const Tensor& x) {
  return x;
}

Tensor rms(const Tensor& x) {
  return (x.square().mean(-1, true) + 1e-5).sqrt();
}

double median_of(const Tensor& values) {
  return values.flatten().median().item<double>();
}

// A model of one placement, what it does, and its fitted norms under a change.
struct NormPlacementTest : testing::Test {
  torch::NoGradGuard no_grad;
  ModelConfig config = tiny_config();
  Tensor tokens = random_tokens(3, 12);
  Transformer model{nullptr};
  ActivationCache clean;
  std::vector<FittedNorm> norms;

  void make(NormPlacement placement) {
    config.norm_placement = placement;
    model = random_model(config, torch::kDouble);
    clean = run_with_cache(model, tokens, {"**"});
  }

  ActivationCache changed(const NormChange& change,
                          const std::optional<std::vector<Block>>& blocks = {}) {
    norms = fit_norms(model, {tokens, 0}, change, blocks);
    const auto scope = ChangeNorms(norms).attach(model);
    return run_with_cache(model, tokens, {"**"});
  }

  const FittedNorm& fitted(Block block, NormSite site) const {
    for (const auto& norm : norms) {
      if (norm.block.number == block.number && norm.site == site) return norm;
    }
    throw std::out_of_range("not fitted");
  }

  // What the two steps do to a block: x' = sum(x + output(F(input(x)))).
  void expect_block(const ActivationCache& cache, Block block, const Step& front,
                    const Step& output, const Step& sum) {
    const auto at = [&](const char* point) { return cache[layer_hook_name(block.layer(), point)]; };
    const auto& layer = model->layers[block.layer()];
    const bool attention = block.kind() == BlockKind::kAttention;
    const auto read = attention ? at("hook_resid_pre") : at("hook_resid_mid");
    const auto in = attention ? at("attn.hook_in") : at("mlp.hook_in");
    const auto made = attention
                          ? at::matmul(at("attn.hook_z").flatten(2), layer->attn->o->weight.t())
                          : at::matmul(at("mlp.hook_post"), layer->mlp->down->weight.t());
    const auto added = attention ? at("hook_attn_out") : at("hook_mlp_out");
    const auto state = attention ? at("hook_resid_mid") : at("hook_resid_post");
    EXPECT_TRUE(at::allclose(in, front(read), 1e-10, 1e-12)) << "front of " << block.number;
    EXPECT_TRUE(at::allclose(added, output(made), 1e-10, 1e-12)) << "output of " << block.number;
    EXPECT_TRUE(at::allclose(state, sum(read + added), 1e-10, 1e-12)) << "sum of " << block.number;
  }

  Tensor weight(Block block) {
    return model->layers[block.layer()]->norms(block.kind()).input->weight;
  }
  Step norm_before(Block block) {
    return [w = weight(block)](const Tensor& x) { return x / rms(x) * w; };
  }
  Step frozen_before(Block block, double divisor) {
    return [w = weight(block), divisor](const Tensor& x) { return x / divisor * w; };
  }
  static Step normed_to(double gain) {
    return [gain](const Tensor& x) { return gain * x / rms(x); };
  }

  Tensor state(int64_t block) const {  // before it in the clean model
    const Block number{block};
    return clean[layer_hook_name(number.layer(), number.kind() == BlockKind::kAttention
                                                     ? "hook_resid_pre"
                                                     : "hook_resid_mid")];
  }
  double usual_output(Block block) const {
    const auto out = clean[block.output_hook_name()];
    return median_of(out.square().mean(-1).sqrt());
  }
};

TEST_F(NormPlacementTest, SandwichAddsNormsOfTheUsualSize) {
  make(NormPlacement::kPre);
  const auto cache = changed(SetNormPlacement{NormPlacement::kSandwich});
  ASSERT_EQ(norms.size(), 4);
  for (int64_t number = 1; number <= 4; ++number) {
    const Block block{number};
    EXPECT_NEAR(fitted(block, NormSite::kOutput).gain, usual_output(block), 1e-12);
    expect_block(cache, block, norm_before(block), normed_to(usual_output(block)), same);
  }
}

TEST_F(NormPlacementTest, OutputFreezesTheNormsBefore) {
  make(NormPlacement::kPre);
  const auto cache = changed(SetNormPlacement{NormPlacement::kOutput});
  ASSERT_EQ(norms.size(), 8);
  for (int64_t number = 1; number <= 4; ++number) {
    const Block block{number};
    const double divisor = median_of(rms(state(number)));
    EXPECT_NEAR(fitted(block, NormSite::kInput).alpha, 1 / divisor, 1e-12);
    expect_block(cache, block, frozen_before(block, divisor), normed_to(usual_output(block)), same);
  }
}

TEST_F(NormPlacementTest, PostNormsTheSums) {
  make(NormPlacement::kPre);
  const auto cache = changed(SetNormPlacement{NormPlacement::kPost});
  for (int64_t number = 1; number <= 4; ++number) {
    const Block block{number};
    const auto after = number < 4 ? state(number + 1) : clean["blocks.1.hook_resid_post"];
    const double gain = median_of(after.square().mean(-1).sqrt());
    EXPECT_NEAR(fitted(block, NormSite::kSum).gain, gain, 1e-12);
    const double divisor = median_of(rms(state(number)));
    expect_block(cache, block, frozen_before(block, divisor), same, normed_to(gain));
  }
}

TEST_F(NormPlacementTest, ARangeOfBlocksLeavesTheOthers) {
  make(NormPlacement::kPre);
  const auto cache = changed(SetNormPlacement{NormPlacement::kSandwich}, {{Block{2}}});
  for (int64_t number = 1; number <= 4; ++number) {
    const Block block{number};
    expect_block(cache, block, norm_before(block),
                 number == 2 ? normed_to(usual_output(block)) : same, same);
  }
}

TEST_F(NormPlacementTest, OutputAndPostNormsBecomePreNorms) {
  make(NormPlacement::kOutput);
  auto cache = changed(SetNormPlacement{NormPlacement::kPre});
  for (int64_t number = 1; number <= 4; ++number) {
    const Block block{number};
    const auto norm = model->layers[block.layer()]->norms(block.kind()).output->weight;
    const auto name = block.kind() == BlockKind::kAttention ? "ln1_post" : "ln2_post";
    const double divisor =
        median_of(clean[layer_hook_name(block.layer(), std::string(name) + ".hook_scale")]);
    const double gain = median_of(state(number).square().mean(-1).sqrt());
    expect_block(
        cache, block, normed_to(gain), [&](const Tensor& x) { return x / divisor * norm; }, same);
  }
  make(NormPlacement::kPost);
  cache = changed(SetNormPlacement{NormPlacement::kPre}, {{Block{3}}});
  const auto in = clean["blocks.1.hook_resid_pre"];
  EXPECT_NEAR(fitted({3}, NormSite::kInput).gain, median_of(in.square().mean(-1).sqrt()), 1e-12);
  const auto sum = cache["blocks.1.hook_resid_pre"] + cache["blocks.1.hook_attn_out"];
  const double divisor = median_of(clean["blocks.1.ln1.hook_scale"]);
  EXPECT_TRUE(at::allclose(cache["blocks.1.hook_normalized_resid_mid"],
                           sum / divisor * model->layers[1]->attention_norms.sum->weight));
}

TEST_F(NormPlacementTest, DynamicTanhIsTheNearest) {
  make(NormPlacement::kPre);
  const auto cache = changed(UseDynamicTanh{});
  ASSERT_EQ(norms.size(), 5);
  for (const auto& norm : norms) {
    const bool final_norm = norm.site == NormSite::kFinal;
    const auto x = final_norm ? clean["blocks.1.hook_resid_post"] : state(norm.block.number);
    const auto w = final_norm ? model->ln_final->weight : weight(norm.block);
    const auto wanted = x / rms(x) * w;
    const auto error = [&](double alpha, double gain) {
      return ((gain * at::tanh(alpha * x) * w - wanted).norm() / wanted.norm()).item<double>();
    };
    EXPECT_NEAR(error(norm.alpha, norm.gain), norm.error, 1e-5);
    for (const double factor : {0.8, 0.95, 1.05, 1.25}) {
      EXPECT_GT(error(norm.alpha * factor, norm.gain), norm.error);
      EXPECT_GT(error(norm.alpha, norm.gain * factor), norm.error);
      EXPECT_GT(error(norm.alpha * factor, norm.gain / factor), norm.error);
    }
    const auto& now = final_norm ? cache["unembed.hook_in"]
                      : norm.block.kind() == BlockKind::kAttention
                          ? cache[layer_hook_name(norm.block.layer(), "attn.hook_in")]
                          : cache[layer_hook_name(norm.block.layer(), "mlp.hook_in")];
    const auto read =
        final_norm
            ? cache["blocks.1.hook_resid_post"]
            : cache[layer_hook_name(norm.block.layer(), norm.block.kind() == BlockKind::kAttention
                                                            ? "hook_resid_pre"
                                                            : "hook_resid_mid")];
    EXPECT_TRUE(at::allclose(now, norm.gain * at::tanh(norm.alpha * read) * w));
  }
}

TEST_F(NormPlacementTest, QkNormIsAddedAndRemoved) {
  make(NormPlacement::kPre);
  auto cache = changed(SetQkNorm{true});
  ASSERT_EQ(norms.size(), 4);
  config.ropes.clear();  // so that what is normed is what enters the dot product
  make(NormPlacement::kPre);
  cache = changed(SetQkNorm{true});
  for (const int64_t layer : {0, 1}) {
    const auto before = clean[layer_hook_name(layer, "attn.hook_k")];
    const double gain = median_of(before.square().mean(-1).sqrt());
    const auto keys = cache[layer_hook_name(layer, "attn.hook_k")];
    EXPECT_TRUE(
        at::allclose(cache[layer_hook_name(layer, "attn.hook_rot_k")], gain * keys / rms(keys)));
  }
  config.qk_norm = QkNorm::kPerHead;
  make(NormPlacement::kPre);
  cache = changed(SetQkNorm{false});
  const double divisor = median_of(clean["blocks.0.attn.q_norm.hook_scale"]);
  EXPECT_TRUE(at::allclose(
      cache["blocks.0.attn.hook_rot_q"],
      cache["blocks.0.attn.hook_q"] / divisor * model->layers[0]->attn->q_norm->weight));
}

TEST_F(NormPlacementTest, ItEndsWithItsScope) {
  make(NormPlacement::kPre);
  const auto logits = model->forward(tokens);
  for (const NormChange& change : {NormChange(SetNormPlacement{NormPlacement::kPost}),
                                   NormChange(UseDynamicTanh{}), NormChange(SetQkNorm{true})}) {
    const ChangeNorms intervention(fit_norms(model, {tokens, 0}, change));
    EXPECT_TRUE(model->forward(tokens).equal(logits)) << "fitting changes nothing";
    {
      const auto scope = intervention.attach(model);
      EXPECT_FALSE(at::allclose(model->forward(tokens), logits));
      EXPECT_EQ(message_of<std::invalid_argument>([&] {
                  auto twice = intervention.attach(model);
                }).substr(0, 13),
                "[ChangeNorms]");
    }
    EXPECT_TRUE(model->forward(tokens).equal(logits));
  }
}

TEST_F(NormPlacementTest, InvalidArgumentsAreRefused) {
  make(NormPlacement::kPre);
  const auto said = [&](const NormChange& change, std::vector<Block> blocks) {
    return message_of<std::invalid_argument>([&] {
      fit_norms(model, {tokens, 0}, change, blocks);
    });
  };
  EXPECT_EQ(said(SetNormPlacement{NormPlacement::kPost}, {{5}}),
            "[fit_norms] block: got 5, expected 1 to 4");
  EXPECT_EQ(said(SetNormPlacement{NormPlacement::kPre}, {{1}}),
            "[fit_norms] placement: got pre, which is what the model has");
  EXPECT_EQ(said(SetQkNorm{false}, {{1}}),
            "[fit_norms] QK-norm: got off, which is what the model has");
  EXPECT_THROW(ChangeNorms(std::vector<FittedNorm>{{.block = {9}}}).attach(model).reset(),
               std::invalid_argument);
  config.residual = ResidualForm::kParallelSharedNorm;
  make(NormPlacement::kPre);
  EXPECT_EQ(said(UseDynamicTanh{}, {{3}}),
            "[fit_norms] blocks: those of layer 1 share a norm, expected both or neither");
  EXPECT_EQ(said(SetNormPlacement{NormPlacement::kPost}, {{1}, {2}}),
            "[fit_norms] placement: got post for parallel blocks, which have one sum for two");
  EXPECT_EQ(changed(UseDynamicTanh{}, {{Block{1}, Block{2}}}).tensors().size(),
            clean.tensors().size());
  ASSERT_EQ(norms.size(), 1);
}

}  // namespace
}  // namespace spikesink
