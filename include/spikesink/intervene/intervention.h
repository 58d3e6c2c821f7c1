#pragma once

#include <string>
#include <utility>
#include <vector>

#include "spikesink/model/transformer.h"
#include "spikesink/text/token_batches.h"

namespace [[gnu::visibility("default")]] spikesink {

/// The layer and the query head.
using HeadIndex = std::pair<int64_t, int64_t>;

/// A change of a trained model whose effect is measured.
class Intervention {
 public:
  virtual ~Intervention() = default;

  /// Applies the intervention until the returned scope is destroyed. Several interventions apply in
  /// the order of attachment. Throws std::invalid_argument, and leaves the model unchanged, if the
  /// model does not have an edit site or if another active intervention edits the same site.
  virtual HookScope attach(Transformer& model) const = 0;
  /// Applies the intervention for the forward passes of one batch. Interventions that name token
  /// positions of a text need to know which batch runs.
  virtual HookScope attach_for_batch(Transformer& model, const TokenBatch&) const {
    return attach(model);
  }
  /// Returns the tokens that each sequence must start with while the intervention is active: see
  /// `with_prefix`.
  virtual std::vector<int64_t> prefix_tokens() const { return {}; }
};

/// Returns all query heads of these layers.
std::vector<HeadIndex> heads_of_layers(const ModelConfig& config,
                                       const std::vector<int64_t>& layers);

}  // namespace spikesink
