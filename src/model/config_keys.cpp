#include "model/config_keys.h"

#include "detail/fail.h"
#include "detail/strict_json.h"

namespace spikesink::detail {
namespace {

bool is_neutral(const nlohmann::json& value) {
  if (value.is_null()) return true;
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_number()) return value.get<double>() == 0;
  return value.empty() || (value.is_string() && value.get_ref<const std::string&>().empty());
}

}  // namespace

ConfigKeys::ConfigKeys(const nlohmann::json& object, std::string where)
    : object_(object), where_(std::move(where)) {
  if (!object_.is_object())
    fail_format("[read_model_config] got a JSON {}, expected an object ({})", object_.type_name(),
                where_);
}

bool ConfigKeys::has(std::string_view key) const {
  const auto found = object_.find(std::string(key));
  return found != object_.end() && !found->is_null();
}

const nlohmann::json& ConfigKeys::value(std::string_view key,
                                        bool right_kind(const nlohmann::json&), const char* kind) {
  note(key);
  if (!has(key))
    fail_format("[read_model_config] the key '{}' is missing, expected {} ({})", key, kind, where_);
  const auto& found = object_.at(std::string(key));
  if (!right_kind(found))
    fail_format("[read_model_config] {}: got {}, expected {} ({})", key, found.dump(), kind,
                where_);
  return found;
}

int64_t ConfigKeys::integer(std::string_view key) {
  return value(key, is_int64, "an integer of 64 bits").get<int64_t>();
}

double ConfigKeys::number(std::string_view key) {
  return value(
             key, [](const auto& v) { return v.is_number(); }, "a number")
      .template get<double>();
}

bool ConfigKeys::flag(std::string_view key, bool absent) {
  note(key);
  if (!has(key)) return absent;
  return value(
             key, [](const auto& v) { return v.is_boolean(); }, "true or false")
      .template get<bool>();
}

std::string ConfigKeys::text(std::string_view key) {
  return value(
             key, [](const auto& v) { return v.is_string(); }, "a string")
      .template get<std::string>();
}

ConfigKeys ConfigKeys::object(std::string_view key) {
  note(key);
  const auto inside = where_ + ", " + std::string(key);
  return has(key) ? ConfigKeys(object_.at(std::string(key)), inside)
                  : ConfigKeys(nlohmann::json::object(), inside);
}

void ConfigKeys::ignore(std::initializer_list<std::string_view> keys) {
  for (const auto key : keys) note(key);
}

void ConfigKeys::refuse_unread() const {
  for (const auto& [key, value] : object_.items()) {
    if (!read_.contains(key) && !is_neutral(value)) {
      fail_format(
          "[read_model_config] the key '{}' is not understood: got {}, expected it absent or "
          "neutral ({})",
          key, value.dump(), where_);
    }
  }
}

}  // namespace spikesink::detail
