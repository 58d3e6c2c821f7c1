#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "detail/strict_json.h"

namespace spikesink::detail {

/// An expected type of a JSON value.
struct JsonKind {
  bool (*includes)(const nlohmann::json&);
  const char* name;
};
inline constexpr JsonKind kJsonInteger{is_int64, "an integer of 64 bits"};
inline constexpr JsonKind kJsonNatural{[](const auto& v) { return is_int64(v) && v >= 0; },
                                       "an integer from 0 to 2^63 - 1"};
inline constexpr JsonKind kJsonNumber{[](const auto& v) { return v.is_number(); }, "a number"};
inline constexpr JsonKind kJsonFlag{[](const auto& v) { return v.is_boolean(); }, "true or false"};
inline constexpr JsonKind kJsonText{[](const auto& v) { return v.is_string(); }, "a string"};
inline constexpr JsonKind kJsonArray{[](const auto& v) { return v.is_array(); }, "an array"};
inline constexpr JsonKind kJsonObject{[](const auto& v) { return v.is_object(); }, "an object"};

/// True for null, false, 0, "", [] and {}: a value that Python takes for false.
bool is_neutral(const nlohmann::json& value);

/// Returns the value. Throws FileError if it has another type. The message starts with `caller`,
/// names the value by `what` and ends with `where` (the file and the path of keys).
const nlohmann::json& expect_kind(const nlohmann::json& value, const JsonKind& kind,
                                  std::string_view caller, std::string_view what,
                                  std::string_view where);

/// Reads a JSON object key by key and records which keys were read, so that unknown keys can be
/// rejected. Null counts as missing. Throws FileError for invalid values.
class JsonKeys {
 public:
  /// `object` must outlive this.
  JsonKeys(const nlohmann::json& object, const char* caller, std::string where);

  bool has(std::string_view key) const;
  /// Returns nullptr if the key is missing.
  const nlohmann::json* find(std::string_view key);

  int64_t integer(std::string_view key) { return get(key, kJsonInteger).get<int64_t>(); }
  int64_t integer(std::string_view key, int64_t absent) {
    return find(key) ? integer(key) : absent;
  }
  double number(std::string_view key) { return get(key, kJsonNumber).get<double>(); }
  double number(std::string_view key, double absent) { return find(key) ? number(key) : absent; }
  bool flag(std::string_view key, bool absent) {
    return find(key) ? get(key, kJsonFlag).get<bool>() : absent;
  }
  std::string text(std::string_view key) { return get(key, kJsonText).get<std::string>(); }
  std::string text(std::string_view key, const std::string& absent) {
    return find(key) ? text(key) : absent;
  }
  const nlohmann::json& array(std::string_view key) { return get(key, kJsonArray); }

  /// Marks keys as known; they do not change the result.
  void ignore(std::initializer_list<std::string_view> keys) {
    read_.insert(keys.begin(), keys.end());
  }
  /// Returns the keys that were neither read nor ignored and whose value is not neutral: null,
  /// false, 0, "", [] or {}.
  std::vector<std::string> unread() const;
  /// Throws FileError if `unread()` is not empty.
  void refuse_unread() const;
  /// Throws FileError for any key that was neither read nor ignored.
  void refuse_unknown() const;
  /// Throws FileError with the value of `key` and the expected value.
  [[noreturn]] void refuse(std::string_view key, std::string_view expected) const;

  const nlohmann::json& value() const { return *object_; }
  const std::string& where() const { return where_; }
  std::string where(std::string_view key) const { return where_ + ", " + std::string(key); }

 protected:
  const nlohmann::json& get(std::string_view key, const JsonKind& kind);
  [[noreturn]] void refuse_not_understood(std::string_view key) const;

 private:
  const nlohmann::json* object_;
  const char* caller_;
  std::string where_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace spikesink::detail
