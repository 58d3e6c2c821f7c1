#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "measure/attention_models.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

/// Every model of `attention_models`, with batches of several lengths.
class AttentionMatrices : public testing::TestWithParam<AttentionModel> {
 protected:
  torch::NoGradGuard no_grad;
  Transformer model = random_model(GetParam().config);
  const bool causal = GetParam().config.causal;
  TokenBatches batches = batches_of_lengths({20, 5, 70});

  /// A[i, k] of one batch, [layers, B, H, T, T] float64.
  torch::Tensor matrices(const TokenBatch& batch) {
    const auto cache = run_with_cache(model, batch.ids, {"blocks.*.attn.hook_pattern"});
    std::vector<torch::Tensor> layers;
    for (int64_t layer = 0; layer < model->config().n_layers; ++layer)
      layers.push_back(
          cache[hook_names::layer_hook_name(layer, hook_names::kPattern)].to(torch::kDouble));
    return at::stack(layers);
  }
  /// What one key receives of them: [layers, B, H, queries that see it].
  torch::Tensor received(const torch::Tensor& matrices, int64_t key) const {
    return matrices.select(-1, key).slice(-1, causal ? key : 0);
  }
};

}  // namespace spikesink
