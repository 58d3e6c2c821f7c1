#pragma once

#include <torch/types.h>

#include <cstdint>

// Quantised matrices as integers ("codes") with scales of groups of columns.

namespace spikesink::detail {

inline constexpr int64_t kWordBits = 32;

/// Returns value / divisor, rounded up.
inline int64_t ceil_divide(int64_t value, int64_t divisor) {
  return value / divisor + (value % divisor != 0);
}

/// Unpacks integers of 1 to 8 bits: each row of `words` (any 32-bit integers, [rows, words]) is a
/// stream of bits, the lowest first. Returns uint8 [rows, words * 32 / bits].
torch::Tensor unpack_codes(const torch::Tensor& words, int64_t bits);

/// The scales of a matrix [rows, columns].
struct GroupScales {
  torch::Tensor scales;  // floating point [rows, groups]
  torch::Tensor zeros;   // [rows, groups]: codes whose value is zero; undefined: 0
  torch::Tensor biases;  // floating point [rows, groups], added to the values; undefined: 0
  torch::Tensor groups;  // integers [columns]: the group of each column; undefined: equal groups
};

/// Returns (codes - zeros) * scales + biases in float32; codes are int8, uint8 or FP8 [rows,
/// columns]. Throws std::invalid_argument for shapes that do not fit and groups that do not exist.
torch::Tensor dequantize_codes(const torch::Tensor& codes, const GroupScales& scales);

}  // namespace spikesink::detail
