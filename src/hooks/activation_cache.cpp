#include "spikesink/hooks/activation_cache.h"

#include "detail/edit_distance.h"
#include "detail/fail.h"

namespace spikesink {

HookScope ActivationCache::record(HookRegistry& hooks, std::string_view pattern) {
  return hooks.add(pattern, [this](const torch::Tensor& value, const std::string& name) {
    tensors_[name] = value;
  });
}

const torch::Tensor& ActivationCache::operator[](std::string_view name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    std::vector<std::string> names;
    for (const auto& [known, tensor] : tensors_) names.push_back(known);
    detail::fail_argument(
        "[ActivationCache] nothing was recorded at '{}'; the nearest recorded points are {}", name,
        fmt::join(detail::nearest(name, names), ", "));
  }
  return found->second;
}

}  // namespace spikesink
