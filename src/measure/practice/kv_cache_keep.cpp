#include "spikesink/measure/practice/kv_cache_keep.h"

#include <map>
#include <set>

#include "measure/core/sort_by.h"

namespace spikesink {
namespace {

constexpr int64_t kFirst = -1;

struct Tally {
  int64_t occurrences = 0, spiking = 0, sinking = 0;
  int64_t count = 0;  // triples (sequence, layer, head) that sink on the token
};

// Counts per token id. All tokens at position 0 are one group.
std::map<int64_t, Tally> tallies(const SinksAnywhereResult& sinks,
                                 const SpikeTokensResult& spikes) {
  std::map<int64_t, Tally> by_id;
  for (const auto& token : spikes.by_token) {
    auto& first = by_id[kFirst];
    first.occurrences += token.seen_first;
    first.spiking += token.spiking_first;
    auto& later = by_id[token.id];
    later.occurrences += token.seen - token.seen_first;
    later.spiking += token.spiking - token.spiking_first;
  }
  for (const auto& token : sinks.tokens) {
    auto& tally = by_id[token.at_start ? kFirst : token.id];
    tally.sinking += token.token_positions;
    tally.count += token.count;
  }
  return by_id;
}

int64_t count_kept(const SinksAnywhereResult& sinks, const SpikeTokensResult& spikes,
                   double least_heads) {
  const auto& spiking = spikes.spike_positions.positions();
  std::set<TokenPosition> kept(spiking.begin(), spiking.end());
  for (const auto& token : sinks.token_positions) {
    if (static_cast<double>(token.heads) >= least_heads)
      kept.insert({token.sequence, token.position});
  }
  return static_cast<int64_t>(kept.size());
}

}  // namespace

KvCacheKeepResult kv_cache_keep(const SinksAnywhereResult& sinks, const SpikeTokensResult& spikes,
                                KvCacheKeepOptions options) {
  KvCacheKeepResult result{.options = options,
                           .sequences = spikes.sequences,
                           .tokens = spikes.tokens,
                           .heads = static_cast<int64_t>(sinks.heads.size())};
  for (const auto& head : sinks.heads) {
    result.heads_with_sinks += head.share_of_sequences > 0;
    result.attention += head.attention / static_cast<double>(result.heads);
  }
  const double least_heads = options.least_share_of_heads * static_cast<double>(result.heads);
  result.kept = count_kept(sinks, spikes, least_heads);
  for (const auto& [id, tally] : tallies(sinks, spikes)) {
    const double heads = tally.sinking > 0 ? static_cast<double>(tally.count) / tally.sinking : 0;
    if (tally.spiking == 0 && (tally.sinking == 0 || heads < least_heads)) continue;
    result.keep.push_back({id, tally.occurrences, tally.spiking, tally.sinking, heads});
  }
  detail::sort_by(result.keep, [](const auto& token) {
    return std::pair(token.heads * static_cast<double>(token.sinking), token.spiking);
  });
  return result;
}

}  // namespace spikesink
