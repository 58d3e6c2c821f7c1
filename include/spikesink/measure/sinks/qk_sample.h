#pragma once

#include <utility>
#include <vector>

#include "spikesink/measure/core/measurement.h"
#include "spikesink/measure/sinks/sink_keys.h"

namespace [[gnu::visibility("default")]] spikesink {

struct QkSampleOptions {
  std::vector<std::pair<int64_t, int64_t>> heads;  // (layer, query head) to sample
  SinkKeys sinks;
  int64_t max_vectors = 150;  // maximum number of vectors per head and per list
  bool before_rope = false;   // see SinkGeometryOptions
};

/// A query or key vector and its token.
struct QkVector {
  TokenPosition token;
  int64_t id = 0;
  std::vector<float> values;  // [d_head]
};

struct HeadSample {
  int64_t layer = 0;
  int64_t head = 0;
  std::vector<QkVector> queries;     // of non-sink tokens
  std::vector<QkVector> other_keys;  // of the same tokens
  /// Keys of sink tokens, from the key head that this query head uses.
  std::vector<QkVector> sink_keys;

  /// Returns the three lists in this order, one vector per row: [n, d_head] float64.
  torch::Tensor points() const;
};

/// Takes a sample of the query and key vectors that SinkGeometry uses, for plots (figure 6 of arXiv
/// 2603.05498). Needs a second pass, because the heads to plot are known only after the first. The
/// sample contains the tokens with the smallest hash of (sequence, position). So it does not depend
/// on the batch size and is the same for every head.
class QkSample : public Measurement {
 public:
  explicit QkSample(QkSampleOptions options) : options_(std::move(options)) {}

  /// Throws std::invalid_argument if the model does not have one of the heads.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the heads or the options differ.
  void merge(const QkSample& other);
  std::vector<HeadSample> result() const;  // in the order of `options.heads`

 private:
  struct Head {
    std::vector<QkVector> queries, other_keys, sink_keys;  // sorted by position hash
  };

  void add(const torch::Tensor& vectors, const TokenBatch& batch, bool sinks,
           std::vector<QkVector>& sample) const;

  QkSampleOptions options_;
  std::vector<Head> heads_;  // in the order of options_.heads
};

}  // namespace spikesink
