#pragma once

#include <torch/types.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace spikesink::detail {

/// A value of the pickle machine. Small and without pointers, because a hostile pickle makes one
/// with every byte, and copies them.
struct PickleValue {
  enum Kind : uint32_t {
    kNone,
    kBoolean,
    kInteger,
    kReal,
    kString,
    kTuple,
    kList,
    kDict,
    kGlobal,
    kStorage,
    kTensor
  };

  Kind kind = kNone;
  uint32_t size = 0;  // kString: bytes; kTuple: items; kDict: 1 for an OrderedDict
  // kInteger: its value; kString: offset in the pickle; others: index in a list of the machine.
  int64_t number = 0;
};

/// Returns "an integer", "a dict", ..., for error messages.
const char* kind_name(PickleValue::Kind kind);

/// A function or class that a pickle may name.
struct PickleGlobal {
  enum Role { kOrderedDict, kRebuildTensor, kRebuildParameter, kStorage };

  std::string_view module, name;
  Role role;
  torch::ScalarType dtype = torch::kFloat32;  // of kStorage
};

std::span<const PickleGlobal> pickle_globals();

}  // namespace spikesink::detail
