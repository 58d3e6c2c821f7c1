// The forms against explicit matrices.

#include "spikesink/measure/weights/quadratic_form.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "golden_models.h"
#include "measure/spikes/feed_forward_input.h"
#include "measure/weights/explicit_forms.h"
#include "measure/weights/layer_forms.h"
#include "message_of.h"
#include "spikesink/hooks/hook_names.h"
#include "spikesink/model/load_model.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

using namespace hook_names;

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
      const auto scale = wide(from->feed_forward_norms.input->weight);
      const auto forms = at::einsum(
          "ki,ia,ib->kab", {wide(from->mlp->down->weight), wide(from->mlp->gate->weight) * scale,
                            wide(from->mlp->up->weight) * scale});
      const auto expected = at::linalg_vector_norm(forms, 2, {1, 2});
      const auto& block = result.blocks[layer];
      EXPECT_EQ(block.block.number, 2 * layer + 2);
      EXPECT_LT(largest_relative_error(block.norms, expected),
                dtype == torch::kDouble ? 1e-9 : 1e-5);
      EXPECT_EQ(block.median_norm, block.norms.median().item<double>());
    }
  }
}

TEST_F(QuadraticFormTest, EigenpairsAreThoseOfTheMatrices) {
  const auto model = random_model();
  for (const int64_t spectrum : {1, 6, 32, 100}) {  // the first two by Lanczos' method
    auto options = loose();
    options.eigenvalue_count = spectrum;
    for (const auto& block : quadratic_form(model, options).blocks) {
      const auto forms =
          symmetric(explicit_forms(detail::LayerForms(*model, block.block.layer()).form(0)));
      ASSERT_EQ(block.outliers.size(), 4u);
      for (const auto& form : block.outliers) {
        const auto [values, vectors] = at::linalg_eigh(forms[form.channel]);
        const auto order = values.abs().argsort(-1, true).slice(0, 0, spectrum);
        EXPECT_TRUE(torch::tensor(form.spectrum, torch::kDouble)
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

TEST_F(QuadraticFormTest, OutliersAndControlsAreThoseOfTheNorms) {
  const auto model = random_model();
  auto options = loose();
  options.outlier_deviations = 0.5;
  options.max_outliers = 3;
  for (const auto& block : quadratic_form(model, options).blocks) {
    const auto order = block.norms.argsort(-1, true);
    ASSERT_EQ(block.outliers.size(), 3u);
    for (int64_t rank = 0; rank < 3; ++rank) {
      EXPECT_EQ(block.outliers[rank].channel, order[rank].item<int64_t>());
      EXPECT_EQ(block.outliers[rank].frobenius_norm, block.norms[order[rank]].item<double>());
      EXPECT_GE(block.outliers[rank].frobenius_norm, block.outlier_norm);
    }
    ASSERT_EQ(block.controls.size(), 2u);
    EXPECT_EQ(block.controls[0].frobenius_norm, block.median_norm);
    EXPECT_EQ(block.controls[0].spectrum.size(), 6u);
  }
}

TEST_F(QuadraticFormTest, TheLimitOfOutliersIsOfTheLogNorms) {
  const auto model = random_model();
  for (const auto& block : quadratic_form(model, {.outlier_deviations = 2}).blocks) {
    const auto logs = block.norms.log();
    const auto deviation = 1.4826 * (logs - logs.median()).abs().median();
    EXPECT_NEAR(std::log(block.outlier_norm), (logs.median() + 2 * deviation).item<double>(),
                1e-12);
  }
}

// Normal log norms: the probability of an outlier anywhere is 0.01.
TEST_F(QuadraticFormTest, TheDefaultLimitIsThatOfTheWholeModel) {
  const auto model = random_model();
  const auto block = quadratic_form(model).blocks.front();
  const auto logs = block.norms.log();
  const auto deviation = 1.4826 * (logs - logs.median()).abs().median();
  const double deviations =
      ((std::log(block.outlier_norm) - logs.median()) / deviation).item<double>();
  const auto norms = static_cast<double>(2 * block.norms.numel());
  EXPECT_NEAR(0.5 * std::erfc(deviations / std::sqrt(2)), 0.01 / norms, 1e-9);
}

TEST_F(QuadraticFormTest, SharesOfTheHiddenUnitsMakeTheEigenvalue) {
  auto model = random_model();
  auto options = loose();
  options.super_weight_count = 40;  // all units
  for (const auto& block : quadratic_form(model, options).blocks) {
    for (const auto& form : block.outliers) {
      double sum = 0, last = HUGE_VAL;
      ASSERT_EQ(form.super_weights.size(), 40u);
      for (const auto& weight : form.super_weights) {
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

// |cos| of gate and up rows of the stored weights, with the norm's scale, in float64.
torch::Tensor row_cosines(const Layer& layer) {
  const auto folded = [&](const Linear& linear) {
    return linear->weight.to(torch::kDouble) * layer->feed_forward_norms.input->weight;
  };
  return at::cosine_similarity(folded(layer->mlp->gate), folded(layer->mlp->up), 1).abs();
}

TEST_F(QuadraticFormTest, RowsOfCarryingUnitsAreComparedWithTheOthers) {
  const auto model = random_model(tiny_config(), torch::kDouble);
  for (const auto& block : quadratic_form(model, loose()).blocks) {
    const auto cosines = row_cosines(model->layers[block.block.layer()]);
    std::set<int64_t> carrying;
    for (const auto& form : block.outliers) {
      for (const auto& weight : form.super_weights) carrying.insert(weight.column);
    }
    std::vector<double> others;
    for (int64_t unit = 0; unit < cosines.size(0); ++unit) {
      if (carrying.count(unit) == 0) others.push_back(cosines[unit].item<double>());
    }
    std::sort(others.begin(), others.end());
    ASSERT_TRUE(block.other_units);
    const auto& quantiles = *block.other_units;
    ASSERT_EQ(quantiles.units, static_cast<int64_t>(others.size()));
    ASSERT_LT(quantiles.units, cosines.size(0));
    EXPECT_NEAR(quantiles.low, others[(others.size() - 1) / 100], 1e-12);
    EXPECT_NEAR(quantiles.median, others[(others.size() - 1) / 2], 1e-12);
    EXPECT_NEAR(quantiles.high, others[99 * (others.size() - 1) / 100], 1e-12);
    EXPECT_NEAR(quantiles.largest, others.back(), 1e-12);
    for (const auto* forms : {&block.outliers, &block.controls}) {
      for (const auto& form : *forms) {
        ASSERT_EQ(form.super_weights.size(), 3u);
        for (const auto& weight : form.super_weights) {
          const double cosine = cosines[weight.column].item<double>();
          const auto below = std::count_if(others.begin(), others.end(),
                                           [&](double other) { return other < cosine - 1e-12; });
          ASSERT_TRUE(weight.gate_up);
          EXPECT_NEAR(weight.gate_up->cosine, cosine, 1e-12);
          EXPECT_NEAR(weight.gate_up->percentile, 100.0 * below / others.size(), 1e-9);
        }
      }
    }
  }
}

TEST_F(QuadraticFormTest, RowsOfExpertsAndOfBlocksWithoutAGateAreNotCompared) {
  auto config = tiny_config();
  config.gated = false;
  for (const auto& block : quadratic_form(random_model(config), loose()).blocks)
    EXPECT_FALSE(block.other_units);
  const auto experts = load_model(SPIKESINK_GOLDENS "/models/qwen2_moe/shared");
  for (const auto& block : quadratic_form(experts, loose()).blocks) {
    EXPECT_FALSE(block.other_units);
    for (const auto& form : block.outliers) EXPECT_FALSE(form.super_weights.at(0).gate_up);
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
  EXPECT_NEAR(scaled.blocks[0].outliers[0].leading_eigenvalue(),
              0.25 * plain.blocks[0].outliers[0].leading_eigenvalue(), 1e-6);
  EXPECT_EQ(scaled.blocks[0].outliers[0].super_weights[0].weight,
            plain.blocks[0].outliers[0].super_weights[0].weight);
}

TEST_F(QuadraticFormTest, TheModelIsUnchangedAndProgressIsReported) {
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

TEST_F(QuadraticFormTest, InvalidArgumentsAreRefused) {
  const auto model = random_model();
  const auto refuses = [&](const QuadraticFormOptions& options, const char* fragment) {
    EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { quadratic_form(model, options); }),
                         fragment));
  };
  refuses({.outlier_deviations = -0.5}, "outlier_deviations: got -0.5, expected at least 0");
  refuses({.max_outliers = -1}, "max_outliers: got -1");
  refuses({.control_count = -2}, "control_count: got -2");
  refuses({.eigenvalue_count = 0}, "eigenvalue_count: got 0, expected at least 1");
  refuses({.super_weight_count = -1}, "super_weight_count: got -1");
  refuses({.least_dominance = NAN}, "least_dominance: got nan");
  model->layers[1]->mlp->up->weight[3][3] = NAN;
  refuses({}, "the weights of block 4 are not finite");
}

TEST_F(QuadraticFormTest, AZeroMatrixHasNoForm) {
  const auto model = random_model();
  model->layers[0]->mlp->down->weight.slice(0, 1).zero_();
  model->layers[1]->mlp->down->weight.zero_();
  const auto result = quadratic_form(model, loose());
  EXPECT_EQ(result.blocks[0].outliers.size(), 1u);
  EXPECT_TRUE(result.blocks[1].outliers.empty());
  EXPECT_TRUE(result.blocks[1].controls.empty());
  ASSERT_EQ(result.blocks[0].controls.size(), 2u);
  EXPECT_EQ(result.blocks[0].controls[0].leading_eigenvalue(), 0);
  EXPECT_EQ(result.blocks[0].controls[0].dominance, 0);
  EXPECT_TRUE(result.blocks[0].controls[0].super_weights.empty());
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
  EXPECT_EQ(result.blocks[0].outliers.at(0).spectrum.size(), 2u);
}

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
  EXPECT_GT(block.outliers[0].frobenius_norm, block.median_norm);
  EXPECT_TRUE(block.outliers[0].spectrum.empty());
  EXPECT_EQ(block.outliers[0].leading_eigenvalue(), 0);
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
        EXPECT_NEAR(form.frobenius_norm / largest, 1, 1e-5);
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
  const auto result = quadratic_form(
      model,
      {.outlier_deviations = 0, .max_outliers = 1, .control_count = 0, .eigenvalue_count = 1});
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
    EXPECT_TRUE(gates.allclose(cache[layer_hook_name(layer, "mlp.hook_pre")], 1e-6, 1e-6)) << layer;
    if (!block.normed_before) continue;
    EXPECT_LE(x.norm(2, {-1}).max().item<double>(), std::sqrt(config.d_model) + 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Goldens, EveryModelTest, testing::ValuesIn(golden_models()),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace spikesink
