#include "detail/json_keys.h"

#include <utility>

#include "detail/fail.h"

namespace spikesink::detail {
namespace {

// Long values, such as a vocabulary, are shown as their type only.
std::string shown(const nlohmann::json& value) {
  constexpr size_t kLongest = 100;
  auto text = value.dump();
  return text.size() > kLongest ? std::string("a JSON ") + value.type_name() : text;
}

}  // namespace

bool is_neutral(const nlohmann::json& value) {
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_number()) return value.get<double>() == 0;
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return value.empty();  // null and empty containers
}

const nlohmann::json& expect_kind(const nlohmann::json& value, const JsonKind& kind,
                                  std::string_view caller, std::string_view what,
                                  std::string_view where) {
  if (!kind.includes(value))
    fail_format("[{}] {} is of the wrong kind: got {}, expected {} ({})", caller, what,
                shown(value), kind.name, where);
  return value;
}

JsonKeys::JsonKeys(const nlohmann::json& object, const char* caller, std::string where)
    : object_(&expect_kind(object, kJsonObject, caller, "a value", where)),
      caller_(caller),
      where_(std::move(where)) {}

bool JsonKeys::has(std::string_view key) const {
  const auto found = object_->find(key);
  return found != object_->end() && !found->is_null();
}

const nlohmann::json* JsonKeys::find(std::string_view key) {
  read_.emplace(key);
  return has(key) ? &*object_->find(key) : nullptr;
}

const nlohmann::json& JsonKeys::get(std::string_view key, const JsonKind& kind) {
  const auto* found = find(key);
  if (found == nullptr)
    fail_format("[{}] the key '{}' is missing, expected {} ({})", caller_, key, kind.name, where_);
  return expect_kind(*found, kind, caller_, key, where_);
}

std::vector<std::string> JsonKeys::unread() const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object_->items()) {
    if (!read_.contains(key) && !is_neutral(value)) keys.push_back(key);
  }
  return keys;
}

void JsonKeys::refuse_unread() const {
  for (const auto& key : unread()) refuse_not_understood(key);
}

void JsonKeys::refuse_not_understood(std::string_view key) const {
  fail_format("[{}] the key '{}' is not understood: got {}, expected it absent or neutral ({})",
              caller_, key, shown(*object_->find(key)), where_);
}

void JsonKeys::refuse_unknown() const {
  for (const auto& [key, value] : object_->items()) {
    if (!read_.contains(key))
      fail_format("[{}] the key '{}' is not understood: got {}, expected it absent ({})", caller_,
                  key, shown(value), where_);
  }
}

void JsonKeys::refuse(std::string_view key, std::string_view expected) const {
  fail_format("[{}] {}: got {}, expected {} ({})", caller_, key,
              has(key) ? shown(*object_->find(key)) : "nothing", expected, where_);
}

}  // namespace spikesink::detail
