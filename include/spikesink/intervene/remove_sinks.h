#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "spikesink/intervene/intervention.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Masks the sink key; the attention weights of the other keys are renormalised.
struct MaskSink {};
/// Removes the sink's value vector from the output. Its attention weight is not redistributed.
struct DropSinkValue {};
/// Limits the sink's share of each query's attention, 0 <= max_share < 1. The excess is distributed
/// over the other keys in proportion to their weights.
struct CapSink {
  double max_share;
};
/// Adds exp(logit) to the softmax denominator. The weights of the keys then sum to less than one.
/// logit = 0: softmax-plus-one.
struct AddSinkLogit {
  double logit = 0;
};
using SinkRemoval = std::variant<MaskSink, DropSinkValue, CapSink, AddSinkLogit>;

/// The heads and key positions that a removal acts on.
struct SinkRemovalSites {
  std::optional<std::vector<HeadIndex>> heads;  // query heads; nullopt: all there are
  std::vector<int64_t> keys = {0};              // positions of the sinks; unused by AddSinkLogit
};

/// Removes attention sinks from heads. Works with grouped-query attention and sliding windows,
/// without T x T matrices. The attention of a token to itself is never masked, dropped or limited,
/// because the first token can attend only to itself. Measurements see the changed attention.
class RemoveSinks : public Intervention {
 public:
  /// Throws std::invalid_argument for an invalid share or position, and for a CapSink with more
  /// than one key.
  explicit RemoveSinks(SinkRemoval removal, SinkRemovalSites sites = {});

  /// Throws std::invalid_argument if another active RemoveSinks acts on the same head, or on the
  /// same layer if neither of the two is AddSinkLogit.
  HookScope attach(Transformer& model) const override;

 private:
  HookScope limit(Transformer& model, int64_t layer, const std::vector<int64_t>& heads) const;
  HookScope add_logit(Transformer& model, int64_t layer, const std::vector<int64_t>& heads) const;

  SinkRemoval removal_;
  SinkRemovalSites sites_;
};

}  // namespace spikesink
