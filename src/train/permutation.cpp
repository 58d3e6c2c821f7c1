#include "train/permutation.h"

#include <bit>

#include "train/random.h"

namespace spikesink::detail {

uint64_t permuted(uint64_t index, uint64_t count, uint64_t seed) {
  if (count < 2) return index;
  const int half = (std::bit_width(count - 1) + 1) / 2;
  const uint64_t mask = (uint64_t{1} << half) - 1;
  do {
    uint64_t left = index >> half, right = index & mask;
    for (uint64_t round = 0; round < 4; ++round) {
      const uint64_t mixed_in = left ^ (seed_of(seed_of(seed, round), right) & mask);
      left = right;
      right = mixed_in;
    }
    index = left << half | right;
  } while (index >= count);
  return index;
}

}  // namespace spikesink::detail
