#include "weights/torch/pickle_values.h"

#include <array>

namespace spikesink::detail {

const char* kind_name(PickleValue::Kind kind) {
  constexpr std::array kNames = {"None",     "a boolean", "an integer", "a real number",
                                 "a string", "a tuple",   "a list",     "a dict",
                                 "a global", "a storage", "a tensor"};
  return kNames[kind];
}

std::span<const PickleGlobal> pickle_globals() {
  using Role = PickleGlobal::Role;
  static constexpr std::array<PickleGlobal, 13> kGlobals{{
      {"collections", "OrderedDict", Role::kOrderedDict},
      {"torch._utils", "_rebuild_tensor_v2", Role::kRebuildTensor},
      {"torch._utils", "_rebuild_parameter", Role::kRebuildParameter},
      {"torch", "DoubleStorage", Role::kStorage, torch::kFloat64},
      {"torch", "FloatStorage", Role::kStorage, torch::kFloat32},
      {"torch", "HalfStorage", Role::kStorage, torch::kFloat16},
      {"torch", "BFloat16Storage", Role::kStorage, torch::kBFloat16},
      {"torch", "LongStorage", Role::kStorage, torch::kInt64},
      {"torch", "IntStorage", Role::kStorage, torch::kInt32},
      {"torch", "ShortStorage", Role::kStorage, torch::kInt16},
      {"torch", "CharStorage", Role::kStorage, torch::kInt8},
      {"torch", "ByteStorage", Role::kStorage, torch::kUInt8},
      {"torch", "BoolStorage", Role::kStorage, torch::kBool},
  }};
  return kGlobals;
}

}  // namespace spikesink::detail
