#pragma once

#include <map>
#include <utility>

#include "spikesink/hooks/hook_registry.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Stores the tensors of hook points by name. It stores whole tensors: record only the points you
/// need.
class ActivationCache {
 public:
  /// Records the points that match `pattern` until the returned scope is destroyed. A later forward
  /// pass overwrites an earlier one. The cache must outlive the scope.
  HookScope record(HookRegistry& hooks, std::string_view pattern);

  /// Returns the tensor recorded at `name`. Throws std::invalid_argument with the most similar
  /// names if there is none.
  const torch::Tensor& operator[](std::string_view name) const;

  const std::map<std::string, torch::Tensor, std::less<>>& tensors() const& { return tensors_; }
  std::map<std::string, torch::Tensor, std::less<>> tensors() && { return std::move(tensors_); }

 private:
  std::map<std::string, torch::Tensor, std::less<>> tensors_;
};

}  // namespace spikesink
