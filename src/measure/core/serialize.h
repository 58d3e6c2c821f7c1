#pragma once

#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "spikesink/measure/core/mergeable.h"

// Converts the fields of a measurement to bytes and back. The source file of each measurement
// instantiates `Mergeable` for it.

namespace spikesink::detail {

struct StateWriter {
  static constexpr bool kReads = false;
  std::string bytes;

  void copy(const void* data, size_t size) { bytes.append(static_cast<const char*>(data), size); }
};

struct StateReader {
  static constexpr bool kReads = true;
  std::string_view bytes;

  void copy(void* data, size_t size) {
    if (size > bytes.size())
      throw std::invalid_argument(
          "[Measurement] the bytes end too early: got a state of another measurement type");
    std::memcpy(data, bytes.data(), size);
    bytes.remove_prefix(size);
  }
};

template <typename T>
concept HasFields = requires(T& value) {
  value.fields();
};

template <typename Archive, typename T>
void serialize(Archive& archive, T& value);

template <typename Archive, typename A, typename B>
void serialize(Archive& archive, std::pair<A, B>& value) {
  serialize(archive, value.first);
  serialize(archive, value.second);
}

template <typename Archive, typename T, size_t N>
void serialize(Archive& archive, std::array<T, N>& values) {
  for (auto& value : values) serialize(archive, value);
}

template <typename Archive, typename T>
void serialize_items(Archive& archive, T& items) {
  auto count = items.size();
  archive.copy(&count, sizeof count);
  if constexpr (Archive::kReads && std::is_default_constructible_v<typename T::value_type>)
    items.resize(count);
  if (items.size() != count)
    throw std::invalid_argument("[Measurement] the sizes differ: got a state of another model");
  for (auto& item : items) serialize(archive, item);
}

template <typename Archive, typename T>
void serialize(Archive& archive, std::vector<T>& items) {
  serialize_items(archive, items);
}

template <typename Archive>
void serialize(Archive& archive, std::string& text) {
  serialize_items(archive, text);
}

template <typename Archive, typename Key, typename Value>
void serialize(Archive& archive, std::map<Key, Value>& items) {
  std::vector<std::pair<Key, Value>> list(items.begin(), items.end());
  serialize(archive, list);
  if constexpr (Archive::kReads) items = {list.begin(), list.end()};
}

template <typename Archive, typename T>
void serialize(Archive& archive, std::optional<T>& value) {
  bool has = value.has_value();
  archive.copy(&has, sizeof has);
  if constexpr (Archive::kReads) value = has ? std::optional<T>(T{}) : std::nullopt;
  if (has) serialize(archive, *value);
}

template <typename Archive>
void serialize(Archive& archive, torch::Tensor& tensor) {
  auto dtype = tensor.defined() ? tensor.scalar_type() : torch::ScalarType::Undefined;
  serialize(archive, dtype);
  auto shape = tensor.defined() ? tensor.sizes().vec() : std::vector<int64_t>();
  serialize(archive, shape);
  if constexpr (Archive::kReads)
    tensor = dtype == torch::ScalarType::Undefined ? torch::Tensor() : at::empty(shape, dtype);
  if (!tensor.defined()) return;
  const auto values = tensor.contiguous();
  archive.copy(values.data_ptr(), values.nbytes());
}

template <typename Archive, typename T>
void serialize(Archive& archive, T& value) {
  if constexpr (HasFields<T>) {
    std::apply([&](auto&... fields) { (serialize(archive, fields), ...); }, value.fields());
  } else {
    static_assert(std::is_trivially_copyable_v<T>, "tie its members in fields()");
    archive.copy(&value, sizeof value);
  }
}

}  // namespace spikesink::detail

namespace spikesink {

template <typename Self>
std::string Mergeable<Self>::serialize() const {
  detail::StateWriter writer;
  std::apply([&](auto&... fields) { (detail::serialize(writer, fields), ...); },
             const_cast<Mergeable&>(*this).self().fields());
  return std::move(writer.bytes);
}

template <typename Self>
void Mergeable<Self>::deserialize(std::string_view bytes) {
  detail::StateReader reader{bytes};
  std::apply([&](auto&... fields) { (detail::serialize(reader, fields), ...); }, self().fields());
  if (!reader.bytes.empty())
    throw std::invalid_argument(
        "[Measurement] bytes are left over: got a state of another measurement type");
}

template <typename Self>
void Mergeable<Self>::merge_serialized(std::string_view bytes) {
  auto other = self();
  other.deserialize(bytes);
  self().merge(other);
}

}  // namespace spikesink
