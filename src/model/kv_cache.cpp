#include "spikesink/model/kv_cache.h"

#include <algorithm>

#include "detail/fail.h"

namespace spikesink {

// Without attention, nothing is ever removed.
int64_t KvCache::length() const {
  const auto with_keys = std::find_if(layers_.begin(), layers_.end(),
                                      [](const Layer& layer) { return layer.keys.defined(); });
  return with_keys == layers_.end() ? appended_tokens_ : with_keys->keys.size(1);
}

int64_t KvCache::bytes() const {
  int64_t bytes = 0;
  for (const auto& [keys, values, recurrent] : layers_) {
    for (const auto* tensor : {&keys, &values, &recurrent.matrix, &recurrent.inputs})
      bytes += tensor->defined() ? static_cast<int64_t>(tensor->nbytes()) : 0;
  }
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
  for (auto& layer : layers_) {
    if (!layer.keys.defined()) continue;
    layer.keys = layer.keys.index_select(1, index.to(layer.keys.device()));
    layer.values = layer.values.index_select(1, index.to(layer.values.device()));
  }
}

void KvCache::append(int64_t number, torch::Tensor& keys, torch::Tensor& values) {
  auto& cached = layer(number);
  if (cached.keys.defined()) {
    keys = at::cat({cached.keys, keys}, 1);
    values = at::cat({cached.values, values}, 1);
  }
  cached.keys = keys;
  cached.values = values;
}

RecurrentState& KvCache::recurrent_state(int64_t number) {
  return layer(number).recurrent;
}

KvCache::Layer& KvCache::layer(int64_t number) {
  if (number >= static_cast<int64_t>(layers_.size())) layers_.resize(number + 1);
  return layers_[number];
}

}  // namespace spikesink
