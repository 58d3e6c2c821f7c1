#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "spikesink/intervene/intervention.h"

namespace [[gnu::visibility("default")]] spikesink {

/// No attention for the sink: the other keys divide it among themselves, as if a mask hid the sink.
struct MaskSink {};
/// The sink keeps its attention, but gives no value for it: the rest is not renormalised.
struct DropSinkValue {};
/// At most this share of a query's attention, 0 <= most < 1; the other keys divide the excess.
struct CapSink {
  double max_share;
};
/// A logit more in the softmax's denominator, whose share is lost: a place to put attention that
/// has no value. 0: softmax-plus-one.
struct AddSinkLogit {
  double logit = 0;
};
using SinkRemoval = std::variant<MaskSink, DropSinkValue, CapSink, AddSinkLogit>;

struct SinkRemovalSites {
  std::optional<std::vector<HeadIndex>> heads;  // query heads; none: all of all layers
  std::vector<int64_t> keys = {0};              // positions of the sinks; not of AddSinkLogit
};

/// Takes the sinks away from heads, whatever their groups and windows, without T x T matrices. What
/// a token pays to itself it keeps: a first token sees nothing else. Measurements see what is left.
class RemoveSinks : public Intervention {
 public:
  /// Throws std::invalid_argument for a share or a position that cannot be, and for a cap of more
  /// than one key.
  explicit RemoveSinks(SinkRemoval removal, SinkRemovalSites sites = {});

  /// Two removals in one head contradict each other, as do two that limit attention (all but
  /// AddSinkLogit) in one layer.
  HookScope attach(Transformer& model) const override;

 private:
  HookScope limit(Transformer& model, int64_t layer, const std::vector<int64_t>& heads) const;
  HookScope add_logit(Transformer& model, int64_t layer, const std::vector<int64_t>& heads) const;

  SinkRemoval removal_;
  SinkRemovalSites sites_;
};

}  // namespace spikesink
