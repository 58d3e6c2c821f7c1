#pragma once

#include <future>
#include <optional>

#include "model/stored_weights.h"

namespace spikesink::detail {

/// Loads weights from a file, one group at a time. While one group is used, a thread reads and
/// converts the next one.
class StreamedWeights : public WeightLoader {
 public:
  /// `memory`: limit in bytes for weights, hidden states and activations together.
  StreamedWeights(StoredWeights weights, int64_t memory);
  ~StreamedWeights() override;

  void load(WeightGroup group) override;
  void unload(WeightGroup group) override;
  int64_t max_hidden_state_memory() const override;

 private:
  std::vector<WeightValues> take_values(WeightGroup group);
  void read_ahead(WeightGroup group);

  StoredWeights weights_;
  int64_t memory_;
  std::vector<bool> is_loaded_;  // by WeightGroup::index
  int64_t ahead_ = -1;           // WeightGroup::index of the group that is read ahead
  std::future<std::vector<WeightValues>> values_ahead_;
};

}  // namespace spikesink::detail
