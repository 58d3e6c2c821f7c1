#pragma once

#include <algorithm>
#include <vector>

namespace spikesink::detail {

/// Sorts by key, largest first. Items with equal keys keep their order.
template <typename T, typename Key>
void sort_by(std::vector<T>& items, Key key) {
  std::stable_sort(items.begin(), items.end(),
                   [&](const T& a, const T& b) { return key(a) > key(b); });
}

}  // namespace spikesink::detail
