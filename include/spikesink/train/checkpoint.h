#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "spikesink/train/trainer.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The model as `save_model` and the tokenizer, where the data has one, as Hugging Face have them.
void save_trained_model(const Trainer& trainer, const std::filesystem::path& folder);

/// A training as it was after some step, in a folder of its own: the trained model so far, the
/// optimizer's state, and `checkpoint.json`, which holds the sizes and XXH128 checksums of the
/// others. The state is `optimizer.safetensors`, or of several processes each has its own part in
/// `optimizer-1-of-2.safetensors` and so on; any number of processes goes on from either.
struct Checkpoint {
  std::filesystem::path folder;
  int64_t step = 0;
  std::optional<double> validation_loss;  // where it was measured at that step
};

/// Writes `parent`/step-N, which appears whole or not at all, also when the machine loses its
/// power. The trainer's processes all call it, for a folder that all of them see. Throws
/// FormatError.
Checkpoint save_checkpoint(const Trainer& trainer, std::optional<double> validation_loss,
                           const std::filesystem::path& parent);

/// Those of a folder, the last step first. One that is damaged is among them: `verify` and
/// `restore` say so.
std::vector<Checkpoint> find_checkpoints(const std::filesystem::path& parent);

/// The one of a step, which may not be there.
Checkpoint checkpoint_at_step(const std::filesystem::path& parent, int64_t step);

/// Throws FormatError, naming the file, where one is missing or not as it was written.
void verify_checkpoint(const Checkpoint& checkpoint);

/// Puts weights, the optimizer's state and the step back; all later steps are what they would have
/// been, bit for bit on a CPU and with as many processes. The trainer is as before where this
/// throws: FormatError for a checkpoint that is damaged or of another model, std::invalid_argument
/// where the data is not what it was.
void restore_checkpoint(Trainer& trainer, const Checkpoint& checkpoint);

/// Removes all but the last `kept` and, of those that were measured, the one with the least
/// validation loss.
void remove_old_checkpoints(const std::filesystem::path& parent, int64_t kept);
/// Removes what a process that was killed left half written or half removed.
void remove_incomplete_checkpoints(const std::filesystem::path& parent);
/// Gives a damaged one a name under which it is none.
void rename_damaged_checkpoint(const Checkpoint& damaged);

/// Tells data from other data: checksums of the first sequences.
std::string fingerprint(const Trainer& trainer);

}  // namespace spikesink
