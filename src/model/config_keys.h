#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "detail/json_keys.h"

namespace spikesink::detail {

/// Reads an object of a model's `config.json`, key by key.
class ConfigKeys : public JsonKeys {
 public:
  /// `table` is a name of transformers_keys(). Ignored keys are appended to `ignored`,
  /// which must outlive this.
  ConfigKeys(const nlohmann::json& object, std::string where, std::string table,
             std::vector<std::string>& ignored)
      : ConfigKeys(object, std::move(where), std::move(table), "", ignored) {}

  std::vector<int64_t> integers(std::string_view key);
  std::vector<double> numbers(std::string_view key);
  std::vector<std::string> texts(std::string_view key);
  bool is_object(std::string_view key) const;
  /// Returns an empty object when the key is absent. `table`: as in the constructor.
  ConfigKeys object(std::string_view key, std::string table);

  /// Throws FileError unless `key` is absent or has this value, the only supported one.
  template <typename T>
  void expect(std::string_view key, const T& only) {
    const auto* found = find(key);
    if (found != nullptr && *found != nlohmann::json(only))
      refuse(key, nlohmann::json(only).dump());
  }

  /// Ignores a key. Unless its value is `neutral`, the key is added to the list of ignored keys.
  template <typename T>
  void ignore_unless(std::string_view key, const T& neutral) {
    const auto* found = find(key);
    if (found != nullptr && *found != nlohmann::json(neutral)) add_ignored(key);
  }
  /// Throws FileError for a key of `unread()` that transformers reads. Ignores the others, which
  /// cannot have changed the model.
  void refuse_or_ignore_unread();

 private:
  ConfigKeys(const nlohmann::json& object, std::string where, std::string table, std::string path,
             std::vector<std::string>& ignored)
      : JsonKeys(object, "read_model_config", std::move(where)),
        table_(std::move(table)),
        path_(std::move(path)),
        ignored_(&ignored) {}

  void add_ignored(std::string_view key) { ignored_->push_back(path_ + std::string(key)); }

  std::string table_, path_;  // path: "text_config."
  std::vector<std::string>* ignored_;
};

}  // namespace spikesink::detail
