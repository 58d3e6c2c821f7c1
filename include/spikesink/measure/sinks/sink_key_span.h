#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/core/running_mean.h"
#include "spikesink/measure/sinks/sink_keys.h"

namespace [[gnu::visibility("default")]] spikesink {

struct SinkKeySpanOptions {
  std::vector<int64_t> channels;  // spike channels of the residual stream (LifeCycle finds them)
  SinkKeys sinks;
};

/// Statistics of the sink keys or of the other keys of one key/value head.
struct KeysInSpan {
  /// For each key the share of ||k||^2 that lies in the span, 0..1. Keys without a finite share are
  /// skipped.
  RunningMean share;
  double effective_rank = 0;  // see KeyGeometry
};

struct HeadKeySpan {
  int64_t layer = 0;
  int64_t key_head = 0;
  int64_t rank = 0;         // dimension of the span, at most the number of channels and d_head
  double random_share = 0;  // rank / d_head: mean share of a random vector
  KeysInSpan sinks;
  KeysInSpan others;
  /// Effective rank of the queries of the other tokens, mean over the query heads that use this key
  /// head.
  double query_rank = 0;
};

struct SinkKeySpanResult {
  SinkKeySpanOptions options;
  int64_t sink_keys = 0;   // tokens
  int64_t other_keys = 0;  // tokens
  /// Every layer and key/value head, in that order. Empty without channels, if the text has no sink
  /// keys or no other keys, and with latent attention, whose keys are no linear map of the input.
  std::vector<HeadKeySpan> heads;
};

/// Measures whether sink keys lie in the span of a few rows of W_K (eq. 26 of the paper). The norm
/// leaves little of a spike token but its spike channels C, so its key is nearly a combination of
/// the |C| rows of W_K (rows: the d_model axis) at these channels, with the learned scale of the
/// norm folded in. This span is computed for every layer and key/value head, and for every key the
/// share of its squared norm in the span. Keys and queries are those before QK-norm and RoPE,
/// without bias. Memory: sums over three sets of vectors per head, O(layers x heads x d_head^2)
/// doubles.
class SinkKeySpan : public Mergeable<SinkKeySpan> {
 public:
  explicit SinkKeySpan(SinkKeySpanOptions options = {}) : options_(std::move(options)) {}

  /// Throws std::invalid_argument if a channel is not one of the model, or for an invalid sink
  /// position.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the heads, the channels or the sink positions differ.
  void merge(const SinkKeySpan& other);
  SinkKeySpanResult result() const;

 private:
  friend class Mergeable<SinkKeySpan>;
  auto fields() { return std::tie(layers_); }

  struct KeySums {
    int64_t count = 0;                // tokens
    std::vector<RunningMean> shares;  // [key heads]
    torch::Tensor moment;             // [key heads, d_head, d_head], of k k^T

    explicit KeySums(const ModelConfig& config);
    auto fields() { return std::tie(count, shares, moment); }
    void add(const torch::Tensor& keys, const torch::Tensor& basis);
    void merge(const KeySums& other);
  };
  struct LayerSums {
    int64_t layer;
    KeySums sinks, others;
    torch::Tensor query_moment;  // [query heads, d_head, d_head], of q q^T of other tokens
    torch::Tensor span_ranks;    // [key heads] int64
    torch::Tensor basis;         // of the spans: [key heads, d_head, n] float64, orthonormal or 0

    LayerSums(const ModelConfig& config, int64_t layer);
    auto fields() { return std::tie(sinks, others, query_moment, span_ranks); }
  };

  void add(LayerSums& sums, const LayerImpl& layer, const torch::Tensor& keys,
           const TokenBatch& batch) const;
  void compute_span(LayerSums& sums, const LayerImpl& layer) const;
  std::vector<int64_t> shape() const;
  std::vector<HeadKeySpan> key_heads(int64_t layer) const;

  SinkKeySpanOptions options_;
  std::vector<LayerSums> layers_;  // with attention
  torch::Tensor queries_;          // of the current layer
};

}  // namespace spikesink
