#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "spikesink/hooks/activation_cache.h"
#include "spikesink/intervene/edit_channels.h"

namespace [[gnu::visibility("default")]] spikesink {

/// What a head gives is replaced by what it gave in another pass over as many tokens, as
/// run_with_cache keeps it of the layers' "attn.hook_z".
struct PatchFrom {
  ActivationCache cache;
};
/// Scale{0} removes a head.
using HeadEdit = std::variant<Scale, PatchFrom>;

/// Changes what query heads give to the output projection.
class EditHeads : public Intervention {
 public:
  EditHeads(std::optional<std::vector<HeadIndex>> heads, const HeadEdit& edit)
      : heads_(std::move(heads)), edit_(edit) {}

  /// Two edits of one head contradict each other. A patch of another shape throws in the pass.
  HookScope attach(Transformer& model) const override;

 private:
  std::optional<std::vector<HeadIndex>> heads_;  // none: all
  HeadEdit edit_;
};

}  // namespace spikesink
