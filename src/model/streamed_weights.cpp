#include "model/streamed_weights.h"

#include <algorithm>

namespace spikesink::detail {

StreamedWeights::StreamedWeights(StoredWeights weights, int64_t memory)
    : weights_(std::move(weights)), memory_(memory), is_here_(weights_.parts()) {
  for (int64_t number = 0; number < weights_.parts(); ++number) weights_.drop({number});
}

StreamedWeights::~StreamedWeights() {
  if (values_ahead_.valid()) values_ahead_.wait();
}

void StreamedWeights::bring(ModelPart part) {
  put_in_place(values_of(part));
  is_here_[part.number] = true;
  read_ahead({part.number + 1});
}

void StreamedWeights::drop(ModelPart part) {
  weights_.drop(part);
  is_here_[part.number] = false;
}

std::vector<WeightValues> StreamedWeights::values_of(ModelPart part) {
  if (!values_ahead_.valid()) return weights_.read(part);
  const bool foreseen = ahead_ == part.number;
  values_ahead_.wait();  // one reads at a time
  if (foreseen) return values_ahead_.get();
  values_ahead_ = {};
  return weights_.read(part);
}

void StreamedWeights::read_ahead(ModelPart part) {
  if (part.number >= weights_.parts() || is_here_[part.number]) return;
  ahead_ = part.number;
  values_ahead_ = std::async(std::launch::async, [this, part] { return weights_.read(part); });
}

// Half of what two parts, the one that is computed with and the next, leave: the other half is for
// what a batch needs within a layer.
int64_t StreamedWeights::room_for_states() const {
  int64_t largest = 0;
  for (int64_t number = 0; number < weights_.parts(); ++number)
    largest = std::max(largest, weights_.bytes({number}));
  return std::max<int64_t>(0, memory_ - 2 * largest) / 2;
}

}  // namespace spikesink::detail
