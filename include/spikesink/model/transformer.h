#pragma once

#include <string>
#include <utility>
#include <vector>

#include "spikesink/hooks/activation_cache.h"
#include "spikesink/model/layer.h"

namespace spikesink {

/// A decoder-only transformer with hook points at every step. A fresh one has uninitialised
/// weights: load or fill them.
class TransformerImpl : public torch::nn::Module {
 private:
  ModelConfig config_;
  HookRegistry hooks_;

 public:
  explicit TransformerImpl(ModelConfig config);

  /// tokens [B, T] int64 -> logits [B, T, d_vocabulary]. Throws std::invalid_argument for ids
  /// outside the vocabulary and for sequences longer than the context.
  torch::Tensor forward(const torch::Tensor& tokens);
  /// As `forward`, but the logits are formed only when `unembed.hook_out` is watched: for
  /// measuring.
  void observe(const torch::Tensor& tokens);
  /// The unembedding alone, without hooks: final-normed states [..., d_model] -> logits [...,
  /// d_vocabulary], or those of the vocabulary's entries first <= i < last.
  torch::Tensor logits(const torch::Tensor& states) const;
  torch::Tensor logits(const torch::Tensor& states, int64_t first, int64_t last) const;

  const ModelConfig& config() const { return config_; }
  HookRegistry& hooks() { return hooks_; }
  const HookRegistry& hooks() const { return hooks_; }
  /// What the weights are stored and reckoned in, and where.
  torch::TensorOptions options() const { return embedding.options().requires_grad(false); }

  torch::Tensor embedding;  // [d_vocabulary, d_model]
  HookPoint hook_embed;
  std::vector<Layer> layers;
  RmsNorm ln_final;
  HookPoint hook_unembed_in;
  torch::Tensor unembedding;  // [d_vocabulary, d_model]; the embedding itself when tied
  HookPoint hook_unembed_out;

 private:
  torch::Tensor final_states(const torch::Tensor& tokens);
  void check(const torch::Tensor& tokens) const;
};
TORCH_MODULE(Transformer);

/// One forward pass, without gradients, with hooks that come off at its end: pairs of pattern and
/// hook.
torch::Tensor run_with_hooks(Transformer& model, const torch::Tensor& tokens,
                             const std::vector<std::pair<std::string, Hook>>& hooks);

/// One forward pass, without gradients, that keeps what the points matching `patterns` saw.
ActivationCache run_with_cache(Transformer& model, const torch::Tensor& tokens,
                               const std::vector<std::string>& patterns);

}  // namespace spikesink
