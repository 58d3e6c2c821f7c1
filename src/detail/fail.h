#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <stdexcept>
#include <utility>

#include "spikesink/error.h"
#include "spikesink/printable.h"

namespace spikesink::detail {

/// Throws std::invalid_argument, for an invalid argument of the caller.
template <typename... Args>
[[noreturn]] void fail_argument(fmt::format_string<Args...> text, Args&&... args) {
  throw std::invalid_argument(printable(fmt::format(text, std::forward<Args>(args)...)));
}

/// Throws FileError, for a file that is damaged or has unsupported content.
template <typename... Args>
[[noreturn]] void fail_format(fmt::format_string<Args...> text, Args&&... args) {
  throw FileError(printable(fmt::format(text, std::forward<Args>(args)...)));
}

}  // namespace spikesink::detail
