#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace spikesink::detail {

/// Dequantises `blocks` consecutive blocks to float32.
using Dequantizer = void (*)(const uint8_t* data, int64_t blocks, float* out);

/// Memory layout of a GGML tensor type. A type that is not quantised has blocks of one element.
struct GgmlType {
  uint32_t id;
  std::string_view name;
  int64_t block_size;
  int64_t block_bytes;
  torch::ScalarType dtype;  // dtype of the tensor that is returned
  Dequantizer dequantizer;  // null if not quantised
};

/// Returns null for an unsupported type.
const GgmlType* find_ggml_type(uint32_t id);

/// Returns the name of any type, supported or not; "type 77" for an unknown id.
std::string ggml_type_name(uint32_t id);

/// Returns "F32, F16, ...", for error messages.
std::string supported_ggml_types();

/// Dequantises blocks to float32, in parallel. Equal bit for bit to gguf.quants.dequantize of the
/// `gguf` package; Q8_K, which it does not have, to ggml's formula.
torch::Tensor dequantize(const GgmlType& type, const uint8_t* data, torch::IntArrayRef shape);

}  // namespace spikesink::detail
