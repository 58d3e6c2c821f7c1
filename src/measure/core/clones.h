#pragma once

#include <cstdint>

// Compiles a function once per instruction set and picks one when the program starts. Sanitized
// builds go without: the choosing runs before the sanitizers are ready.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(SPIKESINK_SANITIZED)
#define SPIKESINK_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SPIKESINK_CLONES
#endif

namespace spikesink::detail {

/// How many partial results such a function keeps side by side, so that its loops fill vector
/// registers without reordering a sum on their own.
inline constexpr int64_t kLanes = 16;

}  // namespace spikesink::detail
