#pragma once

#include <future>
#include <optional>

#include "model/stored_weights.h"

namespace spikesink::detail {

/// Weights that come from a file group by group. While one group is computed with, a thread reads
/// and converts the next.
class StreamedWeights : public WeightLoader {
 public:
  /// `memory`: bytes for weights, hidden states and everything else together.
  StreamedWeights(StoredWeights weights, int64_t memory);
  ~StreamedWeights() override;

  void load(WeightGroup group) override;
  void unload(WeightGroup group) override;
  int64_t hidden_state_budget() const override;

 private:
  std::vector<WeightValues> values_of(WeightGroup group);
  void read_ahead(WeightGroup group);

  StoredWeights weights_;
  int64_t memory_;
  std::vector<bool> is_here_;  // by WeightGroup::index
  int64_t ahead_ = -1;         // WeightGroup::index of what is being read
  std::future<std::vector<WeightValues>> values_ahead_;
};

}  // namespace spikesink::detail
