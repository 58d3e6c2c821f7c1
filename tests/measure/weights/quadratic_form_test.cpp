// The forms against explicit matrices, the theorem on constructed weights, and predictions.

#include "spikesink/measure/weights/quadratic_form.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>

#include "golden_models.h"
#include "measure/spikes/feed_forward_input.h"
#include "measure/weights/layer_forms.h"
#include "measure/weights/leading_eigenpairs.h"
#include "message_of.h"
#include "spikesink/hooks/hook_names.h"
#include "spikesink/model/load_model.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

using namespace hook_names;

// Every U_k, [d_model, d_model, d_model] float64, of the folded network.
torch::Tensor explicit_forms(const detail::GatedForm& form) {
  const auto wide = [](const torch::Tensor& x) { return x.to(torch::kDouble); };
  return at::einsum("ki,ia,ib->kab", {wide(form.down), wide(form.gate), wide(form.up)});
}

torch::Tensor symmetric(const torch::Tensor& forms) {
  return (forms + forms.transpose(-2, -1)) / 2;
}

double largest_relative_error(const torch::Tensor& got, const torch::Tensor& expected) {
  return ((got - expected).abs() / expected.abs()).max().item<double>();
}

// Channels above the median count as outliers, so that every part has something to do.
QuadraticFormOptions loose() {
  return {.outlier_ratio = 1, .most_outliers = 4, .controls = 2, .spectrum = 6};
}

struct QuadraticFormTest : testing::Test {
  torch::NoGradGuard no_grad;
};

TEST_F(QuadraticFormTest, NormsAreThoseOfTheMatrices) {
  for (const auto dtype : {torch::kFloat, torch::kDouble, torch::kBFloat16}) {
    const auto model = random_model(tiny_config(), dtype);
    const auto result = quadratic_form(model);
    ASSERT_EQ(result.blocks.size(), 2u);
    for (int64_t layer = 0; layer < 2; ++layer) {
      const auto& from = model->layers[layer];
      const auto wide = [](const torch::Tensor& x) { return x.to(torch::kDouble); };
      const auto scale = wide(from->feed_forward_norms.front->weight);
      const auto forms = at::einsum(
          "ki,ia,ib->kab", {wide(from->mlp->down->weight), wide(from->mlp->gate->weight) * scale,
                            wide(from->mlp->up->weight) * scale});
      const auto expected = at::linalg_vector_norm(forms, 2, {1, 2});
      const auto& block = result.blocks[layer];
      EXPECT_EQ(block.block.number, 2 * layer + 2);
      EXPECT_LT(largest_relative_error(block.norms, expected),
                dtype == torch::kDouble ? 1e-9 : 1e-5);
      EXPECT_EQ(block.median, block.norms.median().item<double>());
    }
  }
}

TEST_F(QuadraticFormTest, SquaresOfAnySizeGiveTheSame) {
  const auto model = random_model(tiny_config(), torch::kDouble);
  const auto form = detail::LayerForms(*model, 0).form(0);
  const auto whole = form.norms();
  const auto expected = at::linalg_vector_norm(symmetric(explicit_forms(form)), 2, {1, 2});
  for (const int64_t edge : {1, 7, 20, 39, 40, 41}) {
    EXPECT_LT(largest_relative_error(form.norms(edge), whole), 1e-12) << edge;
    for (const int64_t channel : {0, 31})
      EXPECT_NEAR(form.symmetric_norm(channel, edge) / expected[channel].item<double>(), 1, 1e-12);
  }
}

