#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "message_of.h"
#include "spikesink/error.h"
#include "spikesink/train/ablations.h"
#include "spikesink/train/bigram_backcopy.h"
#include "spikesink/train/trainer.h"
#include "train/small_config.h"

namespace spikesink {
namespace {

using nlohmann::json;

std::vector<double> losses(const TrainConfig& config) {
  Trainer trainer(config, open_training_data(config));
  std::vector<double> result;
  while (!trainer.done()) result.push_back(trainer.step().loss);
  return result;
}

// -- the task

TEST(BigramBackcopyTest, WhatFollowsATriggerIsWhatStoodBeforeIt) {
  const BigramBackcopy task({}, 3);
  const auto ids = task.sequences(0, 400, 64);
  EXPECT_TRUE((ids.select(1, 0) == 64).all().item<bool>());
  auto counts = torch::zeros({64, 64}, torch::kDouble);
  const auto id = ids.accessor<int64_t, 2>();
  int64_t triggers = 0;
  for (int64_t row = 0; row < 400; ++row) {
    for (int64_t position = 2; position < 64; ++position) {
      if (id[row][position - 1] < 3) {
        ++triggers;
        EXPECT_EQ(id[row][position], id[row][position - 2]);
      } else {
        counts[id[row][position - 1]][id[row][position]] += 1;
      }
    }
  }
  EXPECT_GT(triggers, 1000);
  const auto chain = task.chain();
  EXPECT_TRUE(at::allclose(chain.sum(1), torch::ones({64}, torch::kDouble)));
  const auto rows = counts.sum(1, true);
  const auto deviation = (chain * (1 - chain) / rows.clamp_min(1)).sqrt();
  const auto distance = ((counts / rows.clamp_min(1) - chain).abs() / (deviation + 0.004));
  EXPECT_LT(distance.slice(0, 3).max().item<double>(), 5);
  EXPECT_GT(chain.slice(1, 0, 3).mean().item<double>(), 2.5 * chain.mean().item<double>());
}

TEST(BigramBackcopyTest, ASequenceIsAFunctionOfItsNumber) {
  const BigramBackcopy task({}, 3), other({}, 4);
  const auto ids = task.sequences(0, 10, 20);
  EXPECT_TRUE(task.sequences(4, 3, 20).equal(ids.slice(0, 4, 7)));
  EXPECT_TRUE(task.sequences(0, 10, 12).equal(ids.slice(1, 0, 12)));
  EXPECT_FALSE(other.sequences(0, 10, 20).equal(ids));
  EXPECT_TRUE(task.chain().equal(other.chain())) << "what there is to learn is the same";
  EXPECT_EQ(message_of<std::invalid_argument>([] { BigramBackcopy({.tokens = 3}); }),
            "[BigramBackcopy] got 3 tokens and 3 triggers, expected fewer triggers");
}

// -- configurations

TEST(TrainConfigTest, IsWrittenAndReadAgain) {
  auto config = ablated("table7/conditional-head", "nano");
  config.model.layers.assign(3, {.window = 5});
  config.optimizer.beta2 = 0.97;
  const auto text = to_json(config);
  const auto again = read_train_config(text, "a.json");
  EXPECT_EQ(to_json(again), text);
  EXPECT_EQ(again.model.gate.input, GateInput::kHidden);
  EXPECT_EQ(again.model.layers[2].window, 5);
}

TEST(TrainConfigTest, WhatIsNotUnderstoodIsRefused) {
  const auto said = [](const json& change) {
    auto config = json::parse(to_json(baseline("nano")));
    config.merge_patch(change);
    return message_of<FormatError>([&] { read_train_config(config.dump(), "a.json"); });
  };
  EXPECT_EQ(
      said({{"setps", 5}}),
      "[read_train_config] the key 'setps' is not understood: got 5, expected it absent (a.json)");
  EXPECT_TRUE(holds(
      said({{"model", {{"norm_placement", "prae"}}}}),
      "norm_placement: got \"prae\", expected one of pre, post, sandwich, output (a.json, model)"));
  EXPECT_TRUE(holds(said({{"optimizer", {{"beta1", "x"}}}}), "beta1 is of the wrong kind"));
  EXPECT_TRUE(holds(said({{"length", 65}}), "length: got 65, expected at most model.context = 64"));
  EXPECT_TRUE(holds(said({{"optimizer", {{"beta2", 1.5}}}}), "optimizer.beta2: got 1.5"));
  EXPECT_TRUE(holds(said({{"seed", -1}}), "expected an integer from 0 to 2^63 - 1"));
  EXPECT_TRUE(holds(said({{"data", {{"tokenizer", "x"}}}}), "data.training: got none"));
  EXPECT_TRUE(holds(said({{"data", {{"training", {"a"}}, {"separator", 65}}}}),
                    "data.separator: got 65, expected 0 to 64"));
}

// -- rows

void differences(const json& a, const json& b, const std::string& at,
                 std::vector<std::string>& out) {
  for (const auto& [key, value] : a.items()) {
    const auto name = at.empty() ? key : fmt::format("{}.{}", at, key);
    if (value.is_object()) {
      differences(value, b[key], name, out);
    } else if (value != b[key]) {
      out.push_back(name);
    }
  }
}

TEST(AblationsTest, EachRowDiffersInItsFieldsAlone) {
  EXPECT_EQ(ablations().size(), 41);
  for (const auto& scale : {"60m", "7b"}) {
    const auto base = json::parse(to_json(baseline(scale)));
    for (const auto& row : ablations()) {
      if (row.fields.empty()) continue;
      std::vector<std::string> changed;
      differences(base, json::parse(to_json(ablated(row.name, scale))), "", changed);
      ASSERT_GE(changed.size(), 2u) << row.name;
      std::erase(changed, "name");
      auto allowed = row.fields;
      for (const auto& field : changed)
        EXPECT_NE(std::find(allowed.begin(), allowed.end(), field), allowed.end())
            << row.name << " changes " << field;
    }
  }
  EXPECT_TRUE(holds(message_of<std::invalid_argument>([] { ablated("table5/sandwhich", "nano"); }),
                    "table5/sandwich"));
  EXPECT_THROW(baseline("2b"), std::invalid_argument);
}

TEST(AblationsTest, AtThePapersSizeTheyAreThePapers) {
  EXPECT_EQ(ablated("table6/d_head-8-heads-512", "7b").model.n_heads, 512);
  EXPECT_EQ(ablated("table6/heads-16", "7b").model.d_head, 128);
  EXPECT_NEAR(ablated("table3/rate-1.2e-3", "7b").optimizer.learning_rate, 1.2e-3, 1e-12);
  const auto longer = ablated("table8/1024-5120", "7b");
  EXPECT_EQ(longer.length, 5120);
  EXPECT_EQ(longer.least_context, 1024);
  EXPECT_EQ(longer.model.context, 5120);
}

// -- steps

TEST(LearningRateTest, WarmUpThenCosine) {
  const OptimizerConfig config{.learning_rate = 1, .least_learning_rate = 0.2, .warm_up = 4};
  EXPECT_DOUBLE_EQ(learning_rate(config, 0, 101), 0.25);
  EXPECT_DOUBLE_EQ(learning_rate(config, 3, 101), 1);
  EXPECT_DOUBLE_EQ(learning_rate(config, 4, 101), 1);
  EXPECT_NEAR(learning_rate(config, 52, 101), 0.6, 1e-12);
  EXPECT_NEAR(learning_rate(config, 100, 101), 0.2, 1e-12);
}

// As Loshchilov and Hutter write it.
TEST(AdamWTest, IsTheFormula) {
  auto config = small_config();
  config.optimizer.clip = 0.5;
  config.optimizer.weight_decay = 0.1;
  Trainer trainer(config, open_training_data(config));
  auto& model = trainer.model();
  AdamW optimizer(model, config.optimizer);
  std::map<std::string, torch::Tensor> expected, first, second;
  for (const auto& entry : model->named_parameters())
    expected[entry.key()] = entry.value().detach().to(torch::kDouble).clone();
  for (int step = 1; step <= 3; ++step) {
    torch::manual_seed(step);
    double sum = 0;
    for (auto& entry : model->named_parameters()) {
      entry.value().mutable_grad() = torch::randn_like(entry.value());
      sum += entry.value().grad().square().sum(torch::kDouble).item<double>();
    }
    for (auto& entry : model->named_parameters()) {
      const auto g = entry.value().grad().to(torch::kDouble) * (0.5 / std::sqrt(sum));
      auto& m = first[entry.key()];
      auto& v = second[entry.key()];
      m = m.defined() ? 0.9 * m + 0.1 * g : 0.1 * g;
      v = v.defined() ? 0.95 * v + 0.05 * g * g : 0.05 * g * g;
      auto& w = expected[entry.key()];
      if (w.dim() >= 2) w = w * (1 - 0.01 * 0.1);
      const auto unbiased = v / (1 - std::pow(0.95, step));
      w = w - 0.01 * (m / (1 - std::pow(0.9, step))) / (unbiased.sqrt() + 1e-8);
    }
    EXPECT_NEAR(optimizer.step(0.01), std::sqrt(sum), 1e-6 * std::sqrt(sum));
    for (const auto& entry : model->named_parameters())
      EXPECT_TRUE(at::allclose(entry.value().to(torch::kDouble), expected[entry.key()], 1e-5, 1e-6))
          << entry.key() << ", step " << step;
  }
}

TEST(TrainerTest, TheSameTwiceAndInParts) {
  const auto whole = losses(small_config());
  EXPECT_EQ(losses(small_config()), whole);
  auto parts = small_config();
  parts.at_once = 3;
  const auto in_parts = losses(parts);
  for (size_t step = 0; step < whole.size(); ++step)
    EXPECT_NEAR(in_parts[step], whole[step], 1e-5) << step;
  auto other = small_config();
  other.seed = 1;
  EXPECT_NE(losses(other), whole);
}

TEST(TrainerTest, RecomputingChangesNothing) {
  auto config = small_config();
  find_ablation("table7/embedding").change(config);
  config.steps = 4;
  const auto kept = losses(config);
  config.recompute = true;
  const auto again = losses(config);
  for (size_t step = 0; step < kept.size(); ++step)
    EXPECT_NEAR(again[step], kept[step], 1e-6) << step;
}

// Products in bfloat16 have 8 bits, and the losses follow those of float32.
TEST(TrainerTest, Bfloat16FollowsFloat32) {
  for (const auto& row : ablations()) {
    auto config = small_config();
    config.model.n_heads = config.model.n_key_value_heads = 4;
    config.length = config.model.context = 32;  // of which table 8 takes a sixteenth
    config.measure_every = 0;
    row.change(config);
    config.steps = 3;
    const auto exact = losses(config);
    config.bfloat16 = true;
    const auto rounded = losses(config);
    EXPECT_NE(rounded, exact) << row.name;
    for (size_t step = 0; step < exact.size(); ++step)
      EXPECT_NEAR(rounded[step], exact[step], 0.03) << row.name << ", step " << step;
  }
}

TEST(TrainerTest, Bfloat16KeepsItsWeightsInFloat32) {
  auto config = small_config();
  config.bfloat16 = true;
  config.recompute = true;
  Trainer trainer(config, open_training_data(config));
  trainer.step();
  for (const auto& entry : trainer.model()->named_parameters()) {
    EXPECT_EQ(entry.value().scalar_type(), torch::kFloat) << entry.key();
    EXPECT_FALSE(entry.value().to(torch::kBFloat16).to(torch::kFloat).equal(entry.value()))
        << entry.key();
  }
}

TEST(TrainerTest, ItLearnsAndMeasures) {
  auto config = small_config();
  config.steps = 60;
  Trainer trainer(config, open_training_data(config));
  const auto before = trainer.measure();
  std::vector<int64_t> measured;
  TrainingStep last;
  while (!trainer.done()) {
    last = trainer.step();
    if (last.state) measured.push_back(last.step);
  }
  EXPECT_EQ(measured.front(), 5);
  EXPECT_EQ(measured.back(), 60);
  EXPECT_EQ(last.tokens, 60 * 8 * 16);
  EXPECT_LT(last.state->perplexity.mean_loss, before.perplexity.mean_loss - 0.1);
  EXPECT_EQ(last.state->kurtosis.size(), 1);
  EXPECT_GT(last.state->spike(), 0);
  EXPECT_EQ(last.state->perplexity.tokens, 6 * 15);
}

TEST(TrainerTest, ShortContextsHaveNoLoss) {
  auto config = small_config();
  config.least_context = 10;
  Trainer trainer(config, open_training_data(config));
  const auto ids = open_training_data(config).training->sequences(0, config.sequences, 16);
  const torch::NoGradGuard no_grad;
  const auto logits = trainer.model()->forward(ids);
  const auto all =
      at::cross_entropy_loss(logits.slice(1, 9, -1).flatten(0, 1), ids.slice(1, 10).flatten());
  const torch::AutoGradMode with_gradients(true);
  EXPECT_NEAR(trainer.step().loss, all.item<double>(), 1e-5);
}

TEST(TrainerTest, ALossThatIsNotFiniteEndsItWithTheStep) {
  auto config = small_config();
  Trainer trainer(config, open_training_data(config));
  trainer.step();
  const torch::NoGradGuard no_grad;
  trainer.model()->embedding.fill_(std::nan(""));
  const torch::AutoGradMode with_gradients(true);
  EXPECT_TRUE(
      holds(message_of<std::runtime_error>([&] { trainer.step(); }), "step 2: got a loss of nan"));
  EXPECT_EQ(trainer.steps_done(), 1);
}

}  // namespace
}  // namespace spikesink
