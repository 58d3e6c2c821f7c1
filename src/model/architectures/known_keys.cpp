#include "model/architectures/known_keys.h"

#include <algorithm>

namespace spikesink::detail {

std::span<const std::string_view> keys_of(std::span<const KeyTable> tables, std::string_view name) {
  const auto found = std::ranges::find(tables, name, &KeyTable::name);
  return found == tables.end() ? std::span<const std::string_view>{} : found->keys;
}

}  // namespace spikesink::detail
