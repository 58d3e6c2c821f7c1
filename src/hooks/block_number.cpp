#include "spikesink/hooks/block_number.h"

#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

std::string Block::output_point() const {
  return in_block(layer(), kind() == BlockKind::kAttention ? kAttnOut : kMlpOut);
}

}  // namespace spikesink
