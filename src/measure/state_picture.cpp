#include "spikesink/measure/state_picture.h"

#include <algorithm>

#include "detail/fail.h"

namespace spikesink {
namespace {

double peak_of(const LifeCycleBlock& block) {
  const auto& top = block.hidden_state.top;
  return top.empty() ? 0.0 : top.front().magnitude;
}

// Row `sequence` of the batch that holds it, [1, T].
torch::Tensor find_sequence(const TokenBatches& batches, int64_t sequence) {
  for (const auto& batch : batches) {
    const int64_t row = sequence - batch.first_sequence;
    if (row >= 0 && row < batch.ids.size(0)) return batch.ids.slice(0, row, row + 1);
  }
  detail::fail_argument(
      "[most_extreme_state] sequence {} is not in the batches: expected those that were measured",
      sequence);
}

}  // namespace

std::optional<StatePicture> most_extreme_state(Transformer& model, const TokenBatches& batches,
                                               const LifeCycleResult& life_cycle,
                                               const StatePictureOptions& options) {
  if (life_cycle.blocks.empty())
    detail::fail_argument("[most_extreme_state] got an empty life cycle, expected a measured one");
  const auto extreme =
      std::max_element(life_cycle.blocks.begin(), life_cycle.blocks.end(),
                       [](const auto& a, const auto& b) { return peak_of(a) < peak_of(b); });
  if (extreme->hidden_state.top.empty()) return std::nullopt;
  StatePicture picture;
  picture.block = extreme->block;
  picture.sequence = extreme->hidden_state.top.front().sequence;
  const auto ids = find_sequence(batches, picture.sequence).slice(1, 0, options.most_tokens);
  const auto point = picture.block.hidden_state_point();
  const auto cache = run_with_cache(model, ids.to(model->options().device()), {point});
  const auto state = cache[point][0].abs().to(torch::kCPU, torch::kFloat);  // [T, d_model]
  const int64_t columns = std::min(options.most_columns, state.size(1));
  for (int64_t column = 0; column < columns; ++column) {
    picture.channels.emplace_back(column * state.size(1) / columns,
                                  (column + 1) * state.size(1) / columns - 1);
  }
  for (int64_t position = 0; position < state.size(0); ++position) {
    const auto row = state[position].contiguous();
    const float* values = row.data_ptr<float>();
    picture.tokens.push_back(ids[0][position].item<int64_t>());
    auto& drawn = picture.magnitudes.emplace_back();
    for (const auto& [first, last] : picture.channels)
      drawn.push_back(*std::max_element(values + first, values + last + 1));
  }
  return picture;
}

}  // namespace spikesink
