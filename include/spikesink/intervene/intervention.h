#pragma once

#include <string>
#include <utility>
#include <vector>

#include "spikesink/model/transformer.h"
#include "spikesink/text/token_batches.h"

namespace [[gnu::visibility("default")]] spikesink {

using HeadIndex = std::pair<int64_t, int64_t>;  // layer and query head

/// One change of a trained model, to see what it does.
class Intervention {
 public:
  virtual ~Intervention() = default;

  /// In force for the life of the scope; several compose, in the order in which they were attached.
  /// Throws std::invalid_argument, the model unchanged, for places that the model does not have and
  /// where an intervention that is in force contradicts this one.
  virtual HookScope attach(Transformer& model) const = 0;
  /// The same for the passes of one batch: what names places of a text must know which part of it
  /// goes through.
  virtual HookScope attach_for_batch(Transformer& model, const TokenBatch&) const {
    return attach(model);
  }
  /// Tokens that must stand before each sequence while it is in force: `with_prefix`.
  virtual std::vector<int64_t> prefix_tokens() const { return {}; }
};

/// All heads of some layers.
std::vector<HeadIndex> heads_of_layers(const ModelConfig& config,
                                       const std::vector<int64_t>& layers);

}  // namespace spikesink
