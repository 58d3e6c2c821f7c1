#pragma once

#include <filesystem>
#include <memory>

#include "spikesink/train/token_source.h"
#include "spikesink/train/train_config.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The training and validation sequences.
struct TrainingData {
  std::shared_ptr<const TokenSource> training, validation;
  std::filesystem::path tokenizer;  // a path for load_tokenizer; empty for data without text
};

/// Opens the data named in `config`. If it names texts and no tokenizer, trains a tokenizer and
/// saves it in `tokenizer_folder`, or loads the one that is already there. Throws FileError for
/// missing, empty or malformed files, and std::invalid_argument for a corpus that is too short and
/// if no separator is known.
TrainingData open_training_data(const TrainConfig& config,
                                const std::filesystem::path& tokenizer_folder = {});

}  // namespace spikesink
