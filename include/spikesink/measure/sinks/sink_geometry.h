#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/sinks/sink_keys.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The rule of the paper (arXiv 2603.05498, eq. 26): a head is predicted to be a sink head if its
/// non-sink queries are closer to the sink keys than to the other keys. This is the distance of
/// that rule. Means are over all (query, key) pairs, also of tokens of different sequences.
enum class QkDistance {
  kEuclidean,  // closer: smaller mean of ||q - k||^2; used in the paper
  kCosine,     // closer: larger mean of cos(q, k), independent of norms
};
/// Returns "euclidean" or "cosine".
std::string to_string(QkDistance distance);

struct SinkGeometryOptions {
  SinkKeys sinks;
  /// Use hook_q and hook_k (before QK-norm and RoPE) instead of the vectors of the dot product.
  bool before_rope = false;
};

/// Statistics of the sink keys or of the other keys of one head.
struct KeyGeometry {
  double norm = 0;        // ||k||, mean
  double value_norm = 0;  // ||v|| of the same tokens, mean
  /// exp(entropy) of the normalized eigenvalues of sum k k^T, 1..min(d_head, keys).
  double effective_rank = 0;
  double first_direction = 0;       // share of the largest eigenvalue, 0..1
  double first_two_directions = 0;  // share of the two largest eigenvalues, 0..1
  double squared_distance = 0;      // ||q - k||^2, mean over pairs with non-sink queries
  double cosine = 0;                // cos(q, k), mean over the same pairs
};

struct HeadGeometry {
  int64_t layer = 0;
  int64_t head = 0;      // query head
  int64_t key_head = 0;  // the key/value head that it uses
  KeyGeometry sinks;
  KeyGeometry others;
  /// For each non-sink query that can attend to sink keys and to other keys: (mean logit of these
  /// sink keys) - (mean logit of these other keys, its own key included). `logit_gap` is the mean
  /// over these queries; NaN if there are none. Logits are scaled q . k, before softcap and ALiBi.
  double logit_gap = 0;

  /// Returns (mean ||v|| of sinks) / (mean ||v|| of other tokens). The smaller it is, the less
  /// attention to a sink changes the output.
  double value_drain() const { return sinks.value_norm / others.value_norm; }
  /// Returns (mean distance to other keys) - (mean distance to sink keys); for kCosine (mean cosine
  /// to sink keys) - (mean cosine to other keys). Positive: sinks are closer.
  double margin(QkDistance distance) const;
  /// True if the rule of eq. 26 predicts a sink head.
  bool is_predicted_sink_head(QkDistance distance) const { return margin(distance) > 0; }
};

struct SinkGeometryResult {
  SinkGeometryOptions options;
  int64_t sink_keys = 0;   // tokens
  int64_t other_keys = 0;  // tokens; also the number of non-sink queries
  /// Every layer and head, in that order. Empty if the text has no sink keys or no other keys.
  std::vector<HeadGeometry> heads;
  /// Returns the heads that the rule predicts to be sink heads.
  std::vector<HeadGeometry> predicted_sink_heads(QkDistance distance) const;
};

/// Measures the geometry of queries, sink keys and other keys (figure 6 and eq. 26 of the paper).
/// It stores only sums.
///
/// Queries and keys are measured after QK-norm and RoPE, because the attention logit is the dot
/// product of these vectors. RoPE rotates a vector by an angle that depends on its position. So
/// equal vectors at different positions are spread, but sinks at one position are not. Memory: sums
/// over three sets of vectors per head, O(layers x key heads x d_head^2) doubles.
class SinkGeometry : public Mergeable<SinkGeometry> {
 public:
  explicit SinkGeometry(SinkGeometryOptions options = {}) : options_(std::move(options)) {}

  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the heads, the sink positions or `before_rope` differ.
  void merge(const SinkGeometry& other);
  SinkGeometryResult result() const;

 private:
  friend class Mergeable<SinkGeometry>;
  auto fields() { return std::tie(layers_); }

  /// Sums over a set of vectors, for every head.
  struct VectorSums {
    int64_t count = 0;          // vectors per head
    torch::Tensor sum;          // [heads, d_head]
    torch::Tensor unit_sum;     // [heads, d_head], of vectors / norms
    torch::Tensor squares;      // [heads], of squared norms
    torch::Tensor norms;        // [heads], of norms
    torch::Tensor moment;       // [heads, d_head, d_head], of k k^T; only for keys
    torch::Tensor value_norms;  // [heads], of ||v||; only for keys

    VectorSums(int64_t heads, int64_t width, bool of_keys);
    auto fields() { return std::tie(count, sum, unit_sum, squares, norms, moment, value_norms); }
    void add(const torch::Tensor& vectors);  // [n, heads, d_head] float64
    void add_keys(const torch::Tensor& keys, const torch::Tensor& values);
    void merge(const VectorSums& other);
  };
  struct LayerSums {
    int64_t layer;
    VectorSums queries, sinks, others;
    torch::Tensor gap;        // [heads], sum of the logit gap over queries
    int64_t gap_queries = 0;  // a head

    LayerSums(const ModelConfig& config, int64_t layer);
    auto fields() { return std::tie(queries, sinks, others, gap, gap_queries); }
  };

  void add(LayerSums& layer, const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
           const torch::Tensor& is_sink, const AttentionParams& rule) const;
  static void add_gap(LayerSums& layer, const torch::Tensor& q, const torch::Tensor& k,
                      const torch::Tensor& is_sink, const AttentionParams& rule);
  std::vector<int64_t> shape() const;
  static std::vector<KeyGeometry> key_geometry(const VectorSums& keys, const VectorSums& queries);

  SinkGeometryOptions options_;
  std::vector<LayerSums> layers_;          // with attention
  torch::Tensor queries_, keys_, values_;  // of the current layer
};

}  // namespace spikesink
