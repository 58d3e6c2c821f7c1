#pragma once

#include <future>
#include <optional>

#include "model/stored_weights.h"

namespace spikesink::detail {

/// Weights that come from a file part by part. While one part is computed with, a thread reads and
/// converts the next.
class StreamedWeights : public WeightSupply {
 public:
  /// `memory`: bytes for weights, hidden states and everything else together.
  StreamedWeights(StoredWeights weights, int64_t memory);
  ~StreamedWeights() override;

  void bring(ModelPart part) override;
  void drop(ModelPart part) override;
  int64_t room_for_states() const override;

 private:
  std::vector<WeightValues> values_of(ModelPart part);
  void read_ahead(ModelPart part);

  StoredWeights weights_;
  int64_t memory_;
  std::vector<bool> is_here_;  // by ModelPart::number
  int64_t ahead_ = -1;         // ModelPart::number of what is being read
  std::future<std::vector<WeightValues>> values_ahead_;
};

}  // namespace spikesink::detail
