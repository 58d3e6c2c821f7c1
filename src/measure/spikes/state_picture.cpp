#include "spikesink/measure/spikes/state_picture.h"

#include <algorithm>

#include "detail/fail.h"

namespace spikesink {
namespace {

double peak_of(const LifeCycleBlock& block) {
  const auto& top = block.hidden_state.top;
  return top.empty() ? 0.0 : top.front().magnitude;
}

// Returns the token ids of `sequence`, [1, T].
torch::Tensor find_sequence(const TokenBatches& batches, int64_t sequence) {
  for (const auto& batch : batches) {
    const int64_t row = sequence - batch.first_sequence;
    if (row >= 0 && row < batch.ids.size(0)) return batch.ids.slice(0, row, row + 1);
  }
  detail::fail_argument(
      "[largest_state_picture] sequence {} is not in the batches: expected those that were "
      "measured",
      sequence);
}

}  // namespace

std::optional<StatePicture> largest_state_picture(Transformer& model, const TokenBatches& batches,
                                                  const LifeCycleResult& life_cycle,
                                                  const StatePictureOptions& options) {
  if (life_cycle.blocks.empty())
    detail::fail_argument(
        "[largest_state_picture] got an empty life cycle, expected a measured one");
  const auto largest =
      std::max_element(life_cycle.blocks.begin(), life_cycle.blocks.end(),
                       [](const auto& a, const auto& b) { return peak_of(a) < peak_of(b); });
  if (largest->hidden_state.top.empty()) return std::nullopt;
  StatePicture picture{options};
  picture.block = largest->block;
  const auto& peak = largest->hidden_state.top.front();
  picture.sequence = peak.sequence;
  const auto whole = find_sequence(batches, picture.sequence);
  const int64_t end = std::min(whole.size(1), std::max(options.max_tokens, peak.position + 1));
  picture.first_position = std::max<int64_t>(0, end - options.max_tokens);
  const torch::NoGradGuard no_grad;
  const auto states =
      model->forward(whole.to(model->options().device()), {.stop_after = picture.block});
  const auto state = states[0].abs().to(torch::kCPU, torch::kFloat);  // [T, d_model]
  const int64_t columns = std::min(options.max_columns, state.size(1));
  for (int64_t column = 0; column < columns; ++column) {
    picture.channels.emplace_back(column * state.size(1) / columns,
                                  (column + 1) * state.size(1) / columns - 1);
  }
  for (int64_t position = picture.first_position; position < end; ++position) {
    const auto row = state[position].contiguous();
    const float* values = row.data_ptr<float>();
    picture.tokens.push_back(whole[0][position].item<int64_t>());
    auto& drawn = picture.magnitudes.emplace_back();
    for (const auto& [first, last] : picture.channels)
      drawn.push_back(*std::max_element(values + first, values + last + 1));
  }
  return picture;
}

}  // namespace spikesink
