#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/sinks/qk_sample.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The queries, other keys and sink keys of one head, laid out in a plane (the paper's figure 6).
struct HeadPicture {
  HeadSample sample;
  std::string role;    // "sink head": of all heads the one of largest importance; "control": the
                       // one of least
  torch::Tensor pca;   // [n, 2] float64, the rows of sample.points()
  torch::Tensor tsne;  // likewise
};

/// Pictures of the strongest sink head and of a control, by the importance that `sinks` measured
/// for `sink_keys.positions` (a head's largest counts), from one more pass over `batches`. None
/// without heads of a finite importance, one of a model with a single head.
std::vector<HeadPicture> head_pictures(Transformer& model, const TokenBatches& batches,
                                       const AttentionSinksResult& sinks, const SinkKeys& sink_keys,
                                       const ProgressCallback& progress = {});

}  // namespace spikesink
