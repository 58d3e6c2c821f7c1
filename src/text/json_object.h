#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "detail/json_keys.h"

namespace spikesink::detail {

/// An object in a tokenizer's JSON file.
class JsonObject : public JsonKeys {
 public:
  JsonObject(const nlohmann::json& value, std::string where)
      : JsonKeys(value, "load_tokenizer", std::move(where)) {}

  JsonObject object(std::string_view key) { return {get(key, kJsonObject), where(key)}; }
  /// Returns a string of one code point.
  std::string character(std::string_view key);
  /// Calls `visit` with each object of an array.
  template <typename Visit>
  void for_each_object(std::string_view key, Visit visit) {
    size_t number = 0;
    for (const auto& element : array(key)) {
      JsonObject inside(element, fmt::format("{}[{}]", where(key), number++));
      visit(inside);
    }
  }
  /// Throws FileError with the type of this object.
  [[noreturn]] void refuse_type(std::string_view what, std::string_view known);
};

/// Convert a JSON value that is not a member of an object. Throw FileError for another type;
/// `what` and `where` are for the message.
inline int64_t json_integer(const nlohmann::json& value, std::string_view what,
                            std::string_view where) {
  return expect_kind(value, kJsonInteger, "load_tokenizer", what, where).get<int64_t>();
}
inline double json_number(const nlohmann::json& value, std::string_view what,
                          std::string_view where) {
  return expect_kind(value, kJsonNumber, "load_tokenizer", what, where).get<double>();
}
inline const std::string& json_text(const nlohmann::json& value, std::string_view what,
                                    std::string_view where) {
  return expect_kind(value, kJsonText, "load_tokenizer", what, where).get_ref<const std::string&>();
}

}  // namespace spikesink::detail
