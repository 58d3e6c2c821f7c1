#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

namespace examples {

using Json = nlohmann::json;

/// One object of a file of interventions. What is not understood is a spikesink::FormatError that
/// says where it stands.
class Fields {
 public:
  /// `where` names the object: "interventions.json[3].parts[0]".
  Fields(const Json& object, std::string where, std::initializer_list<const char*> allowed);

  bool has(const char* name) const { return object_.contains(name); }
  const Json& operator[](const char* name) const { return object_.at(name); }
  std::string text(const char* name) const;
  /// A list of whole numbers.
  std::vector<int64_t> numbers(const char* name) const;
  /// The number of {"key": number} in a field: `to.number("clamp")`.
  double number(const char* name) const;
  std::string where(const char* name) const { return where_ + "." + name; }

  [[noreturn]] void refuse(const char* name, const std::string& expected) const;

 private:
  const Json& object_;
  std::string where_;
};

}  // namespace examples
