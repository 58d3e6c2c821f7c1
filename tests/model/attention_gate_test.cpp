#include "spikesink/model/attention_gate.h"

#include <gtest/gtest.h>

#include "tiny_model.h"

namespace spikesink {
namespace {

TEST(GateTest, MultipliesWhatHeadsGive) {
  const torch::NoGradGuard no_grad;
  for (const auto input :
       {GateInput::kHidden, GateInput::kConstant, GateInput::kPosition, GateInput::kEmbedding}) {
    for (const auto width : {GateWidth::kChannel, GateWidth::kHead, GateWidth::kToken}) {
      auto config = tiny_config();
      config.context = 16;
      auto model = random_model(config, torch::kDouble);
      const auto tokens = random_tokens(2, 9);
      const auto plain = run_with_cache(model, tokens, {"**"});
      config.gate = {input, width};
      auto gated = random_model(config, torch::kDouble);
      for (const auto& entry : model->named_parameters())
        gated->named_parameters()[entry.key()].copy_(entry.value());
      const auto& gate = gated->layers[0]->attn->gate;
      const auto logits = input == GateInput::kConstant ? gate->logits.expand({2, 9, -1})
                          : input == GateInput::kPosition
                              ? gate->logits.slice(0, 0, 9).expand({2, 9, -1})
                          : input == GateInput::kHidden
                              ? at::linear(plain["blocks.0.attn.hook_in"], gate->map->weight)
                              : at::linear(plain["hook_embed"], gate->map->weight);
      const auto factors = width == GateWidth::kChannel ? at::sigmoid(logits).view({2, 9, 4, 8})
                           : width == GateWidth::kHead  ? at::sigmoid(logits).view({2, 9, 4, 1})
                                                        : at::sigmoid(logits).view({2, 9, 1, 1});
      const auto z =
          run_with_cache(gated, tokens, {"blocks.0.attn.hook_z"})["blocks.0.attn.hook_z"];
      EXPECT_TRUE(at::allclose(z, plain["blocks.0.attn.hook_z"] * factors, 1e-10, 1e-12))
          << to_string(input) << ", " << to_string(width);
    }
  }
}

}  // namespace
}  // namespace spikesink
