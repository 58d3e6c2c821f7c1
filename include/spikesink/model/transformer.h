#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "spikesink/hooks/activation_cache.h"
#include "spikesink/hooks/block_number.h"
#include "spikesink/model/layer.h"
#include "spikesink/model/weight_supply.h"

namespace [[gnu::visibility("default")]] spikesink {

/// A forward pass that waits between two layers.
struct ForwardPass {
  torch::Tensor stream;  // what the next layer reads, [B, T, d_model]
  Positions positions;
};

/// A transformer, decoder or encoder, with hook points at every step. A fresh one has uninitialised
/// weights: load or fill them.
class TransformerImpl : public torch::nn::Module {
 private:
  ModelConfig config_;
  HookRegistry hooks_;

 public:
  explicit TransformerImpl(ModelConfig config);

  /// tokens [B, T] int64 -> logits [B, T, d_vocabulary], or the last hidden states [B, T, d_model]
  /// of a model without unembedding. `padding` [B, T] bool is true for tokens at a sequence's end
  /// that are not text: no token attends to them. Throws std::invalid_argument for ids outside the
  /// vocabulary, for sequences longer than the context, and for padding before text.
  torch::Tensor forward(const torch::Tensor& tokens, const torch::Tensor& padding = {});
  /// The same of tokens that come after those of the cache, which takes them in; if this throws, it
  /// is as before. With a cache `hook_rot_k` sees all keys, [B, S, K, d_head]. Learned positions
  /// count every token that was ever in it, RoPE and ALiBi those that are. Throws
  /// std::invalid_argument for an encoder, and where the tokens do not fit the context.
  torch::Tensor forward(const torch::Tensor& tokens, KvCache& cache);
  /// As `forward`, but the logits are formed only when `unembed.hook_out` is watched: for
  /// measuring.
  void observe(const torch::Tensor& tokens);
  /// Up to a block and no further: the hidden state after it [B, T, d_model]. All points of its
  /// layer are passed, none of a later one.
  torch::Tensor observe_until(const torch::Tensor& tokens, Block last);
  /// The steps of `observe`, for whoever takes several batches through one layer before the next:
  /// begin, advance by each layer in order, end.
  ForwardPass begin(const torch::Tensor& tokens) const;
  void advance(ForwardPass& pass, int64_t layer) const;
  void end(ForwardPass& pass) const;
  /// The unembedding alone, without hooks: what `unembed.hook_in` saw [..., d_embedding] -> logits
  /// [..., d_vocabulary], or those of the vocabulary's entries first <= i < last.
  torch::Tensor logits(const torch::Tensor& states) const;
  torch::Tensor logits(const torch::Tensor& states, int64_t first, int64_t last) const;

  /// Whether a pass with gradients keeps no more of a layer than what it reads, and computes the
  /// rest once more for the gradients. Hooks see a layer's values twice then. Starts as false.
  void recompute_layers(bool again) { recomputes_ = again; }

  /// Has the model bring its weights from `supply` where they are used, and drop them after. They
  /// are not to be edited then: an edit is lost with them.
  void come_by_layer(std::unique_ptr<WeightSupply> supply);
  /// What brings the weights, or null: they are all here, and stay.
  const WeightSupply* weight_supply() const { return parts_->supply.get(); }
  /// Keeps the weights of a part here for the life of the scope: for whoever reads them. Costs
  /// nothing where all are here.
  HookScope hold(ModelPart part) const;

  const ModelConfig& config() const { return config_; }
  HookRegistry& hooks() { return hooks_; }
  const HookRegistry& hooks() const { return hooks_; }
  /// What the weights are stored and reckoned in, and where.
  torch::TensorOptions options() const { return embedding.options().requires_grad(false); }
  /// The hook point of the hidden state after a block: what the next block reads, before the final
  /// norm. That is the sum of block and stream, or in a post-norm model that sum's norm.
  std::string hidden_state_point(Block block) const;
  /// Throws std::invalid_argument for a block that the model does not have.
  void check(Block block) const;

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
  ForwardPass begin(const torch::Tensor& tokens, const torch::Tensor& padding,
                    KvCache* cache) const;
  torch::Tensor embed(const torch::Tensor& tokens, Positions& places) const;
  Positions positions(int64_t length, KvCache* cache) const;
  torch::Tensor position_rows(const torch::Tensor& tokens, const KvCache* cache) const;
  ForwardPass through_layers(const torch::Tensor& tokens, const torch::Tensor& padding,
                             KvCache* cache) const;
  torch::Tensor run(const torch::Tensor& tokens, const torch::Tensor& padding, KvCache* cache);
  torch::Tensor final_states(torch::Tensor stream) const;
  void check(const torch::Tensor& tokens, const torch::Tensor& padding) const;
  void check(const torch::Tensor& tokens, const KvCache& cache) const;

  struct Tables {  // as the last pass needed them
    Positions positions;
    int64_t length = -1;
    torch::TensorOptions options;
  };
  struct Parts {
    std::unique_ptr<WeightSupply> supply;
    std::vector<int64_t> users;  // by ModelPart::number
  };

  bool recomputes_ = false;
  mutable Tables tables_;
  std::shared_ptr<Parts> parts_ = std::make_shared<Parts>();
  HookPoint hook_embed_, hook_pos_embed_, hook_token_type_embed_, hook_full_embed_,
      hook_unembed_in_, hook_unembed_out_;
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
