#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/sinks/sink_keys.h"

namespace [[gnu::visibility("default")]] spikesink {

namespace detail {
struct LayerScores;
}

struct AttentionLocalityOptions {
  /// A key is a sink of a head in a sequence as in SinksAnywhereOptions: importance > epsilon, and
  /// at least `least_queries` queries can attend to it.
  double epsilon = 0.3;
  int64_t least_queries = 8;
  std::vector<int64_t> windows = {1, 4, 16, 64};  // tokens, see Locality::within
  /// A head is a sink head if it has a sink in at least this share of the sequences.
  double least_share_of_sequences = 0.5;
  /// Keys that are left out of the second set of keys in every head, whether or not they are sinks
  /// there.
  SinkKeys common_sinks;
};

/// How far attention reaches, over a set of keys. The distance of query i and key k is |i - k|
/// tokens. NaN if there is no attention to the keys.
struct Locality {
  double attention = 0;        // to these keys, mean over queries, 0..1
  double mean_distance = 0;    // sum of A |i - k| / sum of A, tokens
  std::vector<double> within;  // for each window w: share of `attention` with |i - k| < w, 0..1
};

/// The locality of a head's attention to a set of keys, and of attention that each query spreads
/// evenly over all the keys that it can attend to: A[i, k] = 1 / (number of these keys).
struct KeySetLocality {
  Locality measured;
  Locality even;
};

struct HeadLocality {
  int64_t layer = 0;
  int64_t head = 0;
  double share_of_sequences = 0;  // sequences with at least one sink, 0..1
  bool is_sink_head = false;
  KeySetLocality without_sinks;         // all keys but the head's sinks in the sequence
  KeySetLocality without_common_sinks;  // all keys but these and `common_sinks`
};

/// Mean over heads with a known mean distance. NaN without heads.
struct HeadGroupLocality {
  int64_t heads = 0;
  KeySetLocality mean;
};

struct LocalityComparison {
  HeadGroupLocality sink_heads;
  HeadGroupLocality other_heads;
  /// How often the mean distance of a sink head is smaller than that of another head (ties count
  /// 1/2): an ROC AUC, 0.5 is chance. NaN if one of the groups is empty.
  double area = 0;
};

/// The comparison over both sets of keys.
struct LocalityComparisons {
  LocalityComparison without_sinks;
  LocalityComparison without_common_sinks;
};

/// The comparison of one layer's heads.
struct LayerLocality {
  int64_t layer = 0;
  LocalityComparisons comparisons;
};

struct AttentionLocalityResult {
  AttentionLocalityOptions options;
  int64_t sequences = 0;              // sequences with at least `least_queries` tokens
  std::vector<HeadLocality> heads;    // every layer with attention and head, in that order
  LocalityComparisons all;            // of all heads
  std::vector<LayerLocality> layers;  // with attention, ascending
};

/// Measures how near to the query the attention to keys other than sinks is, for sink heads and
/// other heads (section 4.3.3 and abstract of the paper: sinks bias heads toward short-range
/// dependencies; the paper shows no figure of it). Values are ratios of sums over queries and
/// sequences. A head whose importance at a common sink is just below epsilon attends to it from far
/// away; so heads are compared over a second set of keys, in which no head has the common sinks.
/// It computes queries x keys once more in blocks of queries, without a T x T matrix. Memory: a few
/// sums per head. Sequences with fewer than `least_queries` tokens are left out.
class AttentionLocality : public Mergeable<AttentionLocality> {
 public:
  explicit AttentionLocality(AttentionLocalityOptions options = {})
      : options_(std::move(options)) {}

  /// Throws std::invalid_argument if least_queries or a window is below 1,
  /// least_share_of_sequences is not in (0, 1], or a position of common_sinks is invalid.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the heads or the options differ.
  void merge(const AttentionLocality& other);
  AttentionLocalityResult result() const;

 private:
  friend class Mergeable<AttentionLocality>;
  auto fields() { return std::tie(sums_, sequences_with_sink_, sequences_, queries_, layers_run_); }

  void add(const detail::LayerScores& scores, const TokenBatch& batch);
  HeadLocality head_locality(int64_t layer, int64_t head) const;

  AttentionLocalityOptions options_;
  /// Of A, A |i - k| and A within each window: [layers, heads, key sets, measured and even, sums]
  /// float64.
  torch::Tensor sums_;
  torch::Tensor sequences_with_sink_;  // [layers, heads] int64
  int64_t sequences_ = 0;
  int64_t queries_ = 0;
  std::vector<int64_t> layers_run_;  // ascending
};

}  // namespace spikesink
