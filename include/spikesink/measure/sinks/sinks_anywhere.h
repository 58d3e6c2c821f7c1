#pragma once

#include <tuple>
#include <vector>

#include "spikesink/measure/core/flat_map.h"
#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/core/per_batch.h"

namespace [[gnu::visibility("default")]] spikesink {

struct SinksAnywhereOptions {
  double epsilon = 0.3;       // strict: importance > epsilon
  int64_t least_queries = 8;  // a key that fewer queries may see is no sink: its mean says little
  int64_t max_token_positions = 10'000;  // places that are listed
};

/// Counts are of triples (sequence, layer, head) in whose attention a key was a sink.
struct SinkPosition {
  int64_t position = 0;   // from 0
  int64_t count = 0;      // triples
  int64_t sequences = 0;  // those with a sink here, of whichever heads
};

struct SinkToken {
  int64_t id = 0;
  bool at_start = false;        // position 0
  int64_t count = 0;            // triples
  int64_t token_positions = 0;  // (sequence, position) where it was a sink, of whichever heads
  int64_t occurrences = 0;      // places where it stood and enough queries might see it
};

/// One token of the text, and how many heads sink on it: what a key/value cache must keep.
struct SinkTokenPosition {
  int64_t sequence = 0;
  int64_t position = 0;
  int64_t id = 0;
  int64_t heads = 0;  // of all layers
};

struct HeadSinks {
  int64_t layer = 0;
  int64_t head = 0;
  double share_of_sequences = 0;  // with a sink anywhere, 0..1
  int64_t position = -1;          // where it is most often, the first of equals; -1: nowhere
  double share_at_position = 0;   // sequences with a sink there, 0..1
  double sinks = 0;               // sink keys a sequence, mean
  double attention = 0;           // of all its attention what its sinks receive, 0..1
};

struct SinksAnywhereResult {
  SinksAnywhereOptions options;
  int64_t sequences = 0;                           // with a key that enough queries may see
  std::vector<SinkPosition> positions;             // most frequent first
  std::vector<SinkToken> tokens;                   // most frequent first
  std::vector<HeadSinks> heads;                    // every layer and head, in that order
  std::vector<SinkTokenPosition> token_positions;  // of the text, which a prefix may precede: most
                                                   // heads first, then in its order
  int64_t token_position_count = 0;  // of all, listed or not
};

/// Attention sinks wherever they are. Importance is that of SinkDefinition::kGu (Gu et al., arXiv
/// 2410.10781), taken of every key: the mean of A[i, k] over the queries i that may see k, those
/// from k on, or all of them in an encoder. (A window that has left k behind counts as no
/// attention.) A key is a sink of a head in a sequence when its importance exceeds epsilon. One
/// more product of queries and keys, a few queries at a time, but no T x T matrix. Kept are counts
/// by position and by token id.
class SinksAnywhere : public Mergeable<SinksAnywhere> {
 public:
  explicit SinksAnywhere(SinksAnywhereOptions options = {}) : options_(options) {}

  /// Throws std::invalid_argument for least_queries below one and max_token_positions below zero.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument when the other measured another model or by other options.
  void merge(const SinksAnywhere& other);
  SinksAnywhereResult result() const;

 private:
  friend class Mergeable<SinksAnywhere>;
  auto fields() {
    return std::tie(layers_, heads_, tokens_, sequences_at_, token_positions_,
                    token_position_count_, sequences_);
  }

  struct Head {
    FlatMap<int64_t, int64_t> positions;  // position -> sequences with a sink there
    int64_t sequences = 0;                // with a sink anywhere
    double attention = 0;                 // to its sinks, mean over queries, sum over sequences

    auto fields() { return std::tie(positions, sequences, attention); }
  };
  struct TokenCount {
    int64_t count = 0, token_positions = 0, occurrences = 0;
  };

  void add_layer(int64_t layer, const torch::Tensor& importance, bool causal,
                 std::vector<int64_t>& heads_at);
  void add_batch(const TokenBatch& batch, bool causal);
  int64_t eligible(int64_t length, bool causal) const;
  void keep_most_frequent(std::vector<SinkTokenPosition> candidates);
  HeadSinks head_sinks(int64_t index) const;

  SinksAnywhereOptions options_;
  int64_t layers_ = 0;
  std::vector<Head> heads_;                 // [layers * heads]
  std::vector<TokenCount> tokens_;          // [2 * vocabulary], those at position 0 first
  FlatMap<int64_t, int64_t> sequences_at_;  // position -> sequences with a sink there
  std::vector<SinkTokenPosition> token_positions_;
  int64_t token_position_count_ = 0;
  int64_t sequences_ = 0;
  PerBatch<std::vector<int64_t>> heads_at_;  // [B * T]
};

}  // namespace spikesink
