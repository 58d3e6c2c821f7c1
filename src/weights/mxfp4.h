#pragma once

#include <torch/types.h>

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

namespace spikesink::detail {

/// E2M1 (a sign, two bits of exponent, one of mantissa), doubled to be integers; so the scales that
/// go with them are halved.
inline constexpr std::array<int8_t, 16> kTwiceE2m1 = {0, 1,  2,  3,  4,  6,  8,  12,
                                                      0, -1, -2, -3, -4, -6, -8, -12};

/// Half of 2^(exponent - 127).
inline float half_e8m0(uint8_t exponent) {
  constexpr uint32_t kTwoToMinus128 = 1U << 21;
  return std::bit_cast<float>(exponent < 2 ? kTwoToMinus128 << exponent : (exponent - 1U) << 23);
}

/// MXFP4 as Hugging Face's checkpoints of gpt-oss store it: blocks [..., groups, 16] whose bytes
/// hold two numbers, the low nibble first, and scales [..., groups], E8M0 or its bytes. The result,
/// float32 [..., groups * 32], is equal bit for bit to what transformers has. `where` names the
/// file and the tensor in a FormatError.
torch::Tensor dequantize_mxfp4(const torch::Tensor& blocks, const torch::Tensor& scales,
                               std::string_view where);

}  // namespace spikesink::detail
