#pragma once

namespace [[gnu::visibility("default")]] spikesink {

/// Tells glibc to keep freed memory for later allocations instead of returning it to the system. A
/// forward pass allocates and frees the same sizes repeatedly; returning the pages costs about 10 %
/// of the time. Does nothing with other C libraries. Affects the whole process: call it from a
/// program, not from a library.
void keep_freed_memory();

}  // namespace spikesink
