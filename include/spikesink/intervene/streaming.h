#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spikesink/measure/practice/perplexity.h"
#include "spikesink/model/transformer.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Selects the tokens that stay in a cache of bounded size: the first tokens, the last tokens, and
/// tokens with certain ids. With `first` = 0 this is window attention; with `first` = 4 it is
/// StreamingLLM (arXiv 2309.17453).
struct CachePolicy {
  int64_t first = 4;      // number of tokens kept from the start of the text
  int64_t window = 1020;  // number of last tokens kept
  /// Ids of tokens that are kept at any position; for example the ids from `kv_cache_keep`.
  std::vector<int64_t> kept_ids;
  /// Maximum number of tokens kept for their id, besides the first and the last tokens. The oldest
  /// are evicted.
  int64_t most_kept = 64;

  /// Returns the maximum number of tokens in the cache.
  int64_t capacity() const { return first + window + (kept_ids.empty() ? 0 : most_kept); }
};

/// A bounded cache for texts of any length. Before tokens are appended, others are evicted
/// according to the policy. The remaining keys and values are not recomputed; their positions are
/// the indices in the cache.
class StreamingCache {
 public:
  /// Throws std::invalid_argument for negative numbers and an empty window.
  explicit StreamingCache(CachePolicy policy);

  /// Runs tokens [1, n], n <= window, and returns logits [1, n, d_vocabulary]. Each token attends
  /// to the cached tokens and to the new tokens up to itself. Throws like Transformer::forward, for
  /// example if the text is longer than the table of learned positions. The new tokens are then not
  /// in the cache, but tokens that were evicted to make room for them are lost.
  torch::Tensor forward(Transformer& model, const torch::Tensor& tokens);

  const KvCache& cache() const { return cache_; }
  /// Returns the text positions of the cached tokens.
  const std::vector<int64_t>& kept() const { return kept_; }

 private:
  void evict(int64_t tokens);

  CachePolicy policy_;
  KvCache cache_;
  std::vector<int64_t> kept_;
  std::vector<bool> has_kept_id_;  // for each token of kept_: whether kept_ids contains its id
};

/// Options of evaluate_streaming.
struct StreamingOptions {
  int64_t step = 64;             // tokens per forward pass; StreamingLLM uses 1
  int64_t segment_length = 256;  // tokens per segment
};

/// The loss along a text.
struct StreamingResult {
  StreamingOptions options;
  /// Mean loss of each segment, in nats per predicted token. The perplexity of a segment is exp of
  /// its mean.
  std::vector<RunningMean> losses;
  RunningMean before;       // loss before the first eviction
  RunningMean after;        // loss after the first eviction
  int64_t cache_bytes = 0;  // peak size of the cache
};

/// Computes the loss on a text of any length, ids [N], with a bounded cache. Without gradients.
/// Throws std::invalid_argument for fewer than two tokens, steps longer than the window, and models
/// that are not causal language models.
StreamingResult evaluate_streaming(Transformer& model, const torch::Tensor& ids,
                                   const CachePolicy& policy, const StreamingOptions& options = {},
                                   const ProgressCallback& progress = {});

/// A cache policy under a name, and its result.
struct NamedStreamingResult {
  std::string name;
  CachePolicy policy;
  StreamingResult result;
};

}  // namespace spikesink
