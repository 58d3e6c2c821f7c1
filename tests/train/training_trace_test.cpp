// Twenty steps of training against PyTorch's, from the same weights on the same ids
// (scripts/training_trace.py), and against the traces in the folders of SPIKESINK_TRACES, if it is
// set: those of the models of the authors of arXiv 2603.05498.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "one_thread.h"
#include "read_bytes.h"
#include "spikesink/model/load_model.h"
#include "spikesink/train/trainer.h"
#include "spikesink/weights/safetensors.h"

namespace spikesink {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

// PyTorch's float32 is off its float64 by less than 1e-6 in every loss, and by up to 3e-5 of a
// gradient's norm (softpick, steep where a score is near 0; the others 8e-6). Whatever is wrong in
// a gradient or an update moves the losses that follow: decay of vectors as well by 5e-4 or more,
// embeddings that do not decay by 2e-4, an epsilon of 1e-6 for 1e-8 by 2e-5.
constexpr double kLossDifference = 1e-5, kNormDifference = 2e-4;

struct Trace {
  fs::path folder;

  std::string name() const {
    auto text = folder.filename().string();
    std::replace(text.begin(), text.end(), '-', '_');
    return text;
  }
};

void PrintTo(const Trace& trace, std::ostream* out) {
  *out << trace.name();
}

std::vector<Trace> traces_in(const fs::path& parent) {
  std::vector<Trace> found;
  for (const auto& entry : fs::directory_iterator(parent)) {
    if (fs::exists(entry.path() / "trace.json")) found.push_back({entry.path()});
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.folder < b.folder; });
  return found;
}

std::vector<Trace> traces() {
  return traces_in(SPIKESINK_GOLDENS "/training");
}

class TracedIds : public TokenSource {
 public:
  /// ids [steps, sequences, length + 1].
  explicit TracedIds(const json& ids) {
    std::vector<torch::Tensor> rows;
    for (const auto& step : ids) {
      for (const auto& row : step) rows.push_back(torch::tensor(row.get<std::vector<int64_t>>()));
    }
    ids_ = at::stack(rows);
  }

  torch::Tensor sequences(int64_t first, int64_t count, int64_t length) const override {
    return ids_.slice(0, first, first + count).slice(1, 0, length);
  }
  int64_t d_vocabulary() const override { return ids_.max().item<int64_t>() + 1; }

 private:
  torch::Tensor ids_;
};

TrainConfig train_config(const ModelConfig& model, const json& settings) {
  const TrainConfig plain{.model = model, .measure_every = 0};
  auto all = json::parse(to_json(plain));
  all.merge_patch(settings);
  auto config = read_train_config(all.dump(), "trace.json");
  config.measured_sequences = config.sequences;
  return config;
}

void copy_weights(const Transformer& from, Transformer& to) {
  const torch::NoGradGuard no_grad;
  const auto weights = from->named_parameters();
  for (auto& entry : to->named_parameters()) entry.value().copy_(weights[entry.key()]);
}

void expect_trace(const Transformer& start, const TrainConfig& config, const json& trace) {
  const auto ids = std::make_shared<TracedIds>(trace["ids"]);
  Trainer trainer(config, {ids, ids, {}});
  copy_weights(start, trainer.model());
  ASSERT_EQ(trace["loss"].size(), config.steps);
  for (const auto& loss : trace["loss"]) {
    const auto norm = trace["gradient_norm"][trainer.steps_done()].get<double>();
    const auto step = trainer.step();
    EXPECT_NEAR(step.loss, loss.get<double>(), kLossDifference) << "step " << step.step;
    EXPECT_NEAR(step.gradient_norm, norm, kNormDifference * norm) << "step " << step.step;
    if (trainer.done()) {
      ASSERT_TRUE(step.validation.has_value());
      EXPECT_NEAR(step.validation->perplexity.mean_loss, trace["validation_loss"].get<double>(),
                  kLossDifference);
    }
  }
}

class TrainingTraceTest : public testing::TestWithParam<Trace> {
  OneThread one_thread_;
};

TEST_P(TrainingTraceTest, EveryStepAgreesWithPyTorch) {
  const auto& folder = GetParam().folder;
  const auto trace = json::parse(read_bytes(folder / "trace.json"));
  const auto start = load_model(folder);
  auto config = train_config(start->config(), trace["train"]);
  expect_trace(start, config, trace);
  SCOPED_TRACE("in parts, activations made again");
  config.micro_batch = 3;
  config.recompute = true;
  expect_trace(start, config, trace);
}

INSTANTIATE_TEST_SUITE_P(Models, TrainingTraceTest, testing::ValuesIn(traces()),
                         [](const auto& info) { return info.param.name(); });

