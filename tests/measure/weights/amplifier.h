#pragma once

#include <gtest/gtest.h>

#include "tiny_model.h"

namespace spikesink {

inline constexpr int64_t kAmplifierWidth = 64;

/// A quiet model, into whose feed-forwards a test plants amplifiers of one direction.
struct Amplifier : testing::Test {
  torch::NoGradGuard no_grad;
  torch::Tensor trigger;

  Amplifier() {
    torch::manual_seed(7);
    trigger = torch::randn({kAmplifierWidth}, torch::kDouble);
    trigger /= trigger.norm();
  }
  static ModelConfig config() {
    auto config = tiny_config();
    config.n_layers = 4;
    config.d_model = kAmplifierWidth;
    config.d_mlp = 48;
    return config;
  }
  /// Small random weights of all layers.
  static Transformer quiet_model() {
    auto model = random_model(config());
    for (auto& layer : model->layers) {
      layer->feed_forward_norms.input->weight.fill_(1);
      for (auto* linear : {&layer->mlp->gate, &layer->mlp->up, &layer->mlp->down})
        (*linear)->weight.mul_(0.1);
    }
    return model;
  }
  /// Makes a hidden unit of a layer add amplitude (trigger . x)^2 to a channel.
  void plant(Transformer& model, int64_t layer, int64_t unit, int64_t channel, double amplitude) {
    const auto& mlp = model->layers[layer]->mlp;
    mlp->gate->weight[unit] = trigger.to(torch::kFloat);
    mlp->up->weight[unit] = trigger.to(torch::kFloat);
    mlp->down->weight.select(1, unit).zero_();
    mlp->down->weight[channel][unit] = amplitude;
  }
};

}  // namespace spikesink
