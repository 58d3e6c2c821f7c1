#pragma once

#include <array>
#include <map>
#include <utility>
#include <vector>

#include "spikesink/measure/core/measurement.h"
#include "spikesink/measure/sinks/sink_keys.h"

namespace [[gnu::visibility("default")]] spikesink {

struct QkSampleOptions {
  std::vector<std::pair<int64_t, int64_t>> heads;  // (layer, query head) to take vectors of
  SinkKeys sinks;
  int64_t max_vectors = 150;  // vectors of each kind and head
  bool before_rope = false;   // as SinkGeometryOptions
};

/// A query or a key, and the token that it is of.
struct QkVector {
  TokenPosition token;
  int64_t id = 0;
  std::vector<float> values;  // [d_head]
};

struct HeadSample {
  int64_t layer = 0;
  int64_t head = 0;
  std::vector<QkVector> queries;     // of tokens that are no sinks
  std::vector<QkVector> other_keys;  // of the same tokens
  std::vector<QkVector> sink_keys;   // of the key head that this head reads

  /// The three lists in that order, one row a vector: [n, d_head] float64.
  torch::Tensor points() const;
};

/// Some of the vectors whose distances SinkGeometry sums up, to be drawn (the paper's figure 6).
/// Which heads are worth drawing is known after a pass, so this takes another one. Taken are the
/// tokens whose (sequence, position) have the smallest hashes: the same ones however the text is
/// batched, and the same ones in every head.
class QkSample : public Measurement {
 public:
  explicit QkSample(QkSampleOptions options) : options_(std::move(options)) {}

  /// Throws std::invalid_argument for a head that the model does not have.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument when the other took other heads or was given other options.
  void merge(const QkSample& other);
  std::vector<HeadSample> result() const;  // as the heads were asked for

 private:
  using Kept = std::map<std::pair<uint64_t, TokenPosition>, QkVector>;  // by hash
  struct Head {
    Kept queries, other_keys, sink_keys;
  };

  void add(const torch::Tensor& vectors, const TokenBatch& batch, bool of_sinks, Kept& kept) const;
  void keep(Kept& kept, uint64_t hash, QkVector vector) const;

  QkSampleOptions options_;
  std::vector<Head> heads_;  // as options_.heads
};

}  // namespace spikesink
