#pragma once

#include <nlohmann/json.hpp>

#include "spikesink/hooks/block_number.h"
#include "spikesink/measure/massive_activations.h"
#include "spikesink/text/tokenizer.h"

namespace spikesink::detail {

using nlohmann::json;

inline constexpr size_t kMostTokens = 200;  // rows of a table of tokens; the rest are rare

/// JSON has no NaN: what was not measured is null.
json number(double value);
/// The same in four digits, which are more than a picture shows.
json digits(double value);
/// Null without values.
json mean_or_null(const RunningMean& values);
json ratio_entry(const ChannelRatio& ratio);
/// block, layer and kind.
json entry_of(const Block& block);
/// id, and where there is a tokenizer its text and whether it is special.
json token_entry(int64_t id, const Tokenizer* tokenizer);

}  // namespace spikesink::detail
