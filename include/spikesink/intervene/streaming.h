#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spikesink/measure/practice/perplexity.h"
#include "spikesink/model/transformer.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Which tokens stay in a cache of bounded size: the first ones, the last ones, and those of some
/// kinds. first = 0 is window attention, first = 4 StreamingLLM (arXiv 2309.17453).
struct CachePolicy {
  int64_t first = 4;              // tokens of the text's start
  int64_t window = 1020;          // last tokens
  std::vector<int64_t> kept_ids;  // wherever they stand: those that `kv_cache_keep` names
  int64_t most_kept = 64;         // of these beyond the first and the last; the oldest go

  /// The tokens that it holds at most.
  int64_t capacity() const { return first + window + (kept_ids.empty() ? 0 : most_kept); }
};

/// A cache for texts without end. Before tokens are added, others leave as the policy says; those
/// that stay keep their keys and values, which were made with what they then could see, and count
/// their positions in the cache.
class StreamingCache {
 public:
  /// Throws std::invalid_argument for negative numbers and an empty window.
  explicit StreamingCache(CachePolicy policy);

  /// tokens [1, n], n <= window -> logits [1, n, d_vocabulary]. Each of them sees the tokens kept
  /// and those before it. Throws what Transformer::forward throws, with the cache as before but for
  /// tokens that had to leave; learned positions end at the model's context.
  torch::Tensor forward(Transformer& model, const torch::Tensor& tokens);

  const KvCache& cache() const { return cache_; }
  /// Positions in the text of the tokens that are kept.
  const std::vector<int64_t>& kept() const { return kept_; }

 private:
  void evict(int64_t tokens);

  CachePolicy policy_;
  KvCache cache_;
  std::vector<int64_t> kept_;
  std::vector<bool> is_kind_;  // of each of them, whether it is one of kept_ids
};

struct StreamOptions {
  int64_t step = 64;  // tokens that go through the model together; 1: as StreamingLLM does
  int64_t segment_length = 256;  // tokens of a segment_length
};

/// The loss along a text.
struct StreamResult {
  StreamOptions options;
  /// Of consecutive stretches, in nats a predicted token; a segment_length's perplexity is exp of
  /// the mean.
  std::vector<RunningMean> losses;
  RunningMean before;       // loss while the cache held the whole text ...
  RunningMean after;        // ... and once tokens had left it
  int64_t cache_bytes = 0;  // the most that the cache held
};

/// Reads a text of any length, ids [N], by a cache of bounded size. Without gradients. Throws
/// std::invalid_argument for fewer than two tokens, steps longer than the window, and models that
/// do not predict the next token.
StreamResult evaluate_streaming(Transformer& model, const torch::Tensor& ids,
                                const CachePolicy& policy, const StreamOptions& options = {},
                                const ProgressCallback& progress = {});

/// One of several ways to bound a cache.
struct NamedStream {
  std::string name;
  CachePolicy policy;
  StreamResult result;
};

}  // namespace spikesink
