#include "interventions/fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "spikesink/error.h"

namespace examples {

Fields::Fields(const Json& object, std::string where, std::initializer_list<const char*> allowed)
    : object_(object), where_(std::move(where)) {
  if (!object.is_object())
    throw spikesink::FormatError(
        fmt::format("{}: got {}, expected an object", where_, object.dump()));
  for (const auto& [key, value] : object.items()) {
    if (std::find(allowed.begin(), allowed.end(), key) == allowed.end())
      throw spikesink::FormatError(fmt::format("{}: got the key '{}', expected one of {}", where_,
                                               key, fmt::join(allowed, ", ")));
  }
}

void Fields::refuse(const char* name, const std::string& expected) const {
  throw spikesink::FormatError(fmt::format("{}: got {}, expected {}", where(name),
                                           has(name) ? object_.at(name).dump() : "nothing",
                                           expected));
}

std::string Fields::text(const char* name) const {
  if (!has(name) || !object_[name].is_string()) refuse(name, "a word");
  return object_[name].get<std::string>();
}

std::vector<int64_t> Fields::numbers(const char* name) const {
  const auto& list = object_.at(name);
  const auto whole = [](const Json& value) { return value.is_number_integer(); };
  if (!list.is_array() || !std::all_of(list.begin(), list.end(), whole))
    refuse(name, "a list of whole numbers");
  return list.get<std::vector<int64_t>>();
}

double Fields::number(const char* name) const {
  if (!has(name) || !object_[name].is_number()) refuse(name, "a number");
  return object_[name].get<double>();
}

}  // namespace examples
