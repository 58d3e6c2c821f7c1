#pragma once

#include <c10/util/Half.h>

#include <cstring>
#include <span>

#include "weights/gguf/dequantize.h"

namespace spikesink::detail {

/// The types whose values are a scale times an integer (plus a minimum): Q4_0 ... Q8_K, TQ1_0,
/// TQ2_0.
std::span<const GgmlType> integer_types();

/// The types whose values are a scale times one of sixteen table entries: IQ4_NL, IQ4_XS, MXFP4,
/// NVFP4.
std::span<const GgmlType> table_types();

/// The types whose values are a scale times an entry of a grid, eight or four values at once: IQ1_S
/// ... IQ3_S.
std::span<const GgmlType> grid_types();

template <typename T>
T value_at(const uint8_t* data) {
  T value;
  std::memcpy(&value, data, sizeof value);
  return value;
}

inline float half_at(const uint8_t* data) {
  return c10::detail::fp16_ieee_to_fp32_value(value_at<uint16_t>(data));
}

template <auto kBlock, int kSize, int kBytes>
void each_block(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t i = 0; i < blocks; ++i) kBlock(data + i * kBytes, out + i * kSize);
}

/// A type with blocks of kSize elements in kBytes bytes; kBlock dequantises one block.
template <auto kBlock, int kSize, int kBytes>
constexpr GgmlType quantised(uint32_t id, std::string_view name) {
  return {id, name, kSize, kBytes, torch::kFloat32, each_block<kBlock, kSize, kBytes>};
}

}  // namespace spikesink::detail
