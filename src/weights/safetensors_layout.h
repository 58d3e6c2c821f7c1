#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace spikesink::detail {

/// As the format's own library has it.
inline constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;

struct SafetensorsDtype {
  std::string_view name;
  torch::ScalarType dtype;
};

/// Null when there is none.
const SafetensorsDtype* find_safetensors_dtype(std::string_view name);
const SafetensorsDtype* find_safetensors_dtype(torch::ScalarType dtype);

/// "F64, F32, ...": for error messages.
std::string safetensors_dtype_names();

}  // namespace spikesink::detail