TEST_F(QuadraticFormTest, EigenpairsAreThoseOfTheMatrices) {
  const auto model = random_model();
  for (const int64_t spectrum : {1, 6, 32, 100}) {  // the first two by Lanczos' method
    auto options = loose();
    options.spectrum = spectrum;
    for (const auto& block : quadratic_form(model, options).blocks) {
      const auto forms =
          symmetric(explicit_forms(detail::LayerForms(*model, block.block.layer()).form(0)));
      ASSERT_EQ(block.outliers.size(), 4u);
      for (const auto& form : block.outliers) {
        const auto [values, vectors] = at::linalg_eigh(forms[form.channel]);
        const auto order = values.abs().argsort(-1, true).slice(0, 0, spectrum);
        EXPECT_TRUE(torch::tensor(form.eigenvalues, torch::kDouble)
                        .allclose(values.index_select(0, order), 1e-9, 1e-9));
        const auto expected = vectors.select(1, order[0].item<int64_t>());
        EXPECT_NEAR(at::dot(form.trigger, expected).abs().item<double>(), 1, 1e-9);
        EXPECT_NEAR(form.symmetric_norm / values.norm().item<double>(), 1, 1e-5);
        EXPECT_NEAR(form.dominance,
                    values.abs().max().item<double>() / values.norm().item<double>(), 1e-5);
      }
    }
  }
}

TEST_F(QuadraticFormTest, LanczosAgreesWithADenseDecomposition) {
  torch::manual_seed(5);
  const auto matrix = symmetric(torch::randn({90, 90}, torch::kDouble));
  for (const double size : {1e-12, 1.0, 1e12}) {
    const auto product = [&](const torch::Tensor& x) { return at::matmul(size * matrix, x); };
    const auto fast = detail::leading_eigenpairs(product, 90, 20, size * 100);
    const auto dense = detail::dense_eigenpairs(product, 90, 20);
    EXPECT_LT(largest_relative_error(fast.values, dense.values), 1e-9) << size;
    EXPECT_NEAR(at::dot(fast.vector, dense.vector).abs().item<double>(), 1, 1e-9);
  }
}

TEST_F(QuadraticFormTest, OutliersAndControlsAreThoseOfTheNorms) {
  const auto model = random_model();
  auto options = loose();
  options.outlier_ratio = 1.1;
  options.most_outliers = 3;
  for (const auto& block : quadratic_form(model, options).blocks) {
    const auto order = block.norms.argsort(-1, true);
    ASSERT_EQ(block.outliers.size(), 3u);
    for (int64_t rank = 0; rank < 3; ++rank) {
      EXPECT_EQ(block.outliers[rank].channel, order[rank].item<int64_t>());
      EXPECT_EQ(block.outliers[rank].norm, block.norms[order[rank]].item<double>());
      EXPECT_GE(block.outliers[rank].norm, 1.1 * block.median);
    }
    ASSERT_EQ(block.controls.size(), 2u);
    EXPECT_EQ(block.controls[0].norm, block.median);
    EXPECT_EQ(block.controls[0].eigenvalues.size(), 6u);
  }
}

TEST_F(QuadraticFormTest, SharesOfTheHiddenUnitsMakeTheEigenvalue) {
  auto model = random_model();
  auto options = loose();
  options.super_weights = 40;  // all units
  for (const auto& block : quadratic_form(model, options).blocks) {
    for (const auto& form : block.outliers) {
      double sum = 0, last = HUGE_VAL;
      ASSERT_EQ(form.weights.size(), 40u);
      for (const auto& weight : form.weights) {
        EXPECT_EQ(weight.row, form.channel);
        EXPECT_EQ(weight.weight, model->layers[block.block.layer()]
                                     ->mlp->down->weight[weight.row][weight.column]
                                     .item<double>());
        EXPECT_LE(weight.share, last);
        last = weight.share;
        sum += weight.share;
      }
      EXPECT_NEAR(sum, 1, 1e-9);
    }
  }
}

TEST_F(QuadraticFormTest, CosinesAreBetweenAllTriggers) {
  const auto result = quadratic_form(random_model(), loose());
  const auto places = result.outliers();
  const auto cosines = result.trigger_cosines();
  ASSERT_EQ(cosines.sizes(), (std::vector<int64_t>{8, 8}));
  EXPECT_TRUE(cosines.diagonal().allclose(torch::ones({8}, torch::kDouble)));
  EXPECT_NEAR(cosines[1][6].item<double>(),
              at::dot(places[1].form->trigger, places[6].form->trigger).abs().item<double>(),
              1e-12);
  EXPECT_EQ(places[6].block.number, 4);
}

