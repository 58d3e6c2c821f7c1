#pragma once

#include <vector>

#include "spikesink/measure/sinks/sinks_anywhere.h"
#include "spikesink/measure/spikes/spike_tokens.h"

namespace [[gnu::visibility("default")]] spikesink {

struct KvCacheKeepOptions {
  double least_share_of_heads = 0.1;  // of all heads of the model that must sink on a token
};

/// Tokens of one kind that must not leave a key/value cache.
struct KeptToken {
  int64_t id = -1;          // -1: whatever stands first
  int64_t occurrences = 0;  // in the text
  int64_t spiking = 0;      // of them, those that spike
  int64_t sinking = 0;      // of them, those on which some head sinks
  double heads = 0;         // that sink on one of these, mean
};

struct KvCacheKeepResult {
  KvCacheKeepOptions options;
  int64_t sequences = 0;         // of the text
  int64_t tokens = 0;            // of the text
  int64_t heads = 0;             // of all layers; 0 where no sequence is long enough for a sink
  int64_t heads_with_sinks = 0;  // in any sequence
  int64_t kept = 0;              // tokens of the text that spike, or on which enough heads sink
  /// Of all attention what each head gives its sinks, mean over heads, 0..1. Of a cache without
  /// them it would be lost, or spread over the others.
  double attention = 0;
  std::vector<KeptToken> keep;  // most heads times sinking occurrences first, then most spiking
};

/// Which tokens an eviction policy must keep: those that spike, and those on which at least a share
/// of all heads sink. (StreamingLLM, arXiv 2309.17453, keeps the first few, whatever they are.)
/// Both results must be of one run over one text without a prefix; its places are counted as far as
/// both list them.
KvCacheKeepResult kv_cache_keep(const SinksAnywhereResult& sinks, const SpikeTokensResult& spikes,
                                KvCacheKeepOptions options = {});

}  // namespace spikesink
