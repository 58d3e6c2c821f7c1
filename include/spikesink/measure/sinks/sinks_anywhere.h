#pragma once

#include <tuple>
#include <vector>

#include "spikesink/measure/core/flat_map.h"
#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/core/per_batch.h"

namespace [[gnu::visibility("default")]] spikesink {

struct SinksAnywhereOptions {
  double epsilon = 0.3;  // strict: importance > epsilon
  /// Keys that fewer than this number of queries can attend to are skipped, because their mean is
  /// not reliable.
  int64_t least_queries = 8;
  /// Maximum length of `SinksAnywhereResult::token_positions`.
  int64_t max_token_positions = 10'000;
};

/// Sinks at one position. `count`: number of triples (sequence, layer, head) in which the key is a
/// sink.
struct SinkPosition {
  int64_t position = 0;   // from 0
  int64_t count = 0;      // triples
  int64_t sequences = 0;  // sequences in which the key is a sink of any head
};

struct SinkToken {
  int64_t id = 0;
  bool at_start = false;  // position 0
  int64_t count = 0;      // triples
  /// Number of (sequence, position) where it is a sink of any head.
  int64_t token_positions = 0;
  int64_t occurrences = 0;  // occurrences to which at least `least_queries` queries can attend
};

/// One token of the text and the number of heads of which it is a sink. A key/value cache must keep
/// these tokens.
struct SinkOccurrence {
  int64_t sequence = 0;
  int64_t position = 0;
  int64_t id = 0;
  int64_t heads = 0;  // of all layers
};

struct HeadSinks {
  int64_t layer = 0;
  int64_t head = 0;
  double share_of_sequences = 0;  // sequences with at least one sink, 0..1
  int64_t position = -1;          // most frequent sink position (ties: the smallest); -1: no sink
  double share_at_position = 0;   // share of sequences with a sink at `position`, 0..1
  double sinks = 0;               // mean number of sink keys per sequence
  double attention = 0;           // share of the head's attention on its sinks, 0..1
};

struct SinksAnywhereResult {
  SinksAnywhereOptions options;
  int64_t sequences = 0;                // sequences with at least `least_queries` tokens
  std::vector<SinkPosition> positions;  // most frequent first
  std::vector<SinkToken> tokens;        // most frequent first
  std::vector<HeadSinks> heads;         // every layer and head, in that order
  /// Positions in the text, without the prefix of a batch. Most heads first, then in text order.
  std::vector<SinkOccurrence> token_positions;
  int64_t token_position_count = 0;  // number of all such positions, listed or not
};

/// Finds attention sinks at any position. Importance is that of SinkDefinition::kGu (Gu et al.,
/// arXiv 2410.10781), computed for every key: the mean of A[i, k] over the queries i >= k (encoder:
/// over all queries). With a sliding window, queries whose window does not contain k are included
/// with A[i, k] = 0. A key is a sink of a head in a sequence if its importance exceeds epsilon. It
/// computes the scores a second time, for some queries at a time, so it needs no T x T matrix. It
/// stores counts by position and by token id.
class SinksAnywhere : public Mergeable<SinksAnywhere> {
 public:
  explicit SinksAnywhere(SinksAnywhereOptions options = {}) : options_(options) {}

  /// Throws std::invalid_argument if least_queries < 1 or max_token_positions < 0.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the models or the options differ.
  void merge(const SinksAnywhere& other);
  SinksAnywhereResult result() const;

 private:
  friend class Mergeable<SinksAnywhere>;
  auto fields() {
    return std::tie(layers_, layers_run_, heads_, tokens_, sequences_at_, token_positions_,
                    token_position_count_, sequences_);
  }

  struct Head {
    FlatMap<int64_t, int64_t> positions;  // position -> number of sequences with a sink at it
    int64_t sequences = 0;                // with a sink anywhere
    double attention = 0;  // attention to its sinks: mean over queries, sum over sequences

    auto fields() { return std::tie(positions, sequences, attention); }
  };
  struct TokenCount {
    int64_t count = 0, token_positions = 0, occurrences = 0;
  };

  void add_layer(int64_t layer, const torch::Tensor& importance, bool causal,
                 std::vector<int64_t>& heads_at);
  void add_batch(const TokenBatch& batch, bool causal);
  void keep_most_frequent(std::vector<SinkOccurrence> candidates);
  HeadSinks head_sinks(int64_t index) const;

  SinksAnywhereOptions options_;
  int64_t layers_ = 0;
  std::vector<int64_t> layers_run_;  // ascending
  std::vector<Head> heads_;          // [layers * heads]
  std::vector<TokenCount> tokens_;   // [2 * vocabulary]: at position 0, then at other positions
  FlatMap<int64_t, int64_t> sequences_at_;  // position -> number of sequences with a sink at it
  std::vector<SinkOccurrence> token_positions_;
  int64_t token_position_count_ = 0;
  int64_t sequences_ = 0;
  PerBatch<std::vector<int64_t>> heads_at_;  // [B * T]
};

}  // namespace spikesink
