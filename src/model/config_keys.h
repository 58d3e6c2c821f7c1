#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace spikesink::detail {

/// Reads a JSON object key by key and remembers which were asked for, so that what nobody
/// understood can be refused.
class ConfigKeys {
 public:
  /// `where` names the object in messages: a path, or a path and a key.
  ConfigKeys(const nlohmann::json& object, std::string where);

  /// Null counts as absent.
  bool has(std::string_view key) const;
  int64_t integer(std::string_view key);
  int64_t integer(std::string_view key, int64_t absent) {
    return has(key) ? integer(key) : (note(key), absent);
  }
  double number(std::string_view key);
  double number(std::string_view key, double absent) {
    return has(key) ? number(key) : (note(key), absent);
  }
  bool flag(std::string_view key, bool absent);
  std::string text(std::string_view key);
  std::string text(std::string_view key, std::string absent) {
    return has(key) ? text(key) : (note(key), absent);
  }
  std::vector<int64_t> integers(std::string_view key);
  std::vector<double> numbers(std::string_view key);
  std::vector<std::string> texts(std::string_view key);
  /// Whether the value is an object.
  bool is_object(std::string_view key) const;
  /// An object, or an empty one when absent.
  ConfigKeys object(std::string_view key);

  /// These keys do not change what an evaluated model computes.
  void ignore(std::initializer_list<std::string_view> keys);
  /// Throws FormatError for a key that was neither read nor ignored, unless its value is neutral
  /// (null, false, 0, "", [] or {}).
  void refuse_unread() const;

  /// Throws FormatError unless `key` is absent or has this value, the only one understood.
  template <typename T>
  void expect(std::string_view key, const T& only) {
    note(key);
    if (has(key) && object_.at(std::string(key)) != nlohmann::json(only))
      refuse(key, nlohmann::json(only).dump());
  }
  /// Throws FormatError that says what `key` is and what was expected.
  [[noreturn]] void refuse(std::string_view key, std::string_view expected) const;

  const std::string& where() const { return where_; }

 private:
  void note(std::string_view key) { read_.emplace(key); }
  const nlohmann::json& value(std::string_view key, bool right_kind(const nlohmann::json&),
                              const char* kind);

  nlohmann::json object_;
  std::string where_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace spikesink::detail
