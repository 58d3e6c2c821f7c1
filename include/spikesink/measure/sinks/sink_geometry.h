#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/sinks/sink_keys.h"

namespace [[gnu::visibility("default")]] spikesink {

/// What "closer" means in the paper's rule: a sink head is one whose non-sink queries lie closer to
/// the sink keys than to the non-sink keys (arXiv 2603.05498, eq. 26). Means are over all pairs of
/// a query and a key, of any two places of the text.
enum class QkDistance {
  kEuclidean,  // the mean of ||q - k||^2 is smaller; the paper's
  kCosine,     // the mean of cos(q, k) is larger, whatever the norms
};
/// "euclidean" or "cosine".
std::string to_string(QkDistance distance);

struct SinkGeometryOptions {
  SinkKeys sinks;
  bool before_rope = false;  // hook_q and hook_k, before QK-norm and RoPE, in the place of what
                             // enters the dot product
};

/// The keys of one kind, sinks or others, of one head.
struct KeyGeometry {
  double norm = 0;            // ||k||, mean
  double value_norm = 0;      // ||v|| of the same tokens, mean
  double effective_rank = 0;  // exp of the entropy of the eigenvalues of sum k k^T, taken as shares
                              // of their sum: 1..min(d_head, keys)
  double first_direction = 0;       // the largest eigenvalue's share, 0..1
  double first_two_directions = 0;  // that of the two largest
  double squared_distance = 0;      // ||q - k||^2, mean over pairs with non-sink queries
  double cosine = 0;                // cos(q, k), likewise
};

struct HeadGeometry {
  int64_t layer = 0;
  int64_t head = 0;      // of queries
  int64_t key_head = 0;  // whose keys and values it reads
  KeyGeometry sinks;
  KeyGeometry others;
  /// How much higher a non-sink query scores sink keys than other keys: for each query the mean
  /// scaled q . k of the sinks that it sees less that of the others that it sees, itself included;
  /// then the mean over queries that see both. Before a softcap and ALiBi's bias. NaN without such.
  double logit_gap = 0;

  /// ||v|| of sinks over that of others: the smaller, the less a sink's attention writes.
  double value_drain() const { return sinks.value_norm / others.value_norm; }
  /// How much closer the sinks are: the others' mean distance less theirs, or their mean cosine
  /// less the others'.
  double margin(QkDistance distance) const;
  /// The rule of eq. 26.
  bool is_predicted_sink_head(QkDistance distance) const { return margin(distance) > 0; }
};

struct SinkGeometryResult {
  SinkGeometryOptions options;
  int64_t sink_keys = 0;            // tokens
  int64_t other_keys = 0;           // tokens, and as many non-sink queries
  std::vector<HeadGeometry> heads;  // every layer and head, in that order; empty without keys of
                                    // both kinds
  /// The heads that the rule names.
  std::vector<HeadGeometry> predicted_sink_heads(QkDistance distance) const;
};

/// Where queries, sink keys and other keys lie, from sums alone (the paper's figure 6, eq. 26).
///
/// Queries and keys are taken as they enter the dot product, after QK-norm and RoPE: the rule is to
/// explain scores, and only there is q . k a score. A head's queries and keys are turned by where
/// they stand, which spreads those of most directions over circles but leaves sinks of one position
/// together. Kept are three clouds a head: O(layers x key heads x d_head^2) doubles.
class SinkGeometry : public Mergeable<SinkGeometry> {
 public:
  explicit SinkGeometry(SinkGeometryOptions options = {}) : options_(std::move(options)) {}

  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument when the other measured a model of other heads, other vectors, or
  /// other sink positions.
  void merge(const SinkGeometry& other);
  SinkGeometryResult result() const;

 private:
  friend class Mergeable<SinkGeometry>;
  auto fields() { return std::tie(layers_); }

  /// Vectors of every head, known by their sums.
  struct Cloud {
    int64_t count = 0;          // vectors a head
    torch::Tensor sum;          // [heads, d_head]
    torch::Tensor unit_sum;     // [heads, d_head], of vectors over their norms
    torch::Tensor squares;      // [heads], of squared norms
    torch::Tensor norms;        // [heads], of norms
    torch::Tensor moment;       // [heads, d_head, d_head], of k k^T; keys alone
    torch::Tensor value_norms;  // [heads]; keys alone

    Cloud(int64_t heads, int64_t width, bool of_keys);
    auto fields() { return std::tie(count, sum, unit_sum, squares, norms, moment, value_norms); }
    void add(const torch::Tensor& vectors);  // [n, heads, d_head] float64
    void add_keys(const torch::Tensor& keys, const torch::Tensor& values);
    void merge(const Cloud& other);
  };
  struct LayerClouds {
    Cloud queries, sinks, others;
    torch::Tensor gap;        // [heads], summed over queries
    int64_t gap_queries = 0;  // a head

    explicit LayerClouds(const ModelConfig& config);
    auto fields() { return std::tie(queries, sinks, others, gap, gap_queries); }
  };

  void add(LayerClouds& layer, const torch::Tensor& q, const torch::Tensor& k,
           const torch::Tensor& v, const torch::Tensor& is_sink, const AttentionParams& rule) const;
  static void add_gap(LayerClouds& layer, const torch::Tensor& q, const torch::Tensor& k,
                      const torch::Tensor& is_sink, const AttentionParams& rule);
  std::vector<int64_t> shape() const;
  static std::vector<KeyGeometry> geometry_of(const Cloud& keys, const Cloud& queries);

  SinkGeometryOptions options_;
  std::vector<LayerClouds> layers_;
  torch::Tensor queries_, keys_, values_;  // of the layer being passed
};

}  // namespace spikesink
