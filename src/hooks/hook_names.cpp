#include "spikesink/hooks/hook_names.h"

#include <fmt/format.h>

namespace spikesink::hook_names {

std::string layer_hook_name(int64_t layer, std::string_view point) {
  return fmt::format("blocks.{}.{}", layer, point);
}

}  // namespace spikesink::hook_names