TEST_F(QuadraticFormTest, TheMultiplierOfTheResidualStreamCounts) {
  auto config = tiny_config();
  const auto plain = quadratic_form(random_model(config), loose());
  config.residual_multiplier = 0.25;
  const auto scaled = quadratic_form(random_model(config), loose());
  EXPECT_TRUE(scaled.blocks[0].norms.allclose(0.25 * plain.blocks[0].norms));
  EXPECT_NEAR(scaled.blocks[0].outliers[0].eigenvalue(),
              0.25 * plain.blocks[0].outliers[0].eigenvalue(), 1e-6);
  EXPECT_EQ(scaled.blocks[0].outliers[0].weights[0].weight,
            plain.blocks[0].outliers[0].weights[0].weight);
}

TEST_F(QuadraticFormTest, TheModelStaysAsItIsAndProgressIsTold) {
  const auto model = random_model();
  std::vector<torch::Tensor> before;
  for (const auto& parameter : model->parameters()) before.push_back(parameter.clone());
  std::vector<std::pair<int64_t, int64_t>> progress;
  quadratic_form(model, loose(),
                 [&](int64_t done, int64_t total) { progress.emplace_back(done, total); });
  const auto after = model->parameters();
  for (size_t index = 0; index < before.size(); ++index)
    EXPECT_TRUE(before[index].equal(after[index]));
  EXPECT_EQ(progress, (std::vector<std::pair<int64_t, int64_t>>{{1, 2}, {2, 2}}));
}

TEST_F(QuadraticFormTest, WhatCannotBeIsRefused) {
  const auto model = random_model();
  const auto refuses = [&](const QuadraticFormOptions& options, const char* fragment) {
    EXPECT_TRUE(holds(message_of<std::invalid_argument>([&] { quadratic_form(model, options); }),
                      fragment));
  };
  refuses({.outlier_ratio = 0.5}, "outlier_ratio: got 0.5, expected at least 1");
  refuses({.most_outliers = -1}, "most_outliers: got -1");
  refuses({.controls = -2}, "controls: got -2");
  refuses({.spectrum = 0}, "spectrum: got 0, expected at least 1");
  refuses({.super_weights = -1}, "super_weights: got -1");
  refuses({.least_dominance = NAN}, "least_dominance: got nan");
  model->layers[1]->mlp->up->weight[3][3] = NAN;
  refuses({}, "the weights of block 4 are not finite");
}

TEST_F(QuadraticFormTest, ZerosHaveNoForm) {
  const auto model = random_model();
  model->layers[0]->mlp->down->weight.slice(0, 1).zero_();
  model->layers[1]->mlp->down->weight.zero_();
  const auto result = quadratic_form(model, loose());
  EXPECT_EQ(result.blocks[0].outliers.size(), 1u);
  EXPECT_TRUE(result.blocks[1].outliers.empty());
  EXPECT_TRUE(result.blocks[1].controls.empty());
  ASSERT_EQ(result.blocks[0].controls.size(), 2u);
  EXPECT_EQ(result.blocks[0].controls[0].eigenvalue(), 0);
  EXPECT_EQ(result.blocks[0].controls[0].dominance, 0);
  EXPECT_TRUE(result.blocks[0].controls[0].weights.empty());
}

TEST_F(QuadraticFormTest, TheSmallestModelsHaveForms) {
  auto config = tiny_config();
  config.n_layers = config.n_heads = config.n_key_value_heads = 1;
  config.d_model = config.d_head = 2;
  config.d_mlp = 1;
  config.d_vocabulary = 10;
  const auto result = quadratic_form(random_model(config), loose());
  ASSERT_EQ(result.blocks.size(), 1u);
  EXPECT_EQ(result.blocks[0].norms.numel(), 2);
  EXPECT_EQ(result.blocks[0].outliers.at(0).eigenvalues.size(), 2u);
}

