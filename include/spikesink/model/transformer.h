#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spikesink/hooks/activation_cache.h"
#include "spikesink/hooks/block.h"
#include "spikesink/model/layer.h"
#include "spikesink/model/weight_loader.h"

namespace [[gnu::visibility("default")]] spikesink {

/// How to run a model. By default: without a cache, to the logits.
struct ForwardOptions {
  torch::Tensor padding_mask;  // [B, T] bool, true for padding at a sequence's end, or undefined
  KvCache* cache = nullptr;    // holds the tokens before these, and takes these in
  std::optional<Block> stop_after;  // runs the layer of this block, and no later one
  bool logits = true;  // false: logits are computed only while `unembed.hook_out` has hooks
};

/// A transformer, decoder or encoder, with hook points at every step. A fresh one has uninitialised
/// weights: load or fill them.
class TransformerImpl : public torch::nn::Module {
 private:
  ModelConfig config_;
  HookRegistry hooks_;

 public:
  explicit TransformerImpl(ModelConfig config);

  /// tokens [B, T] int64 -> logits [B, T, d_vocabulary]; the last hidden states [B, T, d_model] of
  /// a model without unembedding; the hidden state after `stop_after` [B, T, d_model]; an undefined
  /// tensor where no logits are computed. No token attends to padding.
  ///
  /// With a cache `hook_rot_k` sees all keys, [B, S, K, d_head]. Learned positions count every
  /// token that was ever in it, RoPE and ALiBi those that are. If this throws, the cache is
  /// unchanged.
  ///
  /// Throws std::invalid_argument for ids outside the vocabulary, for tokens that do not fit the
  /// context, for padding before text, for a cache of an encoder, and for a cache together with
  /// `stop_after`.
  torch::Tensor forward(const torch::Tensor& tokens, const ForwardOptions& options = {});
  /// The unembedding alone, without hooks: what `unembed.hook_in` saw [..., d_embedding] -> logits
  /// [..., d_vocabulary], or those of the vocabulary's entries first <= i < last.
  torch::Tensor unembed(const torch::Tensor& states) const;
  torch::Tensor unembed(const torch::Tensor& states, int64_t first, int64_t end) const;

  /// Gradient checkpointing: a pass with gradients stores only the input of each layer and computes
  /// the rest again for the backward pass. Hooks then see a layer's values twice. Off by default.
  void set_gradient_checkpointing(bool enabled) { gradient_checkpointing_ = enabled; }

  /// Loads each group of weights when it runs, and unloads it after. Do not edit weights then: the
  /// edit is lost when they are unloaded.
  void stream_weights_from(std::unique_ptr<WeightLoader> loader);
  /// What loads the weights, or null: all are in memory, and stay.
  const WeightLoader* weight_loader() const { return pins_->loader.get(); }
  /// Keeps the weights of a group in memory for the life of the scope, for code that reads them.
  /// Does nothing where all are in memory.
  HookScope pin_weights(WeightGroup group) const;

  const ModelConfig& config() const { return config_; }
  HookRegistry& hooks() { return hooks_; }
  const HookRegistry& hooks() const { return hooks_; }
  /// What the weights are stored and reckoned in, and where.
  torch::TensorOptions options() const { return embedding.options().requires_grad(false); }
  /// The hook point of the hidden state after a block: what the next block reads, before the final
  /// norm. That is the sum of block and stream, or in a post-norm model that sum's norm.
  std::string hidden_state_hook_name(Block block) const;
  /// Throws std::invalid_argument for a block that the model does not have.
  void check_block(Block block) const;

  torch::Tensor embedding;             // [d_vocabulary, d_embedding]
  torch::Tensor position_embedding;    // [context + position_offset, d_model], or undefined
  torch::Tensor token_type_embedding;  // [n_token_types, d_model], or undefined
  Linear project_in{nullptr};          // d_embedding -> d_model, null where they are equal
  Norm embedding_norm{nullptr};
  std::vector<Layer> layers;
  Norm ln_final{nullptr};
  Linear project_out{nullptr};  // d_model -> d_embedding, null where they are equal
  Linear mlm_dense{nullptr};    // the masked-LM head's, null without one
  Norm mlm_norm{nullptr};
  torch::Tensor unembedding;       // [d_vocabulary, d_embedding]; the embedding itself when tied
  torch::Tensor unembedding_bias;  // [d_vocabulary], or undefined

 private:
  void make_embedding();
  void make_head();
  torch::Tensor embed(const torch::Tensor& tokens, PassContext& context) const;
  PassContext positions(int64_t length, KvCache* cache) const;
  torch::Tensor position_rows(const torch::Tensor& tokens, const KvCache* cache) const;
  torch::Tensor run(const torch::Tensor& tokens, const ForwardOptions& options);
  torch::Tensor run_cached(const torch::Tensor& tokens, const ForwardOptions& options);
  torch::Tensor run_until(const torch::Tensor& tokens, const ForwardOptions& options);
  torch::Tensor final_states(torch::Tensor stream) const;
  void check(const torch::Tensor& tokens, const torch::Tensor& padding_mask) const;
  void check(const torch::Tensor& tokens, const KvCache& cache) const;

  struct Tables {  // as the last pass needed them
    PassContext positions;
    int64_t length = -1;
    torch::TensorOptions options;
  };
  struct Pins {
    std::unique_ptr<WeightLoader> loader;
    std::vector<int64_t> users;  // scopes that pin a group, by WeightGroup::index
  };
  friend class ForwardPass;

  bool gradient_checkpointing_ = false;
  mutable Tables tables_;
  std::shared_ptr<Pins> pins_ = std::make_shared<Pins>();
  HookPoint hook_embed_, hook_pos_embed_, hook_token_type_embed_, hook_full_embed_,
      hook_unembed_in_, hook_unembed_out_;
};
TORCH_MODULE(Transformer);

/// A forward pass in steps, to run several batches through one layer before the next:
/// `TransformerImpl::forward` is one of these, every layer and the head. The model must outlive it.
class ForwardPass {
 public:
  /// Embeds the tokens. `stop_after` is for the caller to heed.
  ForwardPass(const TransformerImpl& model, const torch::Tensor& tokens,
              const ForwardOptions& options = {});
  /// Runs a layer. Layers run in order, each once.
  void run_layer(int64_t index);
  /// Runs what follows the last layer, and returns what `forward` does.
  torch::Tensor run_head();

  torch::Tensor hidden_states;  // what the next layer reads, [B, T, d_model]

 private:
  const TransformerImpl* model_;
  PassContext positions_;
  bool logits_;
};

/// One forward pass, without gradients, with hooks that come off at its end: pairs of pattern and
/// hook.
torch::Tensor run_with_hooks(Transformer& model, const torch::Tensor& tokens,
                             const std::vector<std::pair<std::string, Hook>>& hooks);

/// One forward pass, without gradients, that keeps what the points matching `patterns` saw.
ActivationCache run_with_cache(Transformer& model, const torch::Tensor& tokens,
                               const std::vector<std::string>& patterns);

}  // namespace spikesink
