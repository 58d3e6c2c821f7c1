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

// What a measurement has in its fields as bytes, and back. A measurement's own file instantiates
// `Mergeable` of it.

namespace spikesink::detail {

struct StateWriter {
  static constexpr bool kReads = false;
  std::string bytes;

  void raw(const void* data, size_t size) { bytes.append(static_cast<const char*>(data), size); }
};

struct StateReader {
  static constexpr bool kReads = true;
  std::string_view bytes;

  void raw(void* data, size_t size) {
    if (size > bytes.size())
      throw std::invalid_argument("[Measurement] the state is cut off: it is another kind's");
    std::memcpy(data, bytes.data(), size);
    bytes.remove_prefix(size);
  }
};

template <typename T>
concept HasFields = requires(T& value) {
  value.fields();
};

template <typename Archive, typename T>
void pass(Archive& archive, T& value);

template <typename Archive, typename A, typename B>
void pass(Archive& archive, std::pair<A, B>& value) {
  pass(archive, value.first);
  pass(archive, value.second);
}

template <typename Archive, typename T, size_t N>
void pass(Archive& archive, std::array<T, N>& values) {
  for (auto& value : values) pass(archive, value);
}

template <typename Archive, typename T>
void pass_items(Archive& archive, T& items) {
  auto count = items.size();
  archive.raw(&count, sizeof count);
  if constexpr (Archive::kReads && std::is_default_constructible_v<typename T::value_type>)
    items.resize(count);
  if (items.size() != count)
    throw std::invalid_argument("[Measurement] the state is that of another model");
  for (auto& item : items) pass(archive, item);
}

template <typename Archive, typename T>
void pass(Archive& archive, std::vector<T>& items) {
  pass_items(archive, items);
}

template <typename Archive>
void pass(Archive& archive, std::string& text) {
  pass_items(archive, text);
}

template <typename Archive, typename Key, typename Value>
void pass(Archive& archive, std::map<Key, Value>& items) {
  std::vector<std::pair<Key, Value>> list(items.begin(), items.end());
  pass(archive, list);
  if constexpr (Archive::kReads) items = {list.begin(), list.end()};
}

template <typename Archive, typename T>
void pass(Archive& archive, std::optional<T>& value) {
  bool has = value.has_value();
  archive.raw(&has, sizeof has);
  if constexpr (Archive::kReads) value = has ? std::optional<T>(T{}) : std::nullopt;
  if (has) pass(archive, *value);
}

template <typename Archive>
void pass(Archive& archive, torch::Tensor& tensor) {
  auto dtype = tensor.defined() ? tensor.scalar_type() : torch::ScalarType::Undefined;
  pass(archive, dtype);
  auto shape = tensor.defined() ? tensor.sizes().vec() : std::vector<int64_t>();
  pass(archive, shape);
  if constexpr (Archive::kReads)
    tensor = dtype == torch::ScalarType::Undefined ? torch::Tensor() : at::empty(shape, dtype);
  if (!tensor.defined()) return;
  const auto values = tensor.contiguous();
  archive.raw(values.data_ptr(), values.nbytes());
}

template <typename Archive, typename T>
void pass(Archive& archive, T& value) {
  if constexpr (HasFields<T>) {
    std::apply([&](auto&... fields) { (pass(archive, fields), ...); }, value.fields());
  } else {
    static_assert(std::is_trivially_copyable_v<T>, "tie its parts in fields()");
    archive.raw(&value, sizeof value);
  }
}

}  // namespace spikesink::detail

namespace spikesink {

template <typename Self>
std::string Mergeable<Self>::state() const {
  detail::StateWriter writer;
  std::apply([&](auto&... fields) { (detail::pass(writer, fields), ...); },
             const_cast<Mergeable&>(*this).self().fields());
  return std::move(writer.bytes);
}

template <typename Self>
void Mergeable<Self>::set_state(std::string_view bytes) {
  detail::StateReader reader{bytes};
  std::apply([&](auto&... fields) { (detail::pass(reader, fields), ...); }, self().fields());
  if (!reader.bytes.empty())
    throw std::invalid_argument("[Measurement] bytes follow the state: it is another kind's");
}

template <typename Self>
void Mergeable<Self>::merge_state(std::string_view bytes) {
  auto other = self();
  other.set_state(bytes);
  self().merge(other);
}

}  // namespace spikesink
