#pragma once

#include <cstdint>

namespace spikesink::detail {

/// The place of `index` < `count` in the order that `seed` shuffles 0 ... count - 1 into, found
/// without forming that order: four rounds of a Feistel network, walked until it is back below
/// `count` (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002).
uint64_t permuted(uint64_t index, uint64_t count, uint64_t seed);

}  // namespace spikesink::detail
