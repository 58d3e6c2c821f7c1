#pragma once

#include <cstdint>

namespace spikesink::detail {

/// Returns the image of `index` < `count` under a pseudorandom permutation of 0 ... count - 1 that
/// depends on `seed`. Needs no memory for the permutation: a Feistel network of four rounds is
/// applied until the result is below `count` (cycle walking; Black and Rogaway, "Ciphers with
/// arbitrary finite domains", 2002).
uint64_t permuted(uint64_t index, uint64_t count, uint64_t seed);

}  // namespace spikesink::detail
