#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weights/zip_bytes.h"

/// The opcodes of a pickle, for tests.
namespace pickled {

inline std::string text(std::string_view value) {
  return "X" + u32(value.size()) + std::string(value);
}

/// As the shortest opcode of three.
inline std::string integer(int64_t value) {
  if (value >= INT32_MIN && value <= INT32_MAX)
    return "J" + number_bytes(static_cast<int32_t>(value));
  return "\x8a\x08" + number_bytes(value);
}

inline std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}

inline std::string tuple(const std::vector<std::string>& items) {
  std::string bytes = "(";
  for (const auto& item : items) bytes += item;
  return bytes + "t";
}

inline std::string integers(const std::vector<int64_t>& values) {
  std::vector<std::string> items;
  for (const int64_t value : values) items.push_back(integer(value));
  return tuple(items);
}

inline std::string ordered_dict() {
  return global("collections", "OrderedDict") + ")R";
}

struct Tensor {
  std::string type = "FloatStorage", key = "0";
  int64_t elements = 4, offset = 0;
  std::vector<int64_t> shape = {2, 2}, strides = {2, 1};
};

inline std::string storage(const Tensor& tensor) {
  return tuple({text("storage"), global("torch", tensor.type), text(tensor.key), text("cpu"),
                integer(tensor.elements)}) +
         "Q";
}

inline std::string tensor(const Tensor& tensor = {}) {
  return global("torch._utils", "_rebuild_tensor_v2") +
         tuple({storage(tensor), integer(tensor.offset), integers(tensor.shape),
                integers(tensor.strides), "\x89", ordered_dict()}) +
         "R";
}

inline std::string item(std::string_view key, const std::string& value) {
  return text(key) + value + "s";
}

inline std::string whole(const std::string& opcodes) {
  return "\x80\x02" + opcodes + ".";
}

/// A dict of these items.
inline std::string dict(const std::vector<std::string>& items) {
  std::string bytes = "}";
  for (const auto& item : items) bytes += item;
  return whole(bytes);
}

}  // namespace pickled
