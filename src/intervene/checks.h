#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "spikesink/intervene/intervention.h"

namespace spikesink::detail {

/// Throws std::invalid_argument, whose message starts with [`by`], for a number outside [0, count).
void check_range(std::string_view by, std::string_view what, const std::vector<int64_t>& numbers,
                 int64_t count);
/// Returns 0, 1, ..., count - 1.
std::vector<int64_t> all_of(int64_t count);

/// Groups the heads by layer, without duplicates; nullopt means all heads. Throws
/// std::invalid_argument for a head that does not exist.
std::vector<std::vector<int64_t>> heads_by_layer(
    std::string_view by, const ModelConfig& config,
    const std::optional<std::vector<HeadIndex>>& heads);

}  // namespace spikesink::detail
