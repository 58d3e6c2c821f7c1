#pragma once

#include <cstdint>

#include "spikesink/measure/spikes/spike_positions.h"

namespace spikesink::detail {

/// Returns a pseudorandom hash of a token position. The positions with the smallest hashes are a
/// fixed sample that does not depend on the batches. Uses the finalizer of SplitMix64 (Steele, Lea,
/// Flood 2014).
inline uint64_t hash_of(const TokenPosition& token) {
  const auto mixed = [](uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  };
  return mixed(mixed(static_cast<uint64_t>(token.sequence) + 1) +
               static_cast<uint64_t>(token.position));
}

}  // namespace spikesink::detail
