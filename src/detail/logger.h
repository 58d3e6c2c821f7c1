#pragma once

#include <spdlog/spdlog.h>

namespace spikesink::detail {

/// Returns the logger of the library, which writes to stderr.
spdlog::logger& logger();

}  // namespace spikesink::detail
