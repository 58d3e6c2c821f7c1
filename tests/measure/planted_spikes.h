#pragma once

#include "measure/measured_model.h"
#include "one_thread.h"
#include "spikesink/measure/spikes/spike_positions.h"

namespace spikesink {

/// In float64, with three spike channels in some tokens from the first feed-forward on.
struct PlantedSpikes : MeasuredModel {
  OneThread one_thread;

  PlantedSpikes() : MeasuredModel(torch::kDouble) {}

  HookScope plant() {
    return model->hooks().add("blocks.0.hook_mlp_out", [](const torch::Tensor& x) {
      const auto chosen = (x.select(2, 5) > 0.1).to(x.scalar_type());
      auto planted = x.clone();
      planted.select(2, 3) += chosen * (9000 + 9000 * x.select(2, 6));
      planted.select(2, 9) -= chosen * (12000 + 9000 * x.select(2, 7));
      planted.select(2, 12) += chosen * (x.select(2, 6) > 0) * 7000;
      return planted;
    });
  }
  /// [B, T, d] bool, by the definition.
  static torch::Tensor massive_values(const torch::Tensor& state) {
    const auto magnitudes = state.to(torch::kFloat).abs();
    const auto medians = std::get<0>(magnitudes.flatten(1).median(1));
    return (magnitudes > 100) & (magnitudes >= 1000 * medians.view({-1, 1, 1}));
  }
  /// [B, T] bool, the tokens that spike in some state.
  torch::Tensor spike_mask() {
    auto mask = torch::zeros({kSequences, kLength}, torch::kBool);
    for (const auto& point : {"blocks.*.hook_resid_mid", "blocks.*.hook_resid_post"}) {
      for (const auto& [name, state] : all_of(point)) mask |= massive_values(state).any(2);
    }
    return mask;
  }
  static SpikePositions places_of(const torch::Tensor& mask) {
    std::vector<TokenPosition> places;
    for (int64_t sequence = 0; sequence < mask.size(0); ++sequence) {
      for (int64_t position = 0; position < mask.size(1); ++position) {
        if (mask[sequence][position].item<bool>()) places.push_back({sequence, position});
      }
    }
    return SpikePositions(std::move(places));
  }
};

/// The rows of x [B, T, ...] that the mask [B, T] chooses.
inline torch::Tensor chosen_rows(const torch::Tensor& x, const torch::Tensor& mask) {
  return x.flatten(0, 1).index_select(0, mask.flatten().nonzero().squeeze(1));
}

}  // namespace spikesink
