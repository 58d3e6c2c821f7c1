#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

namespace spikesink::detail {

/// One object of a tokenizer's JSON, read key by key. A value of the wrong kind is a FormatError.
class JsonObject {
 public:
  /// `value` outlives the object; `where` is the file and the keys that lead to it.
  JsonObject(const nlohmann::json& value, std::string where);

  /// Nullptr when absent or null.
  const nlohmann::json* find(std::string_view key);
  const nlohmann::json& get(std::string_view key);

  std::string text(std::string_view key);
  /// As `text`, "" when absent or null.
  std::string text_or_empty(std::string_view key);
  bool flag(std::string_view key, bool absent);
  int64_t integer(std::string_view key);
  const nlohmann::json& array(std::string_view key);
  JsonObject object(std::string_view key);
  /// A string of one code point.
  std::string character(std::string_view key);
  /// Calls `visit` with each of an array's objects.
  template <typename Visit>
  void for_each_object(std::string_view key, Visit visit) {
    size_t number = 0;
    for (const auto& element : array(key)) {
      JsonObject inside(element, fmt::format("{}[{}]", where(key), number++));
      visit(inside);
    }
  }

  void ignore(std::initializer_list<std::string_view> keys);
  /// FormatError for a key that was neither asked for nor ignored and says something: whose value
  /// is not null, false or empty.
  void refuse_unread() const;
  /// FormatError that names this object's type.
  [[noreturn]] void refuse_type(std::string_view what, std::string_view known);

  const nlohmann::json& value() const { return value_; }
  const std::string& where() const { return where_; }
  std::string where(std::string_view key) const { return where_ + ", " + std::string(key); }

 private:
  const nlohmann::json& value_;
  std::string where_;
  std::set<std::string, std::less<>> read_;
};

/// The integer that `value` is; FormatError when it is none or does not fit.
int64_t json_integer(const nlohmann::json& value, std::string_view what, std::string_view where);
double json_number(const nlohmann::json& value, std::string_view what, std::string_view where);
/// The string that `value` is.
const std::string& json_text(const nlohmann::json& value, std::string_view what,
                             std::string_view where);

}  // namespace spikesink::detail
