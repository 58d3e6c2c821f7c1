#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "detail/json_keys.h"

namespace spikesink::detail {

/// Reads an object of a model's `config.json`, key by key.
class ConfigKeys : public JsonKeys {
 public:
  ConfigKeys(const nlohmann::json& object, std::string where)
      : JsonKeys(object, "read_model_config", std::move(where)) {}

  std::vector<int64_t> integers(std::string_view key);
  std::vector<double> numbers(std::string_view key);
  std::vector<std::string> texts(std::string_view key);
  bool is_object(std::string_view key) const;
  /// Returns an empty object when the key is absent.
  ConfigKeys object(std::string_view key);

  /// Throws FileError unless `key` is absent or has this value, the only supported one.
  template <typename T>
  void expect(std::string_view key, const T& only) {
    const auto* found = find(key);
    if (found != nullptr && *found != nlohmann::json(only))
      refuse(key, nlohmann::json(only).dump());
  }
};

}  // namespace spikesink::detail
