#pragma once

#include <spdlog/spdlog.h>

namespace spikesink::detail {

/// The library's one logger, writing to stderr.
spdlog::logger& logger();

}  // namespace spikesink::detail
