#include "spikesink/measure/spikes/spike_positions.h"

#include <algorithm>
#include <utility>

#include "detail/fail.h"

namespace spikesink {

SpikePositions::SpikePositions(std::vector<TokenPosition> positions, bool complete)
    : positions_(std::move(positions)), complete_(complete) {
  std::sort(positions_.begin(), positions_.end());
  positions_.erase(std::unique(positions_.begin(), positions_.end()), positions_.end());
}

torch::Tensor SpikePositions::mask(int64_t first_sequence, int64_t sequences,
                                   int64_t length) const {
  auto mask = torch::zeros({sequences, length}, torch::kBool);
  auto* spikes = mask.data_ptr<bool>();
  auto token =
      std::lower_bound(positions_.begin(), positions_.end(), TokenPosition{first_sequence, 0});
  for (; token != positions_.end() && token->sequence < first_sequence + sequences; ++token) {
    if (token->position >= length) {
      detail::fail_argument(
          "[SpikePositions] a spike token is at position {} of sequence {}: got a sequence of "
          "{} "
          "tokens, expected the text in which it was found",
          token->position, token->sequence, length);
    }
    spikes[(token->sequence - first_sequence) * length + token->position] = true;
  }
  return mask;
}

torch::Tensor SpikePositions::mask(const TokenBatch& batch) const {
  const auto text_mask =
      mask(batch.first_sequence, batch.ids.size(0), batch.ids.size(1) - batch.prefix_length);
  return at::constant_pad_nd(text_mask, {batch.prefix_length, 0});
}

}  // namespace spikesink
