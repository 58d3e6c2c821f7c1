#pragma once

#include <map>
#include <utility>

#include "spikesink/text/token_batches.h"

namespace [[gnu::visibility("default")]] spikesink {

/// What a measurement keeps of a batch from its first layer to its last. Where the model brings its
/// weights by layer, several are on their way at once.
template <typename T>
class PerBatch {
 public:
  void insert(const TokenBatch& batch, T value) { kept_[&batch] = std::move(value); }
  T& at(const TokenBatch& batch) { return kept_.at(&batch); }
  void erase(const TokenBatch& batch) { kept_.erase(&batch); }
  void clear() { kept_.clear(); }

 private:
  std::map<const TokenBatch*, T> kept_;
};

}  // namespace spikesink
