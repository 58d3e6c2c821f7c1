#pragma once

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

namespace [[gnu::visibility("default")]] spikesink {

/// A small sorted map, stored in one vector. Many small allocations in hooks, as of std::map, would
/// fragment the memory that the next layer reuses.
template <typename Key, typename Value>
class FlatMap {
 public:
  FlatMap() { items_.reserve(32); }

  Value& operator[](const Key& key) {
    const auto at =
        std::lower_bound(items_.begin(), items_.end(), key,
                         [](const auto& item, const Key& wanted) { return item.first < wanted; });
    if (at != items_.end() && at->first == key) return at->second;
    return items_.emplace(at, key, Value{})->second;
  }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  auto fields() { return std::tie(items_); }

 private:
  std::vector<std::pair<Key, Value>> items_;
};

}  // namespace spikesink
