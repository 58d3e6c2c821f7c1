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

/// Options of a forward pass. By default it has no cache and computes logits.
struct ForwardOptions {
  torch::Tensor padding_mask;  // [B, T] bool, true for padding, which is at the end; or undefined
  KvCache* cache = nullptr;    // the tokens follow those in the cache and are appended to it
  /// The last block that is needed; the rest of its layer runs too. Empty: the whole model.
  std::optional<Block> stop_after;
  bool compute_logits = true;  // false: logits are computed only while `unembed.hook_out` has hooks
};

/// A transformer, decoder or encoder, with hook points at every step. Its weights are
/// uninitialised: load or fill them before use.
class TransformerImpl : public torch::nn::Module {
 private:
  ModelConfig config_;
  HookRegistry hooks_;

 public:
  explicit TransformerImpl(ModelConfig config);

  /// Runs the model: tokens [B, T] int64 -> logits [B, T, d_vocabulary]. No token attends to
  /// padding. Other results:
  /// - with `stop_after`: the hidden state after that block, [B, T, d_model]
  /// - without an unembedding: the last hidden states, [B, T, d_model]
  /// - if no logits are computed: an undefined tensor
  ///
  /// With a cache, `hook_rot_k` sees all keys, [B, S, K, d_head]. The position of a token is, for
  /// learned position embeddings, its index among all appended tokens; for RoPE and ALiBi, its
  /// index in the cache. If this throws, the cache is unchanged.
  ///
  /// Throws std::invalid_argument for ids outside the vocabulary, for tokens that exceed the
  /// context, for padding before text, for a cache with an encoder, and for a cache with
  /// `stop_after`.
  torch::Tensor forward(const torch::Tensor& tokens, const ForwardOptions& options = {});
  /// Computes logits from the values at `unembed.hook_in`, without hooks: [..., d_embedding] ->
  /// [..., d_vocabulary], or only for the ids first <= id < end.
  torch::Tensor unembed(const torch::Tensor& states) const;
  torch::Tensor unembed(const torch::Tensor& states, int64_t first, int64_t end) const;

  /// Turns gradient checkpointing on or off (default): if gradients are computed, only the input of
  /// each layer is stored; the layer runs again in the backward pass. Its hooks then run twice.
  void set_gradient_checkpointing(bool enabled) { gradient_checkpointing_ = enabled; }

  /// Loads each weight group from `loader` when it is used and unloads it afterwards. Do not edit
  /// the weights of such a model: edits are lost.
  void stream_weights_from(std::unique_ptr<WeightLoader> loader);
  /// Returns the weight loader; null if all weights stay in memory.
  const WeightLoader* weight_loader() const { return pins_->loader.get(); }
  /// Keeps a weight group loaded until the returned scope is destroyed. To read the parameters of a
  /// model that loads its weights by layer, pin their group first. Does nothing if all weights are
  /// in memory.
  HookScope pin_weights(WeightGroup group) const;

  const ModelConfig& config() const { return config_; }
  HookRegistry& hooks() { return hooks_; }
  const HookRegistry& hooks() const { return hooks_; }
  /// Returns the dtype and device of the weights.
  torch::TensorOptions options() const { return embedding.options().requires_grad(false); }
  /// Returns the name of the hook point of the hidden state after a block. This hidden state is the
  /// input of the next block (after the last block: of the final norm). In a post-norm model it is
  /// the output of the norm that follows the block.
  std::string hidden_state_hook_name(Block block) const;
  /// Throws std::invalid_argument for a block that the model does not have.
  void check_block(Block block) const;

  torch::Tensor embedding;             // [d_vocabulary, d_embedding]
  torch::Tensor position_embedding;    // [context + position_offset, d_model], or undefined
  torch::Tensor token_type_embedding;  // [n_token_types, d_model], or undefined
  Linear project_in{nullptr};          // d_embedding -> d_model, null if they are equal
  Norm embedding_norm{nullptr};
  std::vector<Layer> layers;
  Norm ln_final{nullptr};
  Linear project_out{nullptr};  // d_model -> d_embedding, null if they are equal
  Linear mlm_dense{nullptr};    // of the masked-LM head, null without it
  Norm mlm_norm{nullptr};
  torch::Tensor unembedding;       // [d_vocabulary, d_embedding]; undefined if `tied_embeddings`
  torch::Tensor unembedding_bias;  // [d_vocabulary], or undefined

 private:
  void make_embedding();
  void make_head();
  torch::Tensor embed(const torch::Tensor& tokens, PassContext& context) const;
  PassContext make_pass_context(int64_t length, KvCache* cache) const;
  torch::Tensor position_rows(const torch::Tensor& tokens, const KvCache* cache) const;
  torch::Tensor run(const torch::Tensor& tokens, const ForwardOptions& options);
  torch::Tensor run_cached(const torch::Tensor& tokens, const ForwardOptions& options);
  torch::Tensor run_until(const torch::Tensor& tokens, const ForwardOptions& options);
  torch::Tensor final_states(torch::Tensor hidden_states) const;
  void check(const torch::Tensor& tokens, const torch::Tensor& padding_mask) const;
  void check(const torch::Tensor& tokens, const KvCache& cache) const;

  /// The tables of the last pass, reused by passes of the same length.
  struct Tables {
    PassContext context;
    int64_t length = -1;
    torch::TensorOptions options;
  };
  struct Pins {
    std::unique_ptr<WeightLoader> loader;
    std::vector<int64_t> counts;  // number of scopes that pin each group, by WeightGroup::index
  };
  friend class ForwardPass;

  bool gradient_checkpointing_ = false;
  mutable Tables tables_;
  std::shared_ptr<Pins> pins_ = std::make_shared<Pins>();
  HookPoint hook_embed_, hook_pos_embed_, hook_token_type_embed_, hook_full_embed_,
      hook_unembed_in_, hook_unembed_out_;
};
TORCH_MODULE(Transformer);

/// The steps of a forward pass, for running several batches through one layer before the next
/// layer. `TransformerImpl::forward` runs them all. The model must outlive this object.
class ForwardPass {
 public:
  /// Checks and embeds the tokens. Ignores `stop_after`: the caller decides when to stop.
  ForwardPass(const TransformerImpl& model, const torch::Tensor& tokens,
              const ForwardOptions& options = {});
  /// Runs layer `index`. Call it for 0, 1, ... in order.
  void run_layer(int64_t index);
  /// Runs the final norm and the unembedding, and returns what `forward` returns. Call it once,
  /// last.
  torch::Tensor run_head();

  torch::Tensor hidden_states;  // the next layer's input, [B, T, d_model]

 private:
  const TransformerImpl* model_;
  PassContext context_;
  bool logits_;
};

/// Runs one forward pass without gradients and returns the result of `forward`. `hooks` are pairs
/// of pattern and hook, removed at the end.
torch::Tensor run_with_hooks(Transformer& model, const torch::Tensor& tokens,
                             const std::vector<std::pair<std::string, Hook>>& hooks);

/// Runs one forward pass without gradients and returns the values at the hook points that match
/// `patterns`.
ActivationCache run_with_cache(Transformer& model, const torch::Tensor& tokens,
                               const std::vector<std::string>& patterns);

}  // namespace spikesink
