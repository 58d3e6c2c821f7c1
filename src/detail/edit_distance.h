#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace spikesink::detail {

/// Returns the `count` names with the smallest edit distance from `wanted`, nearest first; for
/// error messages.
std::vector<std::string> nearest(std::string_view wanted, const std::vector<std::string>& names,
                                 size_t count = 3);

}  // namespace spikesink::detail
