#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spikesink/model/model_config.h"
#include "spikesink/train/bigram_backcopy.h"

namespace [[gnu::visibility("default")]] spikesink {

/// AdamW with linear warm-up and cosine decay (Loshchilov and Hutter, arXiv 1711.05101,
/// 1608.03983).
struct OptimizerConfig {
  double learning_rate = 3e-4;
  double least_learning_rate = 3e-5;  // at the end of the cosine decay
  int64_t warm_up = 100;              // number of warm-up steps
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;  // of matrices only; multiplied by the learning rate
  double clip = 1.0;          // maximum gradient norm; 0: no clipping
};

/// A corpus: text files (.txt and .md: one document each; .jsonl: one document per line, in its key
/// "text"), files of token ids (.bin: open_token_shard), or folders of such files. The documents
/// are concatenated, with a separator before each.
struct DataConfig {
  std::vector<std::string> training;    // empty: Bigram-Backcopy
  std::vector<std::string> validation;  // empty: the last `measured_sequences` training windows
  /// A path for load_tokenizer. Empty: a tokenizer with the model's vocabulary size is trained on
  /// the texts.
  std::string tokenizer;
  std::optional<int64_t> separator;  // nullopt: the tokenizer's EOS
  /// Every sequence starts with the separator, as sequences of other models start with BOS.
  bool starts_with_separator = true;
};

/// The configuration of a training run. The JSON keys are the names of the members.
struct TrainConfig {
  std::string name;  // in reports
  ModelConfig model;
  DataConfig data;
  BigramBackcopyConfig backcopy;
  OptimizerConfig optimizer;

  int64_t steps = 1000;
  int64_t sequences = 128;  // per step (batch size)
  int64_t at_once = 0;      // sequences per forward pass (micro-batch); 0: all of the step
  int64_t length = 64;      // tokens per sequence
  /// Minimum number of context tokens for a prediction to count in the loss (table 8 of arXiv
  /// 2603.05498).
  int64_t least_context = 1;
  double initial_deviation = 0.02;  // standard deviation of the initial matrices
  uint64_t seed = 0;                // of weights and sequences
  /// bfloat16 autocast: matrix products in bfloat16; weights, sums and norms in float32.
  bool bfloat16 = false;
  bool recompute = false;  // recompute activations in the backward pass (gradient checkpointing)

  int64_t measure_every = 100;      // steps between validations; 0: only at the end
  int64_t measured_sequences = 64;  // number of validation sequences
  int64_t checkpoint_every = 200;   // steps between checkpoints; 0: only at the end
  /// Number of latest checkpoints that are kept. The one with the lowest validation loss is kept
  /// too.
  int64_t kept_checkpoints = 2;

  /// Throws std::invalid_argument that names the first invalid field.
  void validate() const;
};

/// Reads a configuration. Missing keys have the default values above. Throws FileError for an
/// unknown key or an invalid value; `where` is the file name for the message.
TrainConfig read_train_config(const std::string& json, const std::string& where);
/// Returns the configuration with all keys.
std::string to_json(const TrainConfig& config);

}  // namespace spikesink
