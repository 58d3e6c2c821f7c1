#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace spikesink::detail {

/// The limit of the `safetensors` library.
inline constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;

struct SafetensorsDtype {
  std::string_view name;
  torch::ScalarType dtype;
};

/// Return null for an unsupported dtype.
const SafetensorsDtype* find_safetensors_dtype(std::string_view name);
const SafetensorsDtype* find_safetensors_dtype(torch::ScalarType dtype);

/// Returns "F64, F32, ...", for error messages.
std::string safetensors_dtype_names();

}  // namespace spikesink::detail
