#include "interventions/json_object.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "spikesink/error.h"

namespace examples {

JsonObject::JsonObject(const Json& json, std::string location,
                       std::initializer_list<const char*> keys)
    : json_(json), location_(std::move(location)) {
  if (!json.is_object())
    throw spikesink::FileError(
        fmt::format("{}: got {}, expected an object", location_, json.dump()));
  for (const auto& [key, value] : json.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      throw spikesink::FileError(fmt::format("{}: got the key '{}', expected one of {}", location_,
                                             key, fmt::join(keys, ", ")));
  }
}

void JsonObject::refuse(const char* key, const std::string& expected) const {
  throw spikesink::FileError(fmt::format("{}: got {}, expected {}", location(key),
                                         has(key) ? json_.at(key).dump() : "nothing", expected));
}

bool JsonObject::equals(const char* key, const char* word) const {
  return has(key) && json_[key] == word;
}

std::string JsonObject::string(const char* key) const {
  if (!has(key) || !json_[key].is_string()) refuse(key, "a string");
  return json_[key].get<std::string>();
}

double JsonObject::number(const char* key) const {
  if (!has(key) || !json_[key].is_number()) refuse(key, "a number");
  return json_[key].get<double>();
}

std::vector<int64_t> JsonObject::integers(const char* key) const {
  const auto is_integer = [](const Json& value) { return value.is_number_integer(); };
  const auto& list = json_.at(key);
  if (!list.is_array() || !std::all_of(list.begin(), list.end(), is_integer))
    refuse(key, "a list of whole numbers");
  return list.get<std::vector<int64_t>>();
}

}  // namespace examples
