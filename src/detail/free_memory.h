#pragma once

#include <cstdint>

namespace spikesink::detail {

/// Returns the bytes of main memory that this process can allocate without swapping: the system's
/// available memory, or less if a control group (cgroup) sets a limit.
int64_t free_memory();

}  // namespace spikesink::detail
