#pragma once

#include <cstdint>

#include "spikesink/measure/spikes/spike_positions.h"

namespace spikesink::detail {

/// A number that looks drawn at random, the same for the same place: what keeps the places with the
/// smallest ones keeps a fixed sample, however the text is divided. By SplitMix64's finaliser
/// (Steele, Lea, Flood 2014).
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
