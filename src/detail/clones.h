#pragma once

// Compiles a function once per instruction set and picks one when the program starts. Sanitized
// builds go without: the choosing runs before the sanitizers are ready.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(SPIKESINK_SANITIZED)
#define SPIKESINK_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SPIKESINK_CLONES
#endif
