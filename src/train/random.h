#pragma once

#include <cstdint>

namespace spikesink::detail {

/// Returns a 64-bit hash of x (the finaliser of SplitMix64, Steele et al. 2014).
constexpr uint64_t mixed(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Derives the seed of one of many independent random streams.
constexpr uint64_t seed_of(uint64_t seed, uint64_t stream) {
  return mixed(mixed(seed) ^ stream);
}

}  // namespace spikesink::detail
