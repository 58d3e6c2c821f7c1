#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "spikesink/hooks/block.h"
#include "spikesink/measure/spikes/massive_activations.h"
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
json block_entry(const Block& block);
/// id, and where there is a tokenizer its text and whether it is special.
json token_entry(int64_t id, const Tokenizer* tokenizer);

/// The first of a list that is sorted, at most so many, each as `entry` makes it.
template <typename T, typename Entry>
json first_of(const std::vector<T>& list, size_t most, Entry entry) {
  json result = json::array();
  for (size_t index = 0; index < std::min(list.size(), most); ++index)
    result.push_back(entry(list[index]));
  return result;
}

}  // namespace spikesink::detail
