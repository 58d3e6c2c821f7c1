#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "spikesink/hooks/block.h"
#include "spikesink/measure/spikes/massive_activations.h"
#include "spikesink/text/tokenizer.h"

namespace spikesink::detail {

using nlohmann::json;

inline constexpr size_t kMostTokens = 200;  // maximum rows of a table of tokens; the rest are rare

/// Returns the value, or null if it is not finite: JSON has no NaN.
json number(double value);
/// Returns the same with four digits, which is enough for figures.
json digits(double value);
/// Returns the mean, or null without values.
json mean_or_null(const RunningMean& values);
json ratio_entry(const ChannelRatio& ratio);
/// Returns the keys block, layer and kind.
json block_entry(const Block& block);
/// Returns the key id and, with a tokenizer, text and special.
json token_entry(int64_t id, const Tokenizer* tokenizer);

/// Returns entry(item) for the first items of a list, at most `most`.
template <typename T, typename Entry>
json first_of(const std::vector<T>& list, size_t most, Entry entry) {
  json result = json::array();
  for (size_t index = 0; index < std::min(list.size(), most); ++index)
    result.push_back(entry(list[index]));
  return result;
}

}  // namespace spikesink::detail
