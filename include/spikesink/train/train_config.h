#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spikesink/model/model_config.h"
#include "spikesink/train/bigram_backcopy.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The initial weights, drawn from N(0, deviation^2). Norm scales start at 1, biases and sink
/// logits at 0. The defaults are those of the authors of arXiv 2603.05498, for a width of 4096.
struct InitialWeightsConfig {
  double embedding_deviation = 1;
  double matrix_deviation = 0.02;               // of every matrix, gates included
  std::optional<double> unembedding_deviation;  // nullopt: 1 / sqrt(d_model)
  double gate_deviation = 0.02;                 // of the logits of gates without an input
  /// Divides the deviation of the matrices that write to the residual stream by sqrt(2 n_layers).
  bool scale_by_depth = false;
  double attention_alpha = 0.8;     // DynamicTanh's alpha before attention blocks
  double feed_forward_alpha = 0.2;  // before feed-forward blocks and the unembedding
};

/// AdamW (Loshchilov and Hutter, arXiv 1711.05101) and its learning rate (learning_rate() in
/// optimizer.h). The defaults are those of the authors of arXiv 2603.05498.
struct OptimizerConfig {
  double learning_rate = 3e-4;
  double min_rate_ratio = 0.1;  // learning rate at the end of the cosine decay / learning_rate
  int64_t warm_up = 2000;       // number of warm-up steps
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;  // multiplied by the learning rate
  bool decay_vectors = true;  // norm scales, biases and gate logits too; false: matrices only
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
  bool shuffled = true;  // each epoch in another order; false: in the order of the files
};

/// The configuration of a training run. The JSON keys are the names of the members.
struct TrainConfig {
  std::string name;  // in reports
  ModelConfig model;
  DataConfig data;
  BigramBackcopyConfig backcopy;
  InitialWeightsConfig initial;
  OptimizerConfig optimizer;

  int64_t steps = 1000;
  int64_t sequences = 128;  // per step (batch size)
  int64_t micro_batch = 0;  // sequences per forward pass; 0: all of the step
  /// Predictions per sequence. A sequence has one token more, the last target.
  int64_t length = 64;
  /// The first predictions of a sequence that do not count in the loss (the minimum in table 8 of
  /// arXiv 2603.05498).
  int64_t skipped_predictions = 0;
  uint64_t seed = 2025;  // of weights and sequences
  /// bfloat16 autocast: matrix products in bfloat16; weights, sums and norms in float32.
  bool bfloat16 = false;
  bool recompute = false;  // recompute activations in the backward pass (gradient checkpointing)

  int64_t measure_every = 200;      // steps between validations; 0: only at the end
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
