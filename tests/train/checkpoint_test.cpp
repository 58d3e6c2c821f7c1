#include "spikesink/train/checkpoint.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

#include "message_of.h"
#include "spikesink/error.h"
#include "spikesink/model/load_model.h"
#include "train/small_run.h"

namespace spikesink {
namespace {

namespace fs = std::filesystem;

TEST(CheckpointTest, TheLastAndTheBestAreKept) {
  const TempDir folder;
  const auto config = run_config();
  Trainer trainer(config, open_training_data(config));
  const auto saved = [&](std::vector<std::optional<double>> losses) {
    for (size_t index = 0; index < losses.size(); ++index) {
      trainer.set_steps_done(4 * static_cast<int64_t>(index + 1));
      save_checkpoint(trainer, losses[index], folder / "checkpoints");
      remove_old_checkpoints(folder / "checkpoints", 2);
    }
    return steps_kept(folder.path());
  };
  EXPECT_EQ(saved({3.0, 2.0, 2.5, 2.7, std::nullopt}), (std::vector<int64_t>{20, 16, 8}));
  EXPECT_EQ(saved({3.0, 2.0, 2.5, 1.0, 1.5}), (std::vector<int64_t>{20, 16}));
}

TEST(CheckpointTest, UnfinishedCheckpointsAreIgnored) {
  const auto config = run_config();
  const TempDir folder;
  {
    TrainingRun run(config, folder.path());
    train_to(run, 5);
  }
  fs::rename(folder / "checkpoints/step-4", folder / "checkpoints/step-8.unfinished");
  TrainingRun run(config, folder.path());
  EXPECT_EQ(run.resumed_from_step(), 0);
  train_to(run, config.steps);
  EXPECT_EQ(steps_kept(folder.path()).front(), 20);
  EXPECT_FALSE(fs::exists(folder / "checkpoints/step-8.unfinished"));
}

TEST(CheckpointTest, ACheckpointIsAModel) {
  const auto config = run_config();
  const CompleteRun whole(config);
  auto model = load_model(whole.folder / "checkpoints/step-20");
  auto trained = load_model(whole.folder / "model");
  const auto ids = torch::arange(10).unsqueeze(0);
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(model->forward(ids).equal(trained->forward(ids)));
}

TEST(CheckpointTest, AFolderOfANegativeStepIsNoCheckpoint) {
  const CompleteRun whole(run_config());
  const auto kept = steps_kept(whole.folder.path());
  fs::create_directory(whole.folder / "checkpoints" / "step--5");
  EXPECT_EQ(steps_kept(whole.folder.path()), kept);
}

TEST(RestoreTest, AnotherModelIsRefusedAndNothingChanges) {
  const CompleteRun whole(run_config());
  auto config = run_config();
  config.model.d_mlp *= 2;
  Trainer trainer(config, open_training_data(config));
  const auto before = trainer.model()->embedding.clone();
  const auto last = find_checkpoints(whole.folder / "checkpoints").front();
  EXPECT_TRUE(
      contains(message_of<FileError>([&] { restore_checkpoint(trainer, last); }), "got the shape"));
  EXPECT_TRUE(trainer.model()->embedding.equal(before));
  EXPECT_EQ(trainer.steps_done(), 0);
}

}  // namespace
}  // namespace spikesink
