#include "spikesink/hooks/block.h"

#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

std::string Block::output_hook_name() const {
  return layer_hook_name(layer(), kind() == BlockKind::kAttention ? kAttnOut : kMlpOut);
}

}  // namespace spikesink
