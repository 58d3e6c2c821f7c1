#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace examples {

using Json = nlohmann::json;

/// Reads a JSON object of a file of interventions. An unknown key or a value of another type throws
/// spikesink::FileError with its location in the file.
class JsonObject {
 public:
  /// `location` is that of the object, such as "interventions.json[3].parts[0]".
  JsonObject(const Json& json, std::string location, std::initializer_list<const char*> keys);

  bool has(const char* key) const { return json_.contains(key); }
  const Json& operator[](const char* key) const { return json_.at(key); }
  /// Whether the key exists and has this string as its value.
  bool equals(const char* key, const char* word) const;
  std::string string(const char* key) const;
  double number(const char* key) const;
  std::vector<int64_t> integers(const char* key) const;
  std::string location(const char* key) const { return location_ + "." + key; }

  /// Throws spikesink::FileError: got the value of `key`, expected `expected`.
  [[noreturn]] void refuse(const char* key, const std::string& expected) const;

 private:
  const Json& json_;
  std::string location_;
};

}  // namespace examples
