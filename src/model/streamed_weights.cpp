#include "model/streamed_weights.h"

#include <algorithm>

namespace spikesink::detail {

StreamedWeights::StreamedWeights(StoredWeights weights, int64_t memory)
    : weights_(std::move(weights)), memory_(memory), is_loaded_(weights_.group_count()) {
  for (int64_t index = 0; index < weights_.group_count(); ++index) weights_.unload({index});
}

StreamedWeights::~StreamedWeights() {
  if (values_ahead_.valid()) values_ahead_.wait();
}

void StreamedWeights::load(WeightGroup group) {
  set_weights(take_values(group));
  is_loaded_[group.index] = true;
  read_ahead({group.index + 1});
}

void StreamedWeights::unload(WeightGroup group) {
  weights_.unload(group);
  is_loaded_[group.index] = false;
}

std::vector<WeightValues> StreamedWeights::take_values(WeightGroup group) {
  if (!values_ahead_.valid()) return weights_.read(group);
  const bool was_read_ahead = ahead_ == group.index;
  values_ahead_.wait();  // only one thread may read at a time
  if (was_read_ahead) return values_ahead_.get();
  values_ahead_ = {};
  return weights_.read(group);
}

void StreamedWeights::read_ahead(WeightGroup group) {
  if (group.index >= weights_.group_count() || is_loaded_[group.index]) return;
  ahead_ = group.index;
  values_ahead_ = std::async(std::launch::async, [this, group] { return weights_.read(group); });
}

// Two weight groups are in memory: the one in use and the next one. Half of the remaining memory is
// for hidden states, the other half for the activations of a batch within a layer.
int64_t StreamedWeights::max_hidden_state_memory() const {
  int64_t largest = 0;
  for (int64_t index = 0; index < weights_.group_count(); ++index)
    largest = std::max(largest, weights_.bytes({index}));
  return std::max<int64_t>(0, memory_ - 2 * largest) / 2;
}

}  // namespace spikesink::detail
