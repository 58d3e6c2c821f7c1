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

/// Definitions of the sink ratio. Except for `kPaper`, the importance of key k in a head and a
/// sequence is the mean of A[i, k] over the queries i >= k (encoder: over all queries). With a
/// sliding window, queries whose window does not contain k are included with A[i, k] = 0. All
/// sequences have equal weight, independent of length.
enum class SinkDefinition {
  /// Share of all triples (sequence, layer, head) in which a key of the first half is a sink: the
  /// largest (1 / T) sum_i A[i, k] over keys k < T / 2 exceeds epsilon (arXiv 2603.05498, eqs. 27
  /// and 28). T is `paper_length`, or the length of a shorter sequence. At key 0 the sum / T is
  /// the importance, so on sequences of T tokens this is at least kGu.
  kPaper,
  /// Share of all triples (sequence, layer, head) in which the importance of the key exceeds
  /// epsilon (Gu et al., arXiv 2410.10781).
  kGu,
  /// Share of (layer, head) whose importance, averaged over sequences first, exceeds epsilon.
  kMeanFirst,
  /// As kGu, but first per layer and then averaged over layers (arXiv 2504.20966). The value equals
  /// kGu, because all layers have the same number of heads.
  kSoftpick,
  /// Share of the queries i >= k (encoder: of all queries) with A[i, k] > epsilon; mean over
  /// (sequence, layer, head) (submarat/removing-layer-norm).
  kEntry,
  /// Mean importance over (sequence, layer, head). No threshold (F-Attn of Qiu et al., arXiv
  /// 2505.06708).
  kFAttn,
};
/// Returns "paper", "gu", "mean-first", "softpick", "entry" or "f-attn".
std::string to_string(SinkDefinition definition);

struct AttentionSinksOptions {
  double epsilon = 0.3;  // strict: importance > epsilon
  /// Key positions to measure, from 0; -1: the last position of a sequence.
  std::vector<int64_t> keys = {0};
  /// The first tokens of a sequence that `kPaper` measures. A causal model attends in them as in a
  /// sequence of this length. An encoder does not, so there the whole sequence is measured.
  int64_t paper_length = 64;
};

/// The sinks of one head by SinkDefinition::kPaper.
struct PaperSinkHead {
  int64_t layer = 0;
  int64_t head = 0;
  double importance = 0;          // the largest alpha_k (eq. 27), mean over sequences
  double share_of_sequences = 0;  // share of sequences in which it exceeds epsilon, 0..1
};

/// The sinks by SinkDefinition::kPaper. A sink is counted once for each sequence, layer and head.
struct PaperSinks {
  int64_t sequences = 0;                               // with at least two tokens
  std::vector<PaperSinkHead> heads;                    // every layer and head, in that order
  std::vector<std::pair<int64_t, int64_t>> positions;  // (key, sinks), most first
  /// (id, sinks) of the sinks beyond key 0, most first.
  std::vector<std::pair<int64_t, int64_t>> tokens_beyond_first;
};

struct KeyImportance {
  int64_t layer = 0;
  int64_t head = 0;
  int64_t key = 0;
  double importance = 0;          // mean over sequences
  double share_of_sequences = 0;  // share of sequences whose importance exceeds epsilon, 0..1
  /// Share of queries with A[i, key] > epsilon, mean over sequences, 0..1.
  double share_of_queries = 0;
};

/// Attention mass on a head's learned sink logit.
struct LearnedSink {
  int64_t layer = 0;
  int64_t head = 0;
  double mass = 0;  // share of the softmax, mean over queries and sequences, 0..1
};

/// The tokens that occur at a measured key position.
struct MeasuredKey {
  int64_t key = 0;
  int64_t sequences = 0;                            // sequences that contain the position
  std::vector<std::pair<int64_t, int64_t>> tokens;  // (id, count), most frequent first
};

struct AttentionSinksResult {
  AttentionSinksOptions options;
  int64_t sequences = 0;
  std::vector<KeyImportance> heads;  // every layer, head and key, in that order
  std::vector<MeasuredKey> keys;     // in the order of `options.keys`
  PaperSinks paper;
  /// Every layer and head; empty if the model has no sink logits.
  std::vector<LearnedSink> learned;

  /// Returns the sink ratio of one key in percent; `kPaper` is of all keys. NaN if an importance is
  /// NaN or if no sequence contains the key. Throws std::invalid_argument if `key` was not
  /// measured.
  double sink_ratio_percent(SinkDefinition definition, int64_t key = 0) const;
  /// Returns the heads whose mean importance of `key` exceeds epsilon (`mean-first`).
  std::vector<KeyImportance> sink_heads(int64_t key = 0) const;
};

/// Measures how much attention each head gives to the chosen keys. It uses the log-sum-exp of the
/// fused attention kernel, so no T x T matrix is needed. In grouped-query models, heads are query
/// heads. Sequences that do not contain a key are not counted for it.
class AttentionSinks : public Mergeable<AttentionSinks> {
 public:
  explicit AttentionSinks(AttentionSinksOptions options = {}) : options_(std::move(options)) {}

  /// Throws std::invalid_argument if a key is below -1 or paper_length below 2.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the heads or the options differ.
  void merge(const AttentionSinks& other);
  AttentionSinksResult result() const;

 private:
  friend class Mergeable<AttentionSinks>;
  auto fields() {
    return std::tie(importance_, exceeding_, share_of_queries_, tokens_, learned_, queries_seen_,
                    layers_run_, paper_importance_, paper_exceeding_, paper_sequences_,
                    paper_positions_, paper_tokens_);
  }

  void count_tokens(const torch::Tensor& ids);
  void add_keys(const detail::LayerScores& scores);
  void add_paper(const detail::LayerScores& scores, const torch::Tensor& ids);
  PaperSinks paper_result() const;
  void add_learned(const detail::LayerScores& scores, const torch::Tensor& logits);

  AttentionSinksOptions options_;
  torch::Tensor importance_;        // [layers, heads, keys] float64, sum over sequences
  torch::Tensor exceeding_;         // [layers, heads, keys] int64, sequences above epsilon
  torch::Tensor share_of_queries_;  // [layers, heads, keys] float64, sum over sequences
  std::vector<FlatMap<int64_t, int64_t>> tokens_;  // [keys], id -> count of sequences
  torch::Tensor learned_;            // [layers, heads] float64, summed over queries; or undefined
  int64_t queries_seen_ = 0;         // by each head
  std::vector<int64_t> layers_run_;  // ascending
  torch::Tensor paper_importance_;   // [layers, heads] float64, sum over sequences
  torch::Tensor paper_exceeding_;    // [layers, heads] int64, sequences above epsilon
  int64_t paper_sequences_ = 0;
  FlatMap<int64_t, int64_t> paper_positions_, paper_tokens_;  // key or id -> count of sinks
};

}  // namespace spikesink
