#pragma once

#include <map>
#include <utility>

#include "spikesink/hooks/hook_registry.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Tensors by the hook point they were seen at. It keeps whole tensors: name only the points that
/// are wanted.
class ActivationCache {
 public:
  /// Records the points that `pattern` matches for the life of the scope; a later forward
  /// overwrites an earlier one. The cache must outlive the scope.
  HookScope record(HookRegistry& hooks, std::string_view pattern);

  /// The tensor seen at `name`; throws std::invalid_argument with the nearest names when none was.
  const torch::Tensor& operator[](std::string_view name) const;

  const std::map<std::string, torch::Tensor, std::less<>>& tensors() const& { return tensors_; }
  std::map<std::string, torch::Tensor, std::less<>> tensors() && { return std::move(tensors_); }

 private:
  std::map<std::string, torch::Tensor, std::less<>> tensors_;
};

}  // namespace spikesink
