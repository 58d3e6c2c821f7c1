#include "intervene/checks.h"

#include <algorithm>
#include <numeric>

#include "detail/fail.h"
#include "model/require_attention.h"

namespace spikesink::detail {

void check_range(std::string_view by, std::string_view what, const std::vector<int64_t>& numbers,
                 int64_t count) {
  for (const int64_t number : numbers) {
    if (number < 0 || number >= count)
      fail_argument("[{}] {}: got {}, expected 0 to {}", by, what, number, count - 1);
  }
}

std::vector<int64_t> all_of(int64_t count) {
  std::vector<int64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

std::vector<std::vector<int64_t>> heads_by_layer(
    std::string_view by, const ModelConfig& config,
    const std::optional<std::vector<HeadIndex>>& heads) {
  std::vector<std::vector<int64_t>> result(config.n_layers);
  if (!heads) {
    for (const int64_t layer : config.attention_layers()) result[layer] = all_of(config.n_heads);
    return result;
  }
  for (const auto& [layer, head] : *heads) {
    check_range(by, "layer", {layer}, config.n_layers);
    check_range(by, "head", {head}, config.n_heads);
    require_attention(by, config, layer);
    auto& of_layer = result[layer];
    if (std::find(of_layer.begin(), of_layer.end(), head) == of_layer.end())
      of_layer.push_back(head);
  }
  return result;
}

}  // namespace spikesink::detail