// Theorem B.2 and eqs. 23-25.

constexpr int64_t kWidth = 64;

struct AmplifierTest : testing::Test {
  torch::NoGradGuard no_grad;
  torch::Tensor trigger;

  AmplifierTest() {
    torch::manual_seed(7);
    trigger = torch::randn({kWidth}, torch::kDouble);
    trigger /= trigger.norm();
  }
  static ModelConfig config() {
    auto config = tiny_config();
    config.n_layers = 4;
    config.d_model = kWidth;
    config.d_mlp = 48;
    return config;
  }
  /// Small random weights of all layers.
  static Transformer quiet_model() {
    auto model = random_model(config());
    for (auto& layer : model->layers) {
      layer->feed_forward_norms.front->weight.fill_(1);
      for (auto* linear : {&layer->mlp->gate, &layer->mlp->up, &layer->mlp->down})
        (*linear)->weight.mul_(0.1);
    }
    return model;
  }
  /// Makes a hidden unit of a layer add amplitude (trigger . x)^2 to a channel.
  void plant(Transformer& model, int64_t layer, int64_t unit, int64_t channel, double amplitude) {
    const auto& mlp = model->layers[layer]->mlp;
    mlp->gate->weight[unit] = trigger.to(torch::kFloat);
    mlp->up->weight[unit] = trigger.to(torch::kFloat);
    mlp->down->weight.select(1, unit).zero_();
    mlp->down->weight[channel][unit] = amplitude;
  }
};

TEST_F(AmplifierTest, ADominatedFormIsTheSquareOfACosine) {
  auto model = quiet_model();
  plant(model, 1, 7, 5, -40);
  const auto result = quadratic_form(model);
  ASSERT_EQ(result.outliers().size(), 1u);
  const auto& form = *result.outliers()[0].form;
  EXPECT_EQ(form.channel, 5);
  EXPECT_NEAR(form.eigenvalue(), -40, 0.5);
  EXPECT_GT(form.dominance, 0.99);
  EXPECT_NEAR(at::dot(form.trigger, trigger).item<double>(), 1, 1e-3) << "its gate opens";
  EXPECT_EQ(form.weights[0].column, 7);
  EXPECT_EQ(form.weights[0].weight, -40);
  EXPECT_NEAR(form.weights[0].share, 1, 0.01);
  const auto s = symmetric(explicit_forms(detail::LayerForms(*model, 1).form(0)))[5];
  for (const double lean : {0.0, 0.3, 1.0, 100.0}) {
    auto h = torch::randn({kWidth}, torch::kDouble) / std::sqrt(kWidth) + lean * trigger;
    h *= std::sqrt(kWidth) / h.norm();
    const double cosine = at::dot(form.trigger, h / h.norm()).item<double>();
    EXPECT_NEAR(at::dot(h, at::mv(s, h)).item<double>(),
                form.eigenvalue() * kWidth * cosine * cosine,
                0.01 * std::abs(form.eigenvalue()) * kWidth);
  }
  const auto peak = std::sqrt(kWidth) * form.trigger;
  EXPECT_NEAR(at::dot(peak, at::mv(s, peak)).item<double>() / (form.eigenvalue() * kWidth), 1,
              1e-6);
}

