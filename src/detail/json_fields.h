#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "detail/json_keys.h"

// Reads and writes structs as JSON objects. One function per struct passes each field with its name
// to a visitor:
//
//   template <typename Visitor>
//   void visit_fields(Visitor& visit, Thing& thing) { visit("length", thing.length); ... }
//
// An enumeration needs `to_string` and its number of values, which count from 0.

namespace spikesink::detail {

template <typename E>
inline constexpr int kValuesOf = 0;

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};
template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};

/// Reads a struct from a JSON object. Fields that are missing in the object keep their values.
/// Throws FileError for an unknown key.
class FieldReader {
 public:
  FieldReader(const nlohmann::json& object, const char* caller, std::string where)
      : keys_(object, caller, std::move(where)), caller_(caller) {}

  template <typename T>
  void read(T& value) {
    visit_fields(*this, value);
    keys_.refuse_unknown();
  }

  template <typename T>
  void operator()(const char* name, T& value) {
    if (const auto* found = keys_.find(name)) set(*found, name, keys_.where(name), value);
  }

 private:
  template <typename T>
  void set(const nlohmann::json& json, const char* name, const std::string& where, T& value) {
    const auto as = [&](const JsonKind& kind) -> const nlohmann::json& {
      return expect_kind(json, kind, caller_, name, where);
    };
    if constexpr (std::is_same_v<T, bool>) {
      value = as(kJsonFlag).template get<bool>();
    } else if constexpr (std::is_integral_v<T>) {
      value = as(std::is_unsigned_v<T> ? kJsonNatural : kJsonInteger).template get<T>();
    } else if constexpr (std::is_floating_point_v<T>) {
      value = as(kJsonNumber).template get<T>();
    } else if constexpr (std::is_same_v<T, std::string>) {
      value = as(kJsonText).template get<std::string>();
    } else if constexpr (std::is_enum_v<T>) {
      value = enum_value(as(kJsonText).template get<std::string>(), name, T{});
    } else if constexpr (IsOptional<T>::value) {
      if (json.is_null())
        value.reset();
      else
        set(json, name, where, value.emplace());
    } else if constexpr (IsVector<T>::value) {
      value.clear();
      for (const auto& entry : as(kJsonArray)) set(entry, name, where, value.emplace_back());
    } else {
      FieldReader(json, caller_, where).read(value);
    }
  }

  template <typename E>
  E enum_value(const std::string& text, const char* name, E) {
    std::string known;
    for (int index = 0; index < kValuesOf<E>; ++index) {
      const auto* one = to_string(static_cast<E>(index));
      if (text == one) return static_cast<E>(index);
      known += (index > 0 ? ", " : "") + std::string(one);
    }
    keys_.refuse(name, "one of " + known);
  }

  JsonKeys keys_;
  const char* caller_;
};

/// Writes all fields of a struct, in the order of `visit_fields`.
class FieldWriter {
 public:
  template <typename T>
  static nlohmann::ordered_json write(const T& value) {
    FieldWriter writer;
    auto copy = value;
    visit_fields(writer, copy);
    return writer.json_;
  }

  template <typename T>
  void operator()(const char* name, const T& value) {
    json_[name] = of(value);
  }

 private:
  template <typename T>
  static nlohmann::ordered_json of(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      return to_string(value);
    } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
      return value;
    } else if constexpr (IsOptional<T>::value) {
      return value ? of(*value) : nlohmann::ordered_json();
    } else if constexpr (IsVector<T>::value) {
      auto list = nlohmann::ordered_json::array();
      for (const auto& entry : value) list.push_back(of(entry));
      return list;
    } else {
      return write(value);
    }
  }

  nlohmann::ordered_json json_ = nlohmann::ordered_json::object();
};

}  // namespace spikesink::detail
