#include "spikesink/train/training_run.h"

#include <gtest/gtest.h>

#include <cmath>

#include "message_of.h"
#include "read_bytes.h"
#include "spikesink/model/load_model.h"
#include "spikesink/train/run_summary.h"
#include "temp_dir.h"
#include "train/small_config.h"

namespace spikesink {
namespace {

namespace fs = std::filesystem;

TrainConfig run_config() {
  auto config = small_config();
  config.steps = 20;
  config.sequences = 4;
  config.length = 12;
  config.measure_every = 6;
  config.measured_sequences = 4;
  return config;
}

std::string some_text() {
  std::string text;
  for (int line = 0; line < 300; ++line) text += fmt::format("line {} of a text\n", line);
  return text;
}

void train_to(TrainingRun& run, int64_t steps) {
  while (!run.done() && run.trainer().steps_done() < steps) run.step();
}

// What a run leaves that was not interrupted.
struct Whole {
  explicit Whole(const TrainConfig& config) {
    TrainingRun run(config, folder.path());
    train_to(run, config.steps);
  }
  TempDir folder;
};

void expect_same_results(const fs::path& folder, const fs::path& expected) {
  for (const char* name : {"log.jsonl", "train.json", "model/model.safetensors",
                           "model/config.json", "checkpoints/step-20/optimizer.safetensors"})
    EXPECT_EQ(read_bytes(folder / name), read_bytes(expected / name)) << name;
}

std::vector<int64_t> steps_kept(const fs::path& folder) {
  std::vector<int64_t> steps;
  for (const auto& checkpoint : find_checkpoints(folder / "checkpoints"))
    steps.push_back(checkpoint.step);
  return steps;
}

TEST(TrainingRunTest, GoesOnBitForBitWhereverItStopped) {
  const auto config = run_config();
  const Whole whole(config);
  for (const int64_t stop : {1, 4, 7, 20}) {
    const TempDir folder;
    {
      TrainingRun run(config, folder.path());
      train_to(run, stop);
    }
    TrainingRun run(config, folder.path());
    EXPECT_EQ(run.began_after(), stop / 4 * 4) << stop;
    train_to(run, config.steps);
    expect_same_results(folder.path(), whole.folder.path());
  }
  EXPECT_TRUE(is_finished(config, whole.folder.path()));
}

TEST(CheckpointTest, TheLastAndTheBestAreKept) {
  const TempDir folder;
  const auto config = run_config();
  Trainer trainer(config, open_training_data(config));
  const auto saved = [&](std::vector<std::optional<double>> losses) {
    for (size_t index = 0; index < losses.size(); ++index) {
      trainer.go_on_after(4 * static_cast<int64_t>(index + 1));
      save_checkpoint(trainer, losses[index], folder / "checkpoints");
      remove_old_checkpoints(folder / "checkpoints", 2);
    }
    return steps_kept(folder.path());
  };
  EXPECT_EQ(saved({3.0, 2.0, 2.5, 2.7, std::nullopt}), (std::vector<int64_t>{20, 16, 8}));
  EXPECT_EQ(saved({3.0, 2.0, 2.5, 1.0, 1.5}), (std::vector<int64_t>{20, 16}));
}

TEST(TrainingRunTest, ADamagedCheckpointIsPassedOver) {
  const auto config = run_config();
  const Whole whole(config);
  const TempDir folder;
  {
    TrainingRun run(config, folder.path());
    train_to(run, 13);
  }
  ASSERT_EQ(steps_kept(folder.path()), (std::vector<int64_t>{12, 8}));
  const auto file = folder / "checkpoints/step-12/optimizer.safetensors";
  auto bytes = read_bytes(file);
  bytes[bytes.size() / 2] ^= 1;
  folder.write("checkpoints/step-12/optimizer.safetensors", bytes);
  {
    TrainingRun run(config, folder.path());
    EXPECT_EQ(run.began_after(), 8);
    ASSERT_EQ(run.damaged().size(), 1);
    EXPECT_TRUE(holds(run.damaged().front(), "is not as it was written"));
    EXPECT_TRUE(holds(run.damaged().front(), file.string()));
    train_to(run, config.steps);
  }
  expect_same_results(folder.path(), whole.folder.path());

  for (const int64_t step : steps_kept(folder.path()))
    fs::remove(folder / fmt::format("checkpoints/step-{}/model.safetensors", step));
  EXPECT_TRUE(holds(message_of<FormatError>([&] { TrainingRun(config, folder.path()); }),
                    "is good; the last one"));
}

// Or the damaged one would be the last that is kept, and the good one go.
TEST(TrainingRunTest, ADamagedCheckpointTakesNoPlaceOfAGoodOne) {
  auto config = run_config();
  config.kept_checkpoints = 1;
  const TempDir folder;
  {
    TrainingRun run(config, folder.path());
    train_to(run, 8);
  }
  fs::create_directory(folder / "checkpoints/step-16");
  TrainingRun run(config, folder.path());
  EXPECT_EQ(run.began_after(), 8);
  train_to(run, 12);
  EXPECT_EQ(steps_kept(folder.path()).front(), 12);
  EXPECT_TRUE(fs::exists(folder / "checkpoints/step-16.damaged"));
}

TEST(TrainingRunTest, OtherDataIsRefused) {
  const TempDir folder;
  const auto text = some_text();
  auto config = run_config();
  config.model.d_vocabulary = 300;
  config.data.training = {folder.write("a.txt", text).string()};
  const auto out = folder / "run";
  {
    TrainingRun run(config, out);
    train_to(run, 5);
  }
  folder.write("a.txt", text + "and one more");
  const auto said = message_of<std::invalid_argument>([&] { TrainingRun(config, out); });
  EXPECT_TRUE(holds(said, "the data is not what it was"));
  EXPECT_TRUE(holds(said, "checkpoints/step-4"));
  EXPECT_EQ(read_training_log(out / "log.jsonl").size(), 5);
  folder.write("a.txt", text);
  TrainingRun run(config, out);
  EXPECT_EQ(run.began_after(), 4);
}

TEST(TrainingRunTest, ATokenizerThatIsThereIsLeftAlone) {
  const TempDir folder;
  fs::create_directory(folder / "tokenizer");
  folder.write("tokenizer/tokenizer.json", "{}");
  auto config = run_config();
  config.data.training = {folder.write("a.txt", "text").string()};
  EXPECT_TRUE(holds(message_of<FormatError>([&] { TrainingRun(config, folder.path()); }),
                    "a tokenizer of no training there"));
  EXPECT_EQ(read_bytes(folder / "tokenizer/tokenizer.json"), "{}");
}

TEST(TrainingRunTest, WhatCannotBeginLeavesNothingAndWhatWasKilledGoesOn) {
  const TempDir folder;
  const auto out = folder / "run";
  const auto text = some_text();
  auto config = run_config();
  config.model.d_vocabulary = 300;
  config.data.training = {folder.write("a.txt", text).string()};
  auto wrong = config;
  wrong.measured_sequences = 100000;
  EXPECT_THROW(TrainingRun(wrong, out), std::invalid_argument);
  EXPECT_FALSE(fs::exists(out / "train.json") || fs::exists(out / "tokenizer"));
  { TrainingRun run(config, out); }
  EXPECT_TRUE(fs::exists(out / "tokenizer/tokenizer.json"));
  TrainingRun run(config, out);  // as after a kill before the first step
  EXPECT_EQ(run.began_after(), 0);
}

TEST(TrainingRunTest, ADoneTrainingWithoutCheckpointsIsLeftAlone) {
  const auto config = run_config();
  const Whole whole(config);
  const auto log = read_bytes(whole.folder / "log.jsonl");
  fs::remove_all(whole.folder / "checkpoints");
  EXPECT_TRUE(holds(message_of<FormatError>([&] { TrainingRun(config, whole.folder.path()); }),
                    "its checkpoints are gone"));
  EXPECT_EQ(read_bytes(whole.folder / "log.jsonl"), log);
}

TEST(TrainingRunTest, OneTrainingAFolder) {
  const auto config = run_config();
  const TempDir folder;
  TrainingRun run(config, folder.path());
  EXPECT_TRUE(holds(message_of<FormatError>([&] { TrainingRun(config, folder.path()); }),
                    "another process is training there"));
  auto other = config;
  other.optimizer.beta2 = 0.9;
  const auto said = message_of<FormatError>([&] { TrainingRun(other, folder.path()); });
  EXPECT_TRUE(holds(said, "holds another training: /optimizer/beta2: got 0.9, expected 0.95"));
  EXPECT_FALSE(is_finished(config, folder.path()));
}

TEST(TrainingRunTest, WhatEndsItNamesTheLastGoodCheckpoint) {
  auto config = run_config();
  config.optimizer.learning_rate = 1e6;
  config.optimizer.clip = 0;
  config.steps = 500;
  config.initial_deviation = 1e5;
  const TempDir folder;
  TrainingRun run(config, folder.path());
  const auto said = message_of<std::runtime_error>([&] { train_to(run, config.steps); });
  EXPECT_TRUE(holds(said, "expected finite ones"));
  EXPECT_TRUE(holds(said, "checkpoint"));
}

TEST(TrainingRunTest, UnfinishedCheckpointsAreNone) {
  const auto config = run_config();
  const TempDir folder;
  {
    TrainingRun run(config, folder.path());
    train_to(run, 5);
  }
  fs::rename(folder / "checkpoints/step-4", folder / "checkpoints/step-8.unfinished");
  TrainingRun run(config, folder.path());
  EXPECT_EQ(run.began_after(), 0);
  train_to(run, config.steps);
  EXPECT_EQ(steps_kept(folder.path()).front(), 20);
  EXPECT_FALSE(fs::exists(folder / "checkpoints/step-8.unfinished"));
}

TEST(TrainingRunTest, ACheckpointIsAModel) {
  const auto config = run_config();
  const Whole whole(config);
  auto model = load_model(whole.folder / "checkpoints/step-20");
  auto trained = load_model(whole.folder / "model");
  const auto ids = torch::arange(10).unsqueeze(0);
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(model->forward(ids).equal(trained->forward(ids)));
}

TEST(TrainingRunTest, AFolderOfANegativeStepIsNoCheckpoint) {
  const Whole whole(run_config());
  const auto kept = steps_kept(whole.folder.path());
  fs::create_directory(whole.folder / "checkpoints" / "step--5");
  EXPECT_EQ(steps_kept(whole.folder.path()), kept);
}

TEST(RestoreTest, AnotherModelIsRefusedAndNothingChanges) {
  const Whole whole(run_config());
  auto config = run_config();
  config.model.d_mlp *= 2;
  Trainer trainer(config, open_training_data(config));
  const auto before = trainer.model()->embedding.clone();
  const auto last = find_checkpoints(whole.folder / "checkpoints").front();
  EXPECT_TRUE(holds(message_of<FormatError>([&] { restore(trainer, last); }), "got the shape"));
  EXPECT_TRUE(trainer.model()->embedding.equal(before));
  EXPECT_EQ(trainer.steps_done(), 0);
}

TEST(TrainingLogTest, IsReadAsItWasWritten) {
  const Whole whole(run_config());
  const auto log = read_training_log(whole.folder / "log.jsonl");
  ASSERT_EQ(log.size(), 20);
  std::string text;
  for (const auto& record : log) text += to_json(record) + "\n";
  EXPECT_EQ(text, read_bytes(whole.folder / "log.jsonl"));
  ASSERT_TRUE(log[5].validation && log[19].validation);
  EXPECT_FALSE(log[4].validation);
  const auto bad = whole.folder.write("bad.jsonl", "{\"step\": 1}\n{\"stp\": 2}\n");
  EXPECT_TRUE(holds(message_of<FormatError>([&] { read_training_log(bad); }), "bad.jsonl, line 2"));
}

FinishedRun finished(const std::string& name, double loss, std::optional<double> spike) {
  FinishedRun run;
  run.config.name = name;
  run.config.steps = 2;
  run.log = {{.step = 1},
             {.step = 2, .validation = ValidationRecord{.loss = loss, .spike = spike}}};
  return run;
}

TEST(SummarizeTest, OverTheSeedsThatAreDone) {
  auto half = finished("mine", 7, 7);
  half.log.pop_back();
  const auto rows =
      summarize({finished("table5/sandwich", 3, 20), finished("mine", 1, std::nullopt),
                 finished("table5/sandwich", 2, 30), half});
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows[0].runs, 2);
  EXPECT_EQ(rows[0].loss->mean, 2.5);
  EXPECT_EQ(rows[0].loss->low, 2);
  EXPECT_EQ(rows[0].spike->high, 30);
  EXPECT_EQ(rows[0].paper->spike, 520);
  EXPECT_EQ(rows[1].runs, 1);
  EXPECT_FALSE(rows[1].spike || rows[1].paper || rows[1].sink_ratio_percent);
}

}  // namespace
}  // namespace spikesink
