#pragma once

#include <string_view>

#include "detail/fail.h"

namespace spikesink::detail {

/// Throws std::invalid_argument if two measurements cannot be merged because `what` differs.
template <typename T>
void expect_same(std::string_view kind, std::string_view what, const T& got, const T& expected) {
  if (got != expected)
    fail_argument("[{}] cannot merge: got {} {}, expected {}", kind, what, got, expected);
}

}  // namespace spikesink::detail
