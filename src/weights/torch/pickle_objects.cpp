#include "weights/torch/pickle_objects.h"

namespace spikesink::detail {

void PickleObjects::expect(const PickleValue& value, PickleValue::Kind kind,
                           const char* what) const {
  if (value.kind != kind)
    cursor.fail("{}: got {}, expected {}", what, kind_name(value.kind), kind_name(kind));
}

std::string_view PickleObjects::text_of(const PickleValue& value, const char* what) const {
  expect(value, PickleValue::kString, what);
  return cursor.text(static_cast<uint64_t>(value.number), value.size);
}

int64_t PickleObjects::integer_of(const PickleValue& value, const char* what) const {
  expect(value, PickleValue::kInteger, what);
  return value.number;
}

std::span<const PickleValue> PickleObjects::items_of(const PickleValue& tuple) const {
  return std::span(items).subspan(static_cast<size_t>(tuple.number), tuple.size);
}

std::span<const PickleValue> PickleObjects::items_of(const PickleValue& tuple, size_t count,
                                                     std::string_view what) const {
  if (tuple.kind != PickleValue::kTuple || tuple.size != count) {
    cursor.fail("{}: got {} of {} items, expected a tuple of {}", what, kind_name(tuple.kind),
                tuple.size, count);
  }
  return items_of(tuple);
}

}  // namespace spikesink::detail
