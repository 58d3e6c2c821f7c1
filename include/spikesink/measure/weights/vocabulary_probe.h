#pragma once

#include <torch/types.h>

#include <vector>

#include "spikesink/hooks/block.h"
#include "spikesink/measure/core/measurement.h"
#include "spikesink/measure/core/running_mean.h"

namespace [[gnu::visibility("default")]] spikesink {

struct VocabularyProbeOptions {
  double spike = 0;                // max |h| of a spike after the block, as a text shows it; 0: the
                                   // largest of the entries probed
  double least_share = 0.5;        // an entry spikes when its max |h| is at least this share of it
  double least_magnitude = 100.0;  // and larger than this
  std::vector<int64_t> prefix;     // tokens before each entry; none: it is the first token
  std::vector<int64_t> entries;    // ids to probe; none: the whole vocabulary
  torch::Tensor trigger;           // s* [d_model] of the block that makes the spike, or undefined
  int64_t batch_tokens = 4096;     // tokens that go through the model at a time, prefixes included
};

/// One vocabulary entry after the block that makes the spike.
struct ProbedEntry {
  int64_t id = 0;
  double magnitude = 0;  // max |h| over the channels where it is finite
  int64_t channel = 0;   // where that is
  double cosine = 0;     // of the trigger and the state that the block reads; 0 without a trigger
  bool spikes = false;
};

/// How the entries lie to the trigger on the way to it; signed cosines, over all entries that have
/// one (a state of zeros has none).
struct TriggerAlignment {
  Block block;         // 0: the embedding, whose `output` is empty
  RunningMean state;   // of the trigger and the stream after the block
  RunningMean output;  // of the trigger and what the block adds to it
};

struct VocabularyProbeResult {
  VocabularyProbeOptions options;
  Block block;           // after which entries are judged
  int64_t position = 0;  // of the entries: the length of the prefix
  double spike = 0;      // against which they are
  int64_t spiking = 0;
  std::vector<ProbedEntry> entries;      // in the order probed
  std::vector<TriggerAlignment> course;  // up to the block before; empty without a trigger

  double percent() const;  // of the entries; NaN without any
  /// Those of the minority, spiking or not, the smallest magnitude first.
  std::vector<ProbedEntry> exceptions() const;
};

/// Which vocabulary entries spike wherever they are put: each as the first token, where it attends
/// to itself alone and attention is the static map of `ov_matrix`, or after a prefix (arXiv
/// 2603.05498, table 2, eq. 22). Nothing after the layer of `block` is computed. Throws
/// std::invalid_argument for ids outside the vocabulary, a block that the model does not have, and
/// a trigger of another size.
VocabularyProbeResult vocabulary_probe(Transformer& model, Block block,
                                       const VocabularyProbeOptions& options = {},
                                       const ProgressCallback& progress = {});

/// What the attention of a layer makes of a token that attends to itself alone: W_VO = sum_i W_V^i
/// W_O^i over the query heads (eq. 22), with the scale of the norm before it folded in, [d_model,
/// d_model] float32 or better: the block's output is W_VO h for the normed h without that scale,
/// up to biases, learned sinks and a norm behind it. Throws std::invalid_argument for a layer that
/// the model does not have.
torch::Tensor ov_matrix(const Transformer& model, int64_t layer);

}  // namespace spikesink
