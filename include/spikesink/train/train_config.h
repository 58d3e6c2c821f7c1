#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spikesink/model/model_config.h"
#include "spikesink/train/bigram_backcopy.h"

namespace [[gnu::visibility("default")]] spikesink {

/// AdamW with a warm-up and a cosine (Loshchilov and Hutter, arXiv 1711.05101, 1608.03983).
struct OptimizerConfig {
  double learning_rate = 3e-4;
  double least_learning_rate = 3e-5;  // at the end of the cosine
  int64_t warm_up = 100;              // steps from 0 to the learning rate
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;  // of matrices alone, times the learning rate
  double clip = 1.0;          // the gradient's largest norm; 0: any
};

/// A corpus: files of text (.txt, .md: a document each; .jsonl: one a line, its "text"), files of
/// token ids (.bin: open_token_shard), or folders of such. Documents follow one another, each after
/// a separator.
struct DataConfig {
  std::vector<std::string> training;    // none: Bigram-Backcopy
  std::vector<std::string> validation;  // none: the last `measured_sequences` windows of training
  std::string tokenizer;  // of load_tokenizer; none: trained on the texts, as large as the model's
  std::optional<int64_t> separator;   // none: the tokenizer's EOS
  bool starts_with_separator = true;  // every sequence does, as with BOS
};

/// A training run. As JSON, the keys are the names below.
struct TrainConfig {
  std::string name;  // what it is called in reports
  ModelConfig model;
  DataConfig data;
  BigramBackcopyConfig backcopy;
  OptimizerConfig optimizer;

  int64_t steps = 1000;
  int64_t sequences = 128;    // a step
  int64_t at_once = 0;        // of them, through the model together; 0: all
  int64_t length = 64;        // tokens of a sequence
  int64_t least_context = 1;  // predictions from fewer tokens than this have no loss (table 8)
  double initial_deviation = 0.02;  // of matrices
  uint64_t seed = 0;                // of weights and sequences
  bool bfloat16 = false;   // matrix products; weights, sums and norms stay in float32 (autocast)
  bool recompute = false;  // a layer's activations, for its gradient, instead of keeping them

  int64_t measure_every = 100;  // steps; 0: at the end alone
  int64_t measured_sequences = 64;
  int64_t checkpoint_every = 200;  // steps; 0: at the end alone
  int64_t kept_checkpoints = 2;    // the last ones, besides the one of the least validation loss

  /// Throws std::invalid_argument naming the first field that cannot be.
  void validate() const;
};

/// Keys that are left out keep their values above. Throws FormatError for a key or value that is
/// not understood; `where` is the file that it names.
TrainConfig read_train_config(const std::string& json, const std::string& where);
/// All of it.
std::string to_json(const TrainConfig& config);

}  // namespace spikesink
