#pragma once

#include <cstdint>

// Compiles a function once per instruction set and picks one when the program starts. Not in
// sanitized builds: the choice is made before the sanitizers are initialized.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(SPIKESINK_SANITIZED)
#define SPIKESINK_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SPIKESINK_CLONES
#endif

namespace spikesink::detail {

/// Number of partial sums in such a function. With separate partial sums the compiler can vectorize
/// a loop without reordering the additions.
inline constexpr int64_t kLanes = 16;

}  // namespace spikesink::detail
