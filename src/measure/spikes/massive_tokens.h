#pragma once

#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "spikesink/measure/spikes/massive_activations.h"

namespace spikesink::detail {

/// Channels and their signed values.
using ChannelValues = std::vector<std::pair<int64_t, double>>;
using VisitToken =
    std::function<void(int64_t sequence, int64_t position, const ChannelValues& massive)>;

/// Calls `visit` for each token of a state with a massive value, with all its massive values, in
/// text order.
void for_each_massive_token(const StateScan& scan, const MassiveActivationsOptions& options,
                            const VisitToken& visit);

/// Throws std::invalid_argument if two measurements cannot be merged because their thresholds
/// differ.
void expect_same_thresholds(std::string_view kind, const MassiveActivationsOptions& got,
                            const MassiveActivationsOptions& expected);

}  // namespace spikesink::detail
