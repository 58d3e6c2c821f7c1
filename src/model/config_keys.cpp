#include "model/config_keys.h"

#include <algorithm>

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

template <typename Check>
bool is_list_of(const nlohmann::json& value, Check check) {
  return value.is_array() && std::all_of(value.begin(), value.end(), check);
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

std::vector<int64_t> ConfigKeys::integers(std::string_view key) {
  return value(
             key, [](const auto& v) { return is_list_of(v, is_int64); }, "a list of integers")
      .template get<std::vector<int64_t>>();
}

std::vector<double> ConfigKeys::numbers(std::string_view key) {
  return value(
             key,
             [](const auto& v) {
               return is_list_of(v, [](const auto& element) { return element.is_number(); });
             },
             "a list of numbers")
      .template get<std::vector<double>>();
}

std::vector<std::string> ConfigKeys::texts(std::string_view key) {
  return value(
             key,
             [](const auto& v) {
               return is_list_of(v, [](const auto& element) { return element.is_string(); });
             },
             "a list of strings")
      .template get<std::vector<std::string>>();
}

bool ConfigKeys::is_object(std::string_view key) const {
  return has(key) && object_.at(std::string(key)).is_object();
}

void ConfigKeys::refuse(std::string_view key, std::string_view expected) const {
  fail_format("[read_model_config] {}: got {}, expected {} ({})", key,
              has(key) ? object_.at(std::string(key)).dump() : "nothing", expected, where_);
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