TEST_F(AmplifierTest, PredictionNamesThePlantedBlocksAlone) {
  auto model = quiet_model();
  plant(model, 1, 0, 5, 40);
  plant(model, 1, 1, 9, -20);
  plant(model, 2, 0, 5, 60);
  plant(model, 3, 0, 5, -90);
  plant(model, 3, 1, 9, 30);
  const auto prediction = quadratic_form(model).prediction();
  EXPECT_EQ(prediction.spike_channels, (std::vector<int64_t>{5, 9}));
  EXPECT_EQ(prediction.step_up, (std::vector<int64_t>{4, 6}));
  EXPECT_EQ(prediction.step_down, std::vector<int64_t>{8});
  ASSERT_EQ(prediction.steps.size(), 5u);
  const auto& last = prediction.steps[3];
  EXPECT_EQ(last.block.number, 8);
  EXPECT_EQ(last.channel, 5);
  EXPECT_FALSE(last.up);
  EXPECT_NEAR(last.eigenvalue, -90, 1);
  EXPECT_NEAR(last.most, 90 * kWidth, kWidth);
}

TEST_F(AmplifierTest, AnOutlierWithoutADominantEigenvalueIsNotPredicted) {
  auto model = quiet_model();
  model->layers[2]->mlp->down->weight[11] *= 50;
  const auto result = quadratic_form(model);
  ASSERT_EQ(result.outliers().size(), 1u);
  EXPECT_EQ(result.outliers()[0].form->channel, 11);
  EXPECT_TRUE(result.prediction().steps.empty());
  EXPECT_TRUE(result.prediction().spike_channels.empty());
}

TEST_F(AmplifierTest, TheNormMakesSpikesBoundedSparseAndConstant) {
  HookRegistry hooks;
  Norm norm(NormConfig{.has_scale = false}, kWidth, hooks, "ln");
  const auto before = torch::randn({20, kWidth}, torch::kDouble);
  auto spikes = before.clone();
  spikes.select(1, 5) += 5000 * (1 + 0.1 * torch::rand({20}, torch::kDouble));
  spikes.select(1, 9) -= 2500 * (1 + 0.1 * torch::rand({20}, torch::kDouble));
  const auto normed = norm(spikes);
  const auto rest = normed.index_select(1, torch::arange(10, kWidth));
  EXPECT_LE(normed.abs().max().item<double>(), std::sqrt(kWidth));
  EXPECT_LT(rest.abs().max().item<double>(), 0.01 * std::sqrt(kWidth));
  const auto least_cosine = [](const torch::Tensor& states) {
    const auto units = states / states.norm(2, {1}, true);
    return at::mm(units, units.t()).min().item<double>();
  };
  EXPECT_LT(least_cosine(norm(before)), 0.1);
  EXPECT_GT(least_cosine(normed), 0.99);
}

// Other shapes of feed-forward.

TEST_F(QuadraticFormTest, WithoutAGateThereAreRowNorms) {
  auto config = tiny_config();
  config.gated = false;
  const auto model = random_model(config);
  const auto result = quadratic_form(model, loose());
  const auto& block = result.blocks[1];
  EXPECT_FALSE(block.gated);
  EXPECT_LT(largest_relative_error(
                block.norms, model->layers[1]->mlp->down->weight.to(torch::kDouble).norm(2, {1})),
            1e-6);
  ASSERT_EQ(block.outliers.size(), 4u);
  EXPECT_GT(block.outliers[0].norm, block.median);
  EXPECT_TRUE(block.outliers[0].eigenvalues.empty());
  EXPECT_EQ(block.outliers[0].eigenvalue(), 0);
  EXPECT_TRUE(result.outliers().empty());
  EXPECT_EQ(result.trigger_cosines().numel(), 0);
  EXPECT_TRUE(result.prediction().steps.empty());
}

TEST_F(QuadraticFormTest, OfExpertsTheStrongestCounts) {
  for (const char* folder : {"qwen3_moe/normalised", "qwen2_moe/shared"}) {
    const auto path = std::filesystem::path(SPIKESINK_GOLDENS "/models") / folder;
    const auto model = load_model(path);
    for (const auto& block : quadratic_form(model, loose()).blocks) {
      const detail::LayerForms forms(*model, block.block.layer());
      for (const auto& form : block.outliers) {
        double largest = 0;
        int64_t strongest = 0;
        for (size_t member = 0; member < forms.size(); ++member) {
          const auto norm = explicit_forms(forms.form(member))[form.channel].norm().item<double>();
          if (norm > largest) strongest = forms.expert(member);
          largest = std::max(largest, norm);
        }
        EXPECT_NEAR(form.norm / largest, 1, 1e-5);
        EXPECT_EQ(form.expert, strongest);
      }
    }
  }
}

