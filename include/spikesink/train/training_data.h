#pragma once

#include <filesystem>
#include <memory>

#include "spikesink/train/token_source.h"
#include "spikesink/train/train_config.h"

namespace [[gnu::visibility("default")]] spikesink {

/// What a model trains on, and what it is measured on.
struct TrainingData {
  std::shared_ptr<const TokenSource> training, validation;
  std::filesystem::path tokenizer;  // of load_tokenizer; empty where the data is no text
};

/// What the configuration names. Where it names texts and no tokenizer, one is trained and kept in
/// `tokenizer_folder`, unless it is there already. Throws FormatError for files that are missing,
/// empty or not understood, and std::invalid_argument for a corpus that is too short and for a
/// separator that nothing says.
TrainingData open_training_data(const TrainConfig& config,
                                const std::filesystem::path& tokenizer_folder = {});

}  // namespace spikesink
