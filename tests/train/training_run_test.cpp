#include "spikesink/train/training_run.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "message_of.h"
#include "read_bytes.h"
#include "spikesink/error.h"
#include "train/small_run.h"

namespace spikesink {
namespace {

namespace fs = std::filesystem;

std::string some_text() {
  std::string text;
  for (int line = 0; line < 300; ++line) text += fmt::format("line {} of a text\n", line);
  return text;
}

void expect_same_results(const fs::path& folder, const fs::path& expected) {
  for (const char* name : {"log.jsonl", "train.json", "model/model.safetensors",
                           "model/config.json", "checkpoints/step-20/optimizer.safetensors"})
    EXPECT_EQ(read_bytes(folder / name), read_bytes(expected / name)) << name;
}

TEST(TrainingRunTest, ContinuesBitForBitWhereverItStopped) {
  const auto config = run_config();
  const CompleteRun whole(config);
  for (const int64_t stop : {1, 4, 7, 20}) {
    const TempDir folder;
    {
      TrainingRun run(config, folder.path());
      train_to(run, stop);
    }
    TrainingRun run(config, folder.path());
    EXPECT_EQ(run.resumed_from_step(), stop / 4 * 4) << stop;
    train_to(run, config.steps);
    expect_same_results(folder.path(), whole.folder.path());
  }
  EXPECT_TRUE(is_finished(config, whole.folder.path()));
}

TEST(TrainingRunTest, ADamagedCheckpointIsSkipped) {
  const auto config = run_config();
  const CompleteRun whole(config);
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
    EXPECT_EQ(run.resumed_from_step(), 8);
    ASSERT_EQ(run.damaged_checkpoints().size(), 1);
    EXPECT_TRUE(contains(run.damaged_checkpoints().front(), "is not as it was written"));
    EXPECT_TRUE(contains(run.damaged_checkpoints().front(), file.string()));
    train_to(run, config.steps);
  }
  expect_same_results(folder.path(), whole.folder.path());

  for (const int64_t step : steps_kept(folder.path()))
    fs::remove(folder / fmt::format("checkpoints/step-{}/model.safetensors", step));
  EXPECT_TRUE(contains(message_of<FileError>([&] { TrainingRun(config, folder.path()); }),
                       "is good; the last one"));
}

// Or the damaged one would be the last that is kept, and the good one go.
TEST(TrainingRunTest, ADamagedCheckpointDoesNotReplaceAGoodOne) {
  auto config = run_config();
  config.kept_checkpoints = 1;
  const TempDir folder;
  {
    TrainingRun run(config, folder.path());
    train_to(run, 8);
  }
  fs::create_directory(folder / "checkpoints/step-16");
  TrainingRun run(config, folder.path());
  EXPECT_EQ(run.resumed_from_step(), 8);
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
  EXPECT_TRUE(contains(said, "the training data changed: got other sequences"));
  EXPECT_TRUE(contains(said, "checkpoints/step-4"));
  EXPECT_EQ(read_training_log(out / "log.jsonl").size(), 5);
  folder.write("a.txt", text);
  TrainingRun run(config, out);
  EXPECT_EQ(run.resumed_from_step(), 4);
}

TEST(TrainingRunTest, AnExistingTokenizerIsNotOverwritten) {
  const TempDir folder;
  fs::create_directory(folder / "tokenizer");
  folder.write("tokenizer/tokenizer.json", "{}");
  auto config = run_config();
  config.data.training = {folder.write("a.txt", "text").string()};
  EXPECT_TRUE(contains(message_of<FileError>([&] { TrainingRun(config, folder.path()); }),
                       "contains a tokenizer but no train.json"));
  EXPECT_EQ(read_bytes(folder / "tokenizer/tokenizer.json"), "{}");
}

TEST(TrainingRunTest, AFailedStartLeavesNothingAndAKilledTrainingContinues) {
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
  EXPECT_EQ(run.resumed_from_step(), 0);
}

TEST(TrainingRunTest, AFinishedTrainingWithoutCheckpointsIsNotChanged) {
  const auto config = run_config();
  const CompleteRun whole(config);
  const auto log = read_bytes(whole.folder / "log.jsonl");
  fs::remove_all(whole.folder / "checkpoints");
  EXPECT_TRUE(contains(message_of<FileError>([&] { TrainingRun(config, whole.folder.path()); }),
                       "its checkpoints are gone"));
  EXPECT_EQ(read_bytes(whole.folder / "log.jsonl"), log);
}

TEST(TrainingRunTest, OneTrainingAFolder) {
  const auto config = run_config();
  const TempDir folder;
  TrainingRun run(config, folder.path());
  EXPECT_TRUE(contains(message_of<FileError>([&] { TrainingRun(config, folder.path()); }),
                       "another process is training there"));
  auto other = config;
  other.optimizer.beta2 = 0.9;
  const auto said = message_of<FileError>([&] { TrainingRun(other, folder.path()); });
  EXPECT_TRUE(
      contains(said, "contains another training run: /optimizer/beta2: got 0.9, expected 0.95"));
  EXPECT_FALSE(is_finished(config, folder.path()));
}

TEST(TrainingRunTest, AnErrorNamesTheLastGoodCheckpoint) {
  auto config = run_config();
  config.optimizer.learning_rate = 1e6;
  config.optimizer.clip = 0;
  config.steps = 500;
  config.initial.matrix_deviation = 1e5;
  const TempDir folder;
  TrainingRun run(config, folder.path());
  const auto said = message_of<std::runtime_error>([&] { train_to(run, config.steps); });
  EXPECT_TRUE(contains(said, "expected finite ones"));
  EXPECT_TRUE(contains(said, "checkpoint"));
}

}  // namespace
}  // namespace spikesink
