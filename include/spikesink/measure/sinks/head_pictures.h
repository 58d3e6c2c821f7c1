#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/sinks/qk_sample.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The queries, other keys and sink keys of one head, projected to two dimensions (figure 6 of
/// arXiv 2603.05498).
struct HeadPicture {
  HeadSample sample;
  /// "sink head" (the head with the largest importance) or "control" (the head with the smallest).
  std::string role;
  torch::Tensor pca;   // [n, 2] float64, the rows of sample.points()
  torch::Tensor tsne;  // [n, 2] float64, the rows of sample.points()
};

/// Returns pictures of the strongest sink head and of a control head. Heads are compared by the
/// importance in `sinks` for `sink_keys.positions` (for each head the maximum over these keys).
/// Runs one more pass over `batches`. Returns no picture if no importance is finite, and one
/// picture if the model has one head.
std::vector<HeadPicture> head_pictures(Transformer& model, const TokenBatches& batches,
                                       const AttentionSinksResult& sinks, const SinkKeys& sink_keys,
                                       const ProgressCallback& progress = {});

}  // namespace spikesink
