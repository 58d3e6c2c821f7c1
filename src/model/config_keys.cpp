#include "model/config_keys.h"

#include <algorithm>

#include "model/architectures/known_keys.h"

namespace spikesink::detail {
namespace {

template <const JsonKind& kElement>
bool is_list_of(const nlohmann::json& value) {
  return value.is_array() && std::all_of(value.begin(), value.end(), kElement.includes);
}

}  // namespace

std::vector<int64_t> ConfigKeys::integers(std::string_view key) {
  return get(key, {is_list_of<kJsonInteger>, "a list of integers"}).get<std::vector<int64_t>>();
}

std::vector<double> ConfigKeys::numbers(std::string_view key) {
  return get(key, {is_list_of<kJsonNumber>, "a list of numbers"}).get<std::vector<double>>();
}

std::vector<std::string> ConfigKeys::texts(std::string_view key) {
  return get(key, {is_list_of<kJsonText>, "a list of strings"}).get<std::vector<std::string>>();
}

bool ConfigKeys::is_object(std::string_view key) const {
  return has(key) && value().find(key)->is_object();
}

ConfigKeys ConfigKeys::object(std::string_view key, std::string table) {
  static const auto empty = nlohmann::json::object();
  const auto* found = find(key);
  return {found == nullptr ? empty : *found, where(key), std::move(table),
          path_ + std::string(key) + ".", *ignored_};
}

void ConfigKeys::refuse_or_ignore_unread() {
  const auto known = keys_of(transformers_keys(), table_);
  for (const auto& key : unread()) {
    if (known.empty() || std::ranges::binary_search(known, key)) refuse_not_understood(key);
    add_ignored(key);
  }
}

}  // namespace spikesink::detail
