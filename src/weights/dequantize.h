#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace spikesink::detail {

/// Turns `blocks` consecutive blocks into floats.
using Dequantizer = void (*)(const uint8_t* data, int64_t blocks, float* out);

/// How a tensor type of GGML lies in memory. A plain type is a block of one element.
struct GgmlType {
  uint32_t id;
  std::string_view name;
  int64_t block_size;
  int64_t block_bytes;
  torch::ScalarType dtype;  // that of the tensor which is read
  Dequantizer dequantizer;  // null for a plain type
};

/// Null when the type is not supported.
const GgmlType* find_ggml_type(uint32_t id);

/// Of any type, supported or not; "type 77" for one never heard of.
std::string ggml_type_name(uint32_t id);

/// "F32, F16, ...": for error messages.
std::string supported_ggml_types();

/// Blocks to float32, in parallel; equal bit for bit to gguf.quants.dequantize of the `gguf`
/// package.
torch::Tensor dequantize(const GgmlType& type, const uint8_t* data, torch::IntArrayRef shape);

}  // namespace spikesink::detail
