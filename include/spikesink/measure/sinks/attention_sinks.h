#pragma once

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "spikesink/measure/core/flat_map.h"
#include "spikesink/measure/core/mergeable.h"

namespace [[gnu::visibility("default")]] spikesink {

namespace detail {
struct LayerScores;
}

/// How a sink ratio is counted. Importance of key k in a head and a sequence: the mean of A[i, k]
/// over the queries i that may see it, those from k on, or all of them in an encoder. (A window
/// that has left k behind counts as no attention.) Every sequence weighs the same, whatever its
/// length.
enum class SinkDefinition {
  kGu,  // share of (sequence, layer, head) whose importance exceeds epsilon (Gu et al., arXiv
        // 2410.10781)
  kMeanFirst,  // share of (layer, head) whose importance, averaged over sequences first, exceeds
               // epsilon
  kSoftpick,   // each layer's share of (sequence, head) whose importance exceeds epsilon, then the
               // mean of the layers (arXiv 2504.20966); that of `gu`, all layers having as many
               // heads
  kEntry,      // of the queries that may see k, the share with A[i, k] > epsilon; the mean over
               // (sequence, layer, head) (submarat/removing-layer-norm)
  kFAttn,  // mean of A[i, k] over the queries that may see k, then over (sequence, layer, head); no
           // threshold (F-Attn of Qiu et al., arXiv 2505.06708)
};
/// "gu", "mean-first", "softpick", "entry" or "f-attn".
std::string to_string(SinkDefinition definition);

struct AttentionSinksOptions {
  double epsilon = 0.3;             // strict: importance > epsilon
  std::vector<int64_t> keys = {0};  // key positions to watch, from 0; -1 is a sequence's last one
};

struct HeadImportance {
  int64_t layer = 0;
  int64_t head = 0;
  int64_t key = 0;
  double importance = 0;          // mean over sequences
  double share_of_sequences = 0;  // how many sequences exceed epsilon, 0..1
  double share_of_queries = 0;    // how many A[i, key] exceed epsilon, 0..1; mean over sequences
};

/// What a head's learned sink logit takes from its queries.
struct LearnedSink {
  int64_t layer = 0;
  int64_t head = 0;
  double mass = 0;  // the logit's share of the softmax, mean over queries and sequences, 0..1
};

/// Which tokens stood at a watched position.
struct WatchedKey {
  int64_t key = 0;
  int64_t sequences = 0;                            // long enough to have it
  std::vector<std::pair<int64_t, int64_t>> tokens;  // id and count, most frequent first
};

struct AttentionSinksResult {
  AttentionSinksOptions options;
  int64_t sequences = 0;
  std::vector<HeadImportance> heads;  // every layer, head and key, in that order
  std::vector<WatchedKey> keys;       // as they were asked for
  std::vector<LearnedSink> learned;   // every layer and head of a model with sink logits

  /// In percent, for one key; NaN where an importance is, or no sequence is long enough to have the
  /// key. Throws std::invalid_argument for a key that was not watched.
  double sink_ratio_percent(SinkDefinition definition, int64_t key = 0) const;
  /// The heads whose mean importance exceeds epsilon (`mean-first`), for one key.
  std::vector<HeadImportance> sink_heads(int64_t key = 0) const;
};

/// How much attention each head pours on given keys, from the fused kernel's log-sum-exp: no
/// attention matrix is formed. Grouped-query models are counted by query head. Sequences shorter
/// than a key's position say nothing about it.
class AttentionSinks : public Mergeable<AttentionSinks> {
 public:
  explicit AttentionSinks(AttentionSinksOptions options = {}) : options_(std::move(options)) {}

  /// Throws std::invalid_argument for a key below -1.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument when the other measured other heads or by other options.
  void merge(const AttentionSinks& other);
  AttentionSinksResult result() const;

 private:
  friend class Mergeable<AttentionSinks>;
  auto fields() {
    return std::tie(importance_, exceeding_, share_of_queries_, tokens_, learned_, queries_seen_,
                    layers_passed_);
  }

  void count_tokens(const torch::Tensor& ids);
  void add_keys(const detail::LayerScores& scores);
  void add_learned(const detail::LayerScores& scores, const torch::Tensor& logits);

  AttentionSinksOptions options_;
  torch::Tensor importance_;        // [layers, heads, keys] float64, summed over sequences
  torch::Tensor exceeding_;         // [layers, heads, keys] int64, sequences above epsilon
  torch::Tensor share_of_queries_;  // [layers, heads, keys] float64, summed over sequences
  std::vector<FlatMap<int64_t, int64_t>> tokens_;  // [keys], id -> count of sequences
  torch::Tensor learned_;     // [layers, heads] float64, summed over queries; or undefined
  int64_t queries_seen_ = 0;  // by each head
  int64_t layers_passed_ = 0;
};

}  // namespace spikesink
