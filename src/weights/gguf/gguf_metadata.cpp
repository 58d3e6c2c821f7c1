#include "weights/gguf/gguf_metadata.h"

#include <array>
#include <utility>
#include <vector>

namespace spikesink::detail {
namespace {

enum ValueType : uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64
};

/// Minimum size of a value in bytes; for a string, the size of its length field.
constexpr std::array<uint64_t, 13> kLeastBytes = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};

/// Calls `use` with the function that reads one value of `type`.
template <typename Use>
GgufValue with_reader(const GgufCursor& cursor, uint32_t type, Use use) {
  switch (type) {
    case kUint8:
      return use([](GgufCursor& c) { return c.integer<uint8_t>(); });
    case kInt8:
      return use([](GgufCursor& c) { return c.integer<int8_t>(); });
    case kUint16:
      return use([](GgufCursor& c) { return c.integer<uint16_t>(); });
    case kInt16:
      return use([](GgufCursor& c) { return c.integer<int16_t>(); });
    case kUint32:
      return use([](GgufCursor& c) { return c.integer<uint32_t>(); });
    case kInt32:
      return use([](GgufCursor& c) { return c.integer<int32_t>(); });
    case kUint64:
      return use([](GgufCursor& c) { return c.integer<uint64_t>(); });
    case kInt64:
      return use([](GgufCursor& c) { return c.integer<int64_t>(); });
    case kFloat32:
      return use([](GgufCursor& c) { return static_cast<double>(c.number<float>()); });
    case kFloat64:
      return use([](GgufCursor& c) { return c.number<double>(); });
    case kBool:
      return use([](GgufCursor& c) { return c.boolean(); });
    case kString:
      return use([](GgufCursor& c) { return c.string(); });
    case kArray:
      cursor.fail("a list of lists is not understood, expected a list of plain values");
    default:
      cursor.fail("unknown kind of value: got {}, expected 0 to 12", type);
  }
}

GgufValue read_list(GgufCursor& cursor) {
  const auto type = cursor.number<uint32_t>();
  return with_reader(cursor, type, [&](auto read) -> GgufValue {
    const uint64_t count = cursor.list_count(kLeastBytes[type]);
    std::vector<decltype(read(cursor))> list;
    list.reserve(count);
    for (uint64_t i = 0; i < count; ++i) list.push_back(read(cursor));
    return list;
  });
}

GgufValue read_value(GgufCursor& cursor) {
  const auto type = cursor.number<uint32_t>();
  if (type == kArray) return read_list(cursor);
  return with_reader(cursor, type, [&](auto read) -> GgufValue { return read(cursor); });
}

}  // namespace

GgufMetadata read_gguf_metadata(GgufCursor& cursor, uint64_t count) {
  GgufMetadata metadata;
  for (uint64_t i = 0; i < count; ++i) {
    cursor.enter(fmt::format("metadata {} of {}", i + 1, count));
    std::string key = cursor.name();
    cursor.enter(fmt::format("key '{}'", key));
    if (metadata.contains(key)) cursor.fail("a key occurs twice");
    GgufValue value = read_value(cursor);
    metadata.emplace(std::move(key), std::move(value));
  }
  return metadata;
}

}  // namespace spikesink::detail
