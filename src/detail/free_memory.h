#pragma once

#include <cstdint>

namespace spikesink::detail {

/// Bytes of main memory that this process may still take without others being swapped out: what the
/// system says is available, or less where a control group sets a limit.
int64_t free_memory();

}  // namespace spikesink::detail