class EveryModelTest : public testing::TestWithParam<GoldenModel> {};

// Folded gates times what the point before the norm's scale sees are what the gates say.
TEST_P(EveryModelTest, FormsReadTheRightInput) {
  const torch::NoGradGuard no_grad;
  auto model = load_model(GetParam().path, {.dtype = torch::kDouble});
  const auto result =
      quadratic_form(model, {.outlier_ratio = 1, .most_outliers = 1, .controls = 0, .spectrum = 1});
  const auto& config = model->config();
  EXPECT_EQ(result.blocks.size(), static_cast<size_t>(config.n_layers));
  const auto cache = run_with_cache(model, torch::arange(6).unsqueeze(0), {"**"});
  for (const auto& block : result.blocks) {
    const int64_t layer = block.block.layer();
    const auto& network = model->layers[layer]->mlp;
    const auto input = detail::feed_forward_input(*model, layer);
    EXPECT_EQ(block.normed_before, input.norm != nullptr);
    EXPECT_EQ(block.normed_after, config.norm_placement != NormPlacement::kPre);
    EXPECT_EQ(block.gated, config.gated);
    if (!network || !block.gated || block.has_biases) continue;
    const auto& x = cache[input.point];
    const auto gates = at::linear(x, detail::LayerForms(*model, layer).form(0).gate);
    EXPECT_TRUE(gates.allclose(cache[in_block(layer, "mlp.hook_pre")], 1e-6, 1e-6)) << layer;
    if (!block.normed_before) continue;
    EXPECT_LE(x.norm(2, {-1}).max().item<double>(), std::sqrt(config.d_model) + 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Goldens, EveryModelTest, testing::ValuesIn(golden_models()),
                         [](const auto& info) { return info.param.name(); });

TEST(SmolLm2FormsTest, PredictsItsSpikes) {
  if (!std::filesystem::exists(SPIKESINK_SMOLLM2))
    GTEST_SKIP() << "scripts/setup has not put the model into .deps";
  const auto result = quadratic_form(load_model(SPIKESINK_SMOLLM2));
  const auto expect_outlier = [&](int64_t layer, double norm, double median, int sign) {
    const auto& block = result.blocks[layer];
    ASSERT_FALSE(block.outliers.empty()) << layer;
    const auto& form = block.outliers[0];
    EXPECT_EQ(form.channel, 507);
    EXPECT_NEAR(form.norm, norm, 1) << layer;
    EXPECT_NEAR(block.median, median, 1) << layer;
    EXPECT_GT(form.dominance, result.options.least_dominance) << layer;
    EXPECT_GT(sign * form.eigenvalue(), 0) << layer;
    ASSERT_EQ(block.controls.size(), 1u) << layer;
    EXPECT_LT(block.controls[0].dominance, 0.25) << layer;
  };
  expect_outlier(2, 64, 6, 1);
  expect_outlier(11, 152, 11, 1);
  expect_outlier(28, 696, 16, -1);
  EXPECT_EQ(result.outliers().size(), 3u);
  EXPECT_LT(result.blocks[2].outliers[0].dominance, 0.8) << "two units of opposite signs";
  EXPECT_GT(result.blocks[11].outliers[0].dominance, 0.9);
  EXPECT_GT(result.blocks[28].outliers[0].dominance, 0.9);
  const auto prediction = result.prediction();
  EXPECT_EQ(prediction.spike_channels, std::vector<int64_t>{507});
  EXPECT_EQ(prediction.step_up, (std::vector<int64_t>{6, 24}));
  EXPECT_EQ(prediction.step_down, std::vector<int64_t>{58});
}

}  // namespace
}  // namespace spikesink
