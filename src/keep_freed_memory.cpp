#include "spikesink/keep_freed_memory.h"

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

namespace spikesink {

void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the largest value that glibc accepts
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

}  // namespace spikesink
