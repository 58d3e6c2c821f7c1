#pragma once

#include <vector>

#include "spikesink/intervene/intervention.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Adds tokens, or registers (vectors that are not token embeddings, arXiv 2309.16588), before each
/// sequence, so that the model can use them as the sink instead of the first token.
/// `compare_interventions` adds the prefix to its batches and measures only the text. For other
/// forward passes, call `with_prefix(batch, prefix_tokens())`.
class AddPrefix : public Intervention {
 public:
  /// Throws std::invalid_argument for an empty list.
  explicit AddPrefix(std::vector<int64_t> tokens);
  /// registers [n, d_embedding]: each row replaces the embedding of one prefix token at
  /// `hook_embed`.
  explicit AddPrefix(torch::Tensor registers);

  /// Throws std::invalid_argument if another AddPrefix is active.
  HookScope attach(Transformer& model) const override;
  std::vector<int64_t> prefix_tokens() const override { return tokens_; }

 private:
  std::vector<int64_t> tokens_;
  torch::Tensor registers_;
};

}  // namespace spikesink
