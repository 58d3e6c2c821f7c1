#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace spikesink::detail {

/// Returns e^x with an error of at most 2 ulp for -87 <= x <= 88. Other x are clamped to this
/// range. Has no branches, so that loops over it vectorize.
inline __attribute__((always_inline)) float fast_exp(float x) {
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  x = std::min(std::max(x, -87.0f), 88.0f);
  const float shifted = x * 1.44269504f + kRound;
  const float n = shifted - kRound;
  // x - n ln 2, with ln 2 split into two constants.
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const auto exponent = static_cast<uint32_t>(static_cast<int32_t>(n) + 127) << 23;
  return p * std::bit_cast<float>(exponent);
}
inline double fast_exp(double x) {
  return std::exp(x);
}

}  // namespace spikesink::detail
