#pragma once

#include <tuple>

#include "measure/core/serialize.h"
#include "spikesink/hooks/hook_names.h"
#include "spikesink/measure/core/running_mean.h"

namespace spikesink {

/// A small measurement: the mean of one channel of the state after the embedding.
struct ChannelMean : Mergeable<ChannelMean> {
  RunningMean values;

  HookScope attach(Transformer& model, RunContext&) override {
    values = {};
    return model->hooks().add(hook_names::kEmbed, [this](const torch::Tensor& state) {
      const auto channel = state.select(2, 3).flatten().to(torch::kDouble);
      for (int64_t token = 0; token < channel.numel(); ++token)
        values.add(channel[token].item<double>());
    });
  }
  void merge(const ChannelMean& other) { values.merge(other.values); }
  auto fields() { return std::tie(values); }
};

}  // namespace spikesink
