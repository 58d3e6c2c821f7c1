#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "spikesink/hooks/activation_cache.h"
#include "spikesink/intervene/edit_channels.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Replaces the output of a head by its output in another forward pass over the same number of
/// sequences and tokens (activation patching). The cache must contain the "attn.hook_z" of the
/// layers, as run_with_cache stores it.
struct PatchFrom {
  ActivationCache cache;
};
/// The edits of a head's output. Scale{0} removes the head.
using HeadEdit = std::variant<Scale, PatchFrom>;

/// Edits the outputs of query heads, before the output projection.
class EditHeads : public Intervention {
 public:
  /// `heads`: nullopt means all heads.
  EditHeads(std::optional<std::vector<HeadIndex>> heads, const HeadEdit& edit)
      : heads_(std::move(heads)), edit_(edit) {}

  /// Throws std::invalid_argument if another active EditHeads edits the same head. If the patch has
  /// another shape than the head outputs, the forward pass throws std::invalid_argument.
  HookScope attach(Transformer& model) const override;

 private:
  std::optional<std::vector<HeadIndex>> heads_;
  HeadEdit edit_;
};

}  // namespace spikesink
