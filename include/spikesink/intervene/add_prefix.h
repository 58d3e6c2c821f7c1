#pragma once

#include <vector>

#include "spikesink/intervene/intervention.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Something before each sequence for the sink to move to: tokens, or registers, vectors that no
/// token has (arXiv 2309.16588). `compare` puts them there and counts the text alone; other passes
/// are given `with_prefix(batch, prefix())`.
class AddPrefix : public Intervention {
 public:
  /// Throws std::invalid_argument for none.
  explicit AddPrefix(std::vector<int64_t> tokens);
  /// registers [n, d_embedding], as `hook_embed` shows the embedding.
  explicit AddPrefix(torch::Tensor registers);

  /// Two prefixes contradict each other.
  HookScope attach(Transformer& model) const override;
  std::vector<int64_t> prefix_tokens() const override { return tokens_; }

 private:
  std::vector<int64_t> tokens_;
  torch::Tensor registers_;
};

}  // namespace spikesink
