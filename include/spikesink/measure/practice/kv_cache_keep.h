#pragma once

#include <vector>

#include "spikesink/measure/sinks/sinks_anywhere.h"
#include "spikesink/measure/spikes/spike_tokens.h"

namespace [[gnu::visibility("default")]] spikesink {

struct KvCacheKeepOptions {
  /// A token is kept if it is a sink of at least this share of all heads of the model. Spike tokens
  /// are always kept.
  double least_share_of_heads = 0.1;
};

/// A group of tokens that a key/value cache must keep: the tokens with one id, or the first tokens.
struct KeptToken {
  int64_t id = -1;          // -1: the token at position 0, whatever its id
  int64_t occurrences = 0;  // in the text
  int64_t spiking = 0;      // occurrences that are spike tokens
  int64_t sinking = 0;      // occurrences that are a sink of at least one head
  /// Mean number of heads of which the token is a sink, over the occurrences counted in `sinking`.
  double heads = 0;
};

struct KvCacheKeepResult {
  KvCacheKeepOptions options;
  int64_t sequences = 0;         // of the text
  int64_t tokens = 0;            // of the text
  int64_t heads = 0;             // of all layers; 0 if every sequence is too short for a sink
  int64_t heads_with_sinks = 0;  // heads with a sink in at least one sequence
  int64_t kept = 0;  // tokens of the text that are spike tokens or sinks of enough heads
  /// Fraction of attention on sinks, mean over heads, 0..1. If the cache evicts the sinks, this
  /// attention is lost or goes to other tokens.
  double attention = 0;
  /// Sorted by heads * sinking, then by spiking, largest first.
  std::vector<KeptToken> keep;
};

/// Finds the tokens that an eviction policy must keep: spike tokens, and tokens that are a sink of
/// at least `least_share_of_heads` of all heads. (StreamingLLM, arXiv 2309.17453, always keeps the
/// first few tokens.) Both results must come from one run over one text without a prefix. The two
/// results list at most `max_token_positions` positions each; `kept` does not count tokens beyond
/// these lists.
KvCacheKeepResult kv_cache_keep(const SinksAnywhereResult& sinks, const SpikeTokensResult& spikes,
                                KvCacheKeepOptions options = {});

}  // namespace spikesink
