// Twenty steps of training against PyTorch's, from the same weights on the same ids
// (scripts/training_trace.py).

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "one_thread.h"
#include "read_bytes.h"
#include "spikesink/model/load_model.h"
#include "spikesink/train/trainer.h"

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

std::vector<Trace> traces() {
  std::vector<Trace> found;
  for (const auto& entry : fs::directory_iterator(SPIKESINK_GOLDENS "/training"))
    found.push_back({entry.path()});
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.folder < b.folder; });
  return found;
}

class TracedIds : public TokenSource {
 public:
  /// ids [steps, sequences, length].
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

void expect_trace(const Transformer& start, const TrainConfig& config, const json& trace) {
  const auto ids = std::make_shared<TracedIds>(trace["ids"]);
  Trainer trainer(config, {ids, ids, {}});
  {
    const torch::NoGradGuard no_grad;
    const auto weights = start->named_parameters();
    for (auto& entry : trainer.model()->named_parameters())
      entry.value().copy_(weights[entry.key()]);
  }
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
  config.at_once = 3;
  config.recompute = true;
  expect_trace(start, config, trace);
}

INSTANTIATE_TEST_SUITE_P(Models, TrainingTraceTest, testing::ValuesIn(traces()),
                         [](const auto& info) { return info.param.name(); });

TEST(TrainingTraceFilesTest, NoneIsLost) {
  EXPECT_EQ(traces().size(), 22);
}

}  // namespace
}  // namespace spikesink
