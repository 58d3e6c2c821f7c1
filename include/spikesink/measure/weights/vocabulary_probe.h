#pragma once

#include <torch/types.h>

#include <vector>

#include "spikesink/hooks/block.h"
#include "spikesink/measure/core/measurement.h"
#include "spikesink/measure/core/running_mean.h"

namespace [[gnu::visibility("default")]] spikesink {

struct VocabularyProbeOptions {
  /// Reference spike magnitude max |h| after the block, measured on text. 0: use the largest probed
  /// entry.
  double spike = 0;
  /// An entry spikes if its max |h| is at least this share of the reference ...
  double least_share = 0.5;
  double least_magnitude = 100.0;  // ... and larger than this
  std::vector<int64_t> prefix;     // tokens before each entry; empty: the entry is the first token
  std::vector<int64_t> entries;    // ids to probe; empty: the whole vocabulary
  torch::Tensor trigger;           // s* [d_model] of the block that creates the spike, or undefined
  int64_t max_batch_tokens = 4096;  // tokens per forward pass, prefixes included
};

/// One vocabulary entry after the block that creates the spike.
struct ProbedEntry {
  int64_t id = 0;
  double magnitude = 0;  // max |h| over channels with finite h
  int64_t channel = 0;   // channel of the maximum
  /// Cosine between the trigger and the hidden state that the block reads; 0 without a trigger.
  double cosine = 0;
  bool spikes = false;
};

/// Cosines between the trigger and the vectors at one of the blocks before
/// `VocabularyProbeResult::block`, over all probed entries with a non-zero vector.
struct TriggerAlignment {
  Block block;         // 0: the embedding, whose `output` is empty
  RunningMean state;   // cosine of the trigger and the hidden state after the block
  RunningMean output;  // cosine of the trigger and the block's output
};

struct VocabularyProbeResult {
  VocabularyProbeOptions options;
  Block block;           // entries are measured after this block
  int64_t position = 0;  // position of the entries: the length of the prefix
  double spike = 0;      // reference spike magnitude
  int64_t spiking = 0;
  std::vector<ProbedEntry> entries;      // in the order of `options.entries`
  std::vector<TriggerAlignment> course;  // blocks before `block`; empty without a trigger

  double percent() const;  // percentage of spiking entries; NaN without entries
  /// If most entries spike, returns those that do not; otherwise those that do. Smallest magnitude
  /// first.
  std::vector<ProbedEntry> minority_entries() const;
};

/// Tests which vocabulary entries spike independently of context (arXiv 2603.05498, table 2, eq.
/// 22). Each entry is tested at position 0 or after a prefix. At position 0 a token attends only to
/// itself, so attention is the linear map `ov_matrix`. Layers after that of `block` are not
/// computed. Throws std::invalid_argument for ids outside the vocabulary, for a block that the
/// model does not have, and for a trigger of another size.
VocabularyProbeResult vocabulary_probe(Transformer& model, Block block,
                                       const VocabularyProbeOptions& options = {},
                                       const ProgressCallback& progress = {});

/// Returns the OV matrix of a layer: the map from the input to the attention output of a token that
/// attends only to itself. W_OV = sum_i W_O^i W_V^i over the query heads i (eq. 22), with the scale
/// of the norm before attention folded in. [d_model, d_model], float32 or float64. The output of
/// the block is W_OV h, where h is the normed hidden state without that scale. Biases, learned
/// sinks and a following norm are ignored. Throws std::invalid_argument if the model does not have
/// the layer.
torch::Tensor ov_matrix(const Transformer& model, int64_t layer);

}  // namespace spikesink
