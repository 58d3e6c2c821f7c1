#include "text/json_object.h"

#include <utility>

#include "detail/fail.h"
#include "detail/strict_json.h"
#include "text/utf8.h"

namespace spikesink::detail {
namespace {

[[noreturn]] void refuse_kind(std::string_view what, const nlohmann::json& value,
                              std::string_view expected, std::string_view where) {
  fail_format("[load_tokenizer] {} is of the wrong kind: got a JSON {}, expected {} ({})", what,
              value.type_name(), expected, where);
}

bool says_nothing(const nlohmann::json& value) {
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return value.empty();  // null and empty containers; numbers are never empty
}

}  // namespace

int64_t json_integer(const nlohmann::json& value, std::string_view what, std::string_view where) {
  if (!value.is_number_integer()) refuse_kind(what, value, "an integer", where);
  if (!is_int64(value))
    fail_format("[load_tokenizer] {} is too large: got {} ({})", what, value.dump(), where);
  return value.get<int64_t>();
}

double json_number(const nlohmann::json& value, std::string_view what, std::string_view where) {
  if (!value.is_number()) refuse_kind(what, value, "a number", where);
  return value.get<double>();
}

const std::string& json_text(const nlohmann::json& value, std::string_view what,
                             std::string_view where) {
  if (!value.is_string()) refuse_kind(what, value, "a string", where);
  return value.get_ref<const std::string&>();
}

JsonObject::JsonObject(const nlohmann::json& value, std::string where)
    : value_(value), where_(std::move(where)) {
  if (!value.is_object()) refuse_kind("a value", value, "an object", where_);
}

const nlohmann::json* JsonObject::find(std::string_view key) {
  read_.emplace(key);
  const auto found = value_.find(key);
  return found == value_.end() || found->is_null() ? nullptr : &*found;
}

const nlohmann::json& JsonObject::get(std::string_view key) {
  const auto* found = find(key);
  if (found == nullptr) fail_format("[load_tokenizer] the key '{}' is missing ({})", key, where_);
  return *found;
}

std::string JsonObject::text(std::string_view key) {
  return json_text(get(key), key, where_);
}

std::string JsonObject::text_or_empty(std::string_view key) {
  const auto* found = find(key);
  return found == nullptr ? "" : json_text(*found, key, where_);
}

bool JsonObject::flag(std::string_view key, bool absent) {
  const auto* found = find(key);
  if (found == nullptr) return absent;
  if (!found->is_boolean()) refuse_kind(key, *found, "true or false", where_);
  return found->get<bool>();
}

int64_t JsonObject::integer(std::string_view key) {
  return json_integer(get(key), key, where_);
}

const nlohmann::json& JsonObject::array(std::string_view key) {
  const auto& found = get(key);
  if (!found.is_array()) refuse_kind(key, found, "an array", where_);
  return found;
}

JsonObject JsonObject::object(std::string_view key) {
  return {get(key), where(key)};
}

std::string JsonObject::character(std::string_view key) {
  const std::string result = text(key);
  if (count_code_points(result) != 1)
    fail_format("[load_tokenizer] {} is not one character: got '{}' ({})", key, result, where_);
  return result;
}

void JsonObject::ignore(std::initializer_list<std::string_view> keys) {
  for (const auto key : keys) read_.emplace(key);
}

void JsonObject::refuse_unread() const {
  for (const auto& [key, value] : value_.items()) {
    if (!read_.contains(key) && !says_nothing(value))
      fail_format("[load_tokenizer] the key '{}' is not understood ({})", key, where_);
  }
}

void JsonObject::refuse_type(std::string_view what, std::string_view known) {
  fail_format("[load_tokenizer] {} is not understood: got type '{}', expected {} ({})", what,
              text("type"), known, where_);
}

}  // namespace spikesink::detail
