#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "spikesink/train/trainer.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Saves the model (`save_model`) and the tokenizer, if the data has one, in the format of Hugging
/// Face.
void save_trained_model(const Trainer& trainer, const std::filesystem::path& folder);

/// A snapshot of a training run after a step, stored in its own folder: the model, the optimizer
/// state, and `checkpoint.json` with the sizes and XXH128 checksums of the other files. The
/// optimizer state is `optimizer.safetensors` or, with several processes, one shard each
/// (`optimizer-1-of-2.safetensors`). Training can be resumed with any number of processes.
struct Checkpoint {
  std::filesystem::path folder;
  int64_t step = 0;
  std::optional<double> validation_loss;  // if it was measured at this step
};

/// Writes `parent`/step-N atomically, also on power loss. All processes of the trainer must call
/// it, with a folder on a shared file system. Throws FileError.
Checkpoint save_checkpoint(const Trainer& trainer, std::optional<double> validation_loss,
                           const std::filesystem::path& parent);

/// Returns all checkpoints in `parent`, latest first. Damaged ones are included;
/// `verify_checkpoint` and `restore_checkpoint` detect them.
std::vector<Checkpoint> find_checkpoints(const std::filesystem::path& parent);

/// Returns the checkpoint of `step`, whether or not it exists.
Checkpoint checkpoint_at_step(const std::filesystem::path& parent, int64_t step);

/// Throws FileError, which names the file, if a file is missing or differs from its checksum.
void verify_checkpoint(const Checkpoint& checkpoint);

/// Restores weights, optimizer state and step. On a CPU with the same number of processes, later
/// steps are bit-identical to an uninterrupted run. If it throws, the trainer is unchanged. Throws
/// FileError for a checkpoint that is damaged or of another model, and std::invalid_argument if
/// the training data changed.
void restore_checkpoint(Trainer& trainer, const Checkpoint& checkpoint);

/// Removes all checkpoints except the last `kept` and the one with the lowest validation loss.
void remove_old_checkpoints(const std::filesystem::path& parent, int64_t kept);
/// Removes checkpoints that a killed process left partly written or partly removed.
void remove_incomplete_checkpoints(const std::filesystem::path& parent);
/// Renames a damaged checkpoint so that it is no longer found.
void rename_damaged_checkpoint(const Checkpoint& damaged);

/// Returns checksums of the first sequences, to detect that the training data changed.
std::string data_checksum(const Trainer& trainer);

}  // namespace spikesink
