#pragma once

#include <torch/types.h>

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

#include "weights/derived_weights.h"

namespace spikesink::detail {

/// E2M1 values (sign, two exponent bits, one mantissa bit), doubled so that they are integers;
/// their scales are halved in return.
inline constexpr std::array<int8_t, 16> kTwiceE2m1 = {0, 1,  2,  3,  4,  6,  8,  12,
                                                      0, -1, -2, -3, -4, -6, -8, -12};

/// Returns half of 2^(exponent - 127).
inline float half_e8m0(uint8_t exponent) {
  constexpr uint32_t kTwoToMinus128 = 1U << 21;
  return std::bit_cast<float>(exponent < 2 ? kTwoToMinus128 << exponent : (exponent - 1U) << 23);
}

/// Dequantises MXFP4 as stored in the Hugging Face checkpoints of gpt-oss: blocks [..., groups,
/// 16], two values per byte, the low nibble first, and scales [..., groups], E8M0 or its bytes.
/// Returns float32 [..., groups * 32], equal bit for bit to transformers. Throws FileError;
/// `where` names the file and the tensor.
torch::Tensor dequantize_mxfp4(const torch::Tensor& blocks, const torch::Tensor& scales,
                               std::string_view where);

/// Returns the matrices of a file that are stored as in gpt-oss: NAME_blocks [experts, out, in /
/// 32, 16] and NAME_scales make NAME [experts, in, out].
std::vector<DerivedTensor> mxfp4_tensors(const WeightSource& source);

}  // namespace spikesink::detail
