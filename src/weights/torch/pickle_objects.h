#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "weights/torch/pickle_cursor.h"
#include "weights/torch/pickle_values.h"

namespace spikesink::detail {

/// The objects that a pickle describes. Values refer to them by index.
struct PickleObjects {
  struct Entry {
    int64_t dict;
    PickleValue key, value;
  };
  struct Storage {
    const PickleGlobal* type;
    PickleValue key;
    int64_t elements;
  };
  struct Tensor {
    int64_t storage, offset;
    PickleValue shape, strides;
  };

  PickleObjects(std::string_view pickle, std::string_view where) : cursor(pickle, where) {}

  // Each throws FileError for a value of another kind; `what` names it.
  void expect(const PickleValue& value, PickleValue::Kind kind, const char* what) const;
  std::string_view text_of(const PickleValue& value, const char* what) const;
  int64_t integer_of(const PickleValue& value, const char* what) const;
  std::span<const PickleValue> items_of(const PickleValue& tuple, size_t count,
                                        std::string_view what) const;

  /// Returns the items of a value that is known to be a tuple.
  std::span<const PickleValue> items_of(const PickleValue& tuple) const;

  PickleCursor cursor;
  std::vector<PickleValue> items;  // of all tuples
  std::vector<Entry> entries;      // of all dicts, in the order in which they were set
  std::vector<Storage> storages;
  std::vector<Tensor> tensors;
};

}  // namespace spikesink::detail
