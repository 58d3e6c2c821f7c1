#pragma once

#include <map>
#include <utility>

#include "spikesink/text/token_batches.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Data that a measurement stores for a batch from the first layer to the last. If weights are
/// streamed layer by layer, several batches are in progress at once.
template <typename T>
class PerBatch {
 public:
  void insert(const TokenBatch& batch, T value) { values_[&batch] = std::move(value); }
  T& at(const TokenBatch& batch) { return values_.at(&batch); }
  void erase(const TokenBatch& batch) { values_.erase(&batch); }
  void clear() { values_.clear(); }

 private:
  std::map<const TokenBatch*, T> values_;
};

}  // namespace spikesink