TEST(TrainingTraceFilesTest, NoneIsLost) {
  EXPECT_EQ(traces().size(), 24);
}

// -- traces of the paper's own models

constexpr double kLogitDifference = 1e-5, kSpikeDifference = 1e-4, kImportanceDifference = 1e-5;

std::vector<Trace> paper_traces() {
  const char* parent = std::getenv("SPIKESINK_TRACES");
  return parent ? traces_in(parent) : std::vector<Trace>{};
}

TrainConfig paper_config(const ModelConfig& model, const json& settings) {
  TrainConfig config{.model = model};
  config.steps = settings["steps"];
  config.sequences = config.measured_sequences = settings["sequences"];
  config.length = settings["length"];
  config.skipped_predictions = settings["loss_positions"][0];
  config.measure_every = 0;
  config.optimizer = {.learning_rate = settings["learning_rate"],
                      .min_rate_ratio = settings["min_lr_ratio"],
                      .warm_up = settings["warm_up"],
                      .beta1 = settings["betas"][0],
                      .beta2 = settings["betas"][1],
                      .epsilon = settings["epsilon"],
                      .weight_decay = settings["weight_decay"],
                      .decay_vectors = true,
                      .clip = settings["clip"]};
  return config;
}

// The spike, and eq. 28's maximum of each sequence, layer and head.
void expect_state(Trainer& trainer, const torch::Tensor& inputs, const json& expected) {
  LifeCycle life;
  run(trainer.model(), {{inputs, 0}}, {&life});
  ValidationResult validation;
  validation.life_cycle = life.result();
  EXPECT_NEAR(validation.spike(), expected["spike"].get<double>(),
              kSpikeDifference * expected["spike"].get<double>());
  for (int64_t sequence = 0; sequence < inputs.size(0); ++sequence) {
    AttentionSinks sinks;
    run(trainer.model(), {{inputs.slice(0, sequence, sequence + 1), 0}}, {&sinks});
    for (const auto& head : sinks.result().paper.heads)
      EXPECT_NEAR(head.importance,
                  expected["importance"][sequence][head.layer][head.head].get<double>(),
                  kImportanceDifference);
  }
}

// Over all predictions, also those that do not count in training.
double loss_after(Trainer& trainer, const torch::Tensor& inputs, const torch::Tensor& targets) {
  const torch::NoGradGuard no_grad;
  const auto logits = trainer.model()->forward(inputs);
  return at::cross_entropy_loss(logits.flatten(0, 1), targets.flatten()).item<double>();
}

class PaperTraceTest : public testing::TestWithParam<Trace> {
  OneThread one_thread_;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PaperTraceTest);

TEST_P(PaperTraceTest, EveryStepAndStateIsTheAuthors) {
  const auto& folder = GetParam().folder;
  const auto trace = json::parse(read_bytes(folder / "trace.json"));
  auto start = load_model(folder);
  const auto expected = open_safetensors(folder / "expected.safetensors");
  {
    const torch::NoGradGuard no_grad;
    const auto logits = start->forward(expected->tensor("tokens"));
    EXPECT_LE((logits - expected->tensor("unembed.hook_out")).abs().max().item<double>(),
              kLogitDifference);
  }
  const auto config = paper_config(start->config(), trace["settings"]);
  const auto ids = std::make_shared<TracedIds>(trace["ids"]);
  Trainer trainer(config, {ids, ids, {}});
  copy_weights(start, trainer.model());
  const auto inputs = ids->sequences(0, config.sequences, config.length);
  expect_state(trainer, inputs, trace["before"]);
  ASSERT_EQ(trace["loss"].size(), config.steps);
  for (int64_t step = 0; step < config.steps; ++step) {
    EXPECT_DOUBLE_EQ(learning_rate(config.optimizer, step, config.steps),
                     trace["learning_rates"][step].get<double>());
    const auto norm = trace["gradient_norm"][step].get<double>();
    const auto result = trainer.step();
    EXPECT_NEAR(result.loss, trace["loss"][step].get<double>(), kLossDifference) << step;
    EXPECT_NEAR(result.gradient_norm, norm, kNormDifference * norm) << step;
  }
  expect_state(trainer, inputs, trace["after"]);
  const auto targets = ids->sequences(0, config.sequences, config.length + 1).slice(1, 1);
  EXPECT_NEAR(loss_after(trainer, inputs, targets), trace["after"]["loss"].get<double>(),
              kLossDifference);
}

INSTANTIATE_TEST_SUITE_P(Paper, PaperTraceTest, testing::ValuesIn(paper_traces()),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace spikesink
