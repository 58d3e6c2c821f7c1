#include "measure/sinks/sink_keys.h"

#include <algorithm>

#include "detail/fail.h"

namespace spikesink::detail {

void check(const SinkKeys& keys, std::string_view who) {
  for (const int64_t position : keys.positions) {
    if (position < -1)
      fail_argument("[{}] sink key: got {}, expected a position from 0, or -1", who, position);
  }
  for (const auto& [sequence, position] : keys.token_positions) {
    if (sequence < 0 || position < 0)
      fail_argument("[{}] sink key: got sequence {} and position {}, expected both from 0", who,
                    sequence, position);
  }
}

torch::Tensor sink_mask(const SinkKeys& keys, const TokenBatch& batch) {
  const int64_t sequences = batch.ids.size(0), length = batch.ids.size(1);
  auto mask = torch::zeros({sequences, length}, torch::kBool);
  for (const int64_t position : keys.positions) {
    if (position < length) mask.select(1, position < 0 ? length - 1 : position).fill_(true);
  }
  auto* marks = mask.data_ptr<bool>();
  for (const auto& [sequence, text_position] : keys.token_positions) {
    const int64_t row = sequence - batch.first_sequence,
                  position = text_position + batch.prefix_length;
    if (row >= 0 && row < sequences && position < length) marks[row * length + position] = true;
  }
  return mask;
}

}  // namespace spikesink::detail
