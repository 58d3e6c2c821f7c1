#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "tiny_model.h"

namespace spikesink {

/// Two sequences: the first is massive after layer 0 in channel 3 of token 2, the second only after
/// layer 1, in channel 9 of token 0.
struct TwoSpikingSequences : testing::Test {
  torch::NoGradGuard no_grad;
  Transformer model = random_model(tiny_config(), torch::kDouble);
  TokenBatch batch{random_tokens(2, 12), 0};
  HookScope planted = model->hooks().add("blocks.0.hook_mlp_out", plant(0, 2, 3, 60000));
  std::vector<int64_t> channels = {3, 9};

  TwoSpikingSequences() {
    planted += model->hooks().add("blocks.1.hook_mlp_out", plant(1, 0, 9, -80000));
  }

  static Hook plant(int64_t sequence, int64_t position, int64_t channel, double value) {
    return [=](const torch::Tensor& x) {
      auto changed = x.clone();
      changed[sequence][position][channel] += value;
      return changed;
    };
  }

  torch::Tensor after_first() {
    return run_with_cache(model, batch.ids,
                          {"blocks.0.hook_resid_post"})["blocks.0.hook_resid_post"];
  }
};

}  // namespace spikesink
