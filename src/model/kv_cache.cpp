#include "spikesink/model/kv_cache.h"

#include "detail/fail.h"

namespace spikesink {

int64_t KvCache::length() const {
  return layers_.empty() ? 0 : layers_.front().first.size(1);
}

int64_t KvCache::bytes() const {
  int64_t bytes = 0;
  for (const auto& [keys, values] : layers_)
    bytes += static_cast<int64_t>(keys.nbytes() + values.nbytes());
  return bytes;
}

void KvCache::keep_only(const std::vector<int64_t>& indices) {
  int64_t previous = -1;
  for (const int64_t index : indices) {
    if (index <= previous || index >= length()) {
      detail::fail_argument(
          "[KvCache] keep_only: got index {} after {}, expected ascending indices below {}", index,
          previous, length());
    }
    previous = index;
  }
  if (static_cast<int64_t>(indices.size()) == length()) return;
  const auto index = torch::tensor(indices, torch::kLong);
  for (auto& [keys, values] : layers_) {
    keys = keys.index_select(1, index.to(keys.device()));
    values = values.index_select(1, index.to(values.device()));
  }
}

void KvCache::append(int64_t layer, torch::Tensor& keys, torch::Tensor& values) {
  if (layer >= static_cast<int64_t>(layers_.size())) layers_.resize(layer + 1);
  auto& [cached_keys, cached_values] = layers_[layer];
  if (cached_keys.defined()) {
    keys = at::cat({cached_keys, keys}, 1);
    values = at::cat({cached_values, values}, 1);
  }
  cached_keys = keys;
  cached_values = values;
}

}  // namespace spikesink
