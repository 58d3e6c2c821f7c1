#include <array>

#include "weights/gguf/block_types.h"

// This file is compiled with -ffp-contract=off: a fused multiply-add rounds once where the
// reference rounds twice.

namespace spikesink::detail {
namespace {

constexpr int kSmall = 32;   // elements of a block of Q4_0 ... Q8_0
constexpr int kSuper = 256;  // elements of a block of Q2_K ... Q8_K, TQ1_0, TQ2_0

// Q4_0: scale (half), 16 bytes whose low nibbles are elements 0-15 and high nibbles 16-31.
void q4_0(const uint8_t* __restrict block, float* __restrict out) {
  const float scale = half_at(block);
  const uint8_t* nibbles = block + 2;
  for (int j = 0; j < 16; ++j) out[j] = scale * static_cast<float>((nibbles[j] & 15) - 8);
  for (int j = 0; j < 16; ++j) out[16 + j] = scale * static_cast<float>((nibbles[j] >> 4) - 8);
}

// Q4_1: scale, minimum (halves), 16 bytes of nibbles as in Q4_0.
void q4_1(const uint8_t* __restrict block, float* __restrict out) {
  const float scale = half_at(block);
  const float minimum = half_at(block + 2);
  const uint8_t* nibbles = block + 4;
  for (int j = 0; j < 16; ++j) out[j] = scale * static_cast<float>(nibbles[j] & 15) + minimum;
  for (int j = 0; j < 16; ++j) out[16 + j] = scale * static_cast<float>(nibbles[j] >> 4) + minimum;
}

/// Combines the fifth bits (one 32-bit word, bit j for element j) with the nibbles.
std::array<uint8_t, kSmall> five_bits(const uint8_t* fifth_bits, const uint8_t* nibbles) {
  std::array<uint8_t, kSmall> values;
  const uint32_t high = value_at<uint32_t>(fifth_bits);
  for (int j = 0; j < 16; ++j) {
    values[j] = static_cast<uint8_t>((nibbles[j] & 15) | ((high >> j & 1) << 4));
    values[16 + j] = static_cast<uint8_t>((nibbles[j] >> 4) | ((high >> (16 + j) & 1) << 4));
  }
  return values;
}

// Q5_0: scale (half), fifth bits (4 bytes), 16 bytes of nibbles as in Q4_0.
void q5_0(const uint8_t* __restrict block, float* __restrict out) {
  const float scale = half_at(block);
  const auto values = five_bits(block + 2, block + 6);
  for (int j = 0; j < kSmall; ++j) out[j] = scale * static_cast<float>(values[j] - 16);
}

// Q5_1: scale, minimum (halves), fifth bits (4 bytes), 16 bytes of nibbles as in Q4_0.
void q5_1(const uint8_t* __restrict block, float* __restrict out) {
  const float scale = half_at(block);
  const float minimum = half_at(block + 2);
  const auto values = five_bits(block + 4, block + 8);
  for (int j = 0; j < kSmall; ++j) out[j] = scale * static_cast<float>(values[j]) + minimum;
}

// Q8_0: scale (half), 32 signed bytes.
void q8_0(const uint8_t* __restrict block, float* __restrict out) {
  const float scale = half_at(block);
  const uint8_t* bytes = block + 2;
  for (int j = 0; j < kSmall; ++j)
    out[j] = static_cast<float>(static_cast<int8_t>(bytes[j])) * scale;
}

// Q2_K: 16 bytes (low nibble scale, high nibble minimum of 16 elements), 2 x 32 bytes of four 2-bit
// planes, scale of scales, scale of minimums (halves).
void q2_k(const uint8_t* __restrict block, float* __restrict out) {
  const float scale = half_at(block + 80);
  const float minimum = half_at(block + 82);
  for (int group = 0; group < 16; ++group) {
    const uint8_t packed = block[group];
    const uint8_t* planes = block + 16 + group / 8 * 32 + group % 2 * 16;
    const int shift = group % 8 / 2 * 2;
    const float group_scale = scale * static_cast<float>(packed & 15);
    const float group_minimum = minimum * static_cast<float>(packed >> 4);
    for (int j = 0; j < 16; ++j)
      out[group * 16 + j] =
          group_scale * static_cast<float>(planes[j] >> shift & 3) - group_minimum;
  }
}

// Q3_K: 32 bytes (bit i: third bit of the i-th 32 elements, 0 means minus 4), 2 x 32 bytes of four
// 2-bit planes, 12 bytes of sixteen 6-bit scales (8 of nibbles, 4 of 2-bit planes), scale (half).
void q3_k(const uint8_t* __restrict block, float* __restrict out) {
  const uint8_t* packed = block + 96;
  const float scale = half_at(block + 108);
  for (int group = 0; group < 16; ++group) {
    const int low = packed[group % 8] >> (group / 8 * 4) & 15;
    const int high = packed[8 + group % 4] >> (group / 4 * 2) & 3;
    const float group_scale = scale * static_cast<float>((low | high << 4) - 32);
    const uint8_t* planes = block + 32 + group / 8 * 32 + group % 2 * 16;
    const uint8_t* third_bits = block + group % 2 * 16;
    const int shift = group % 8 / 2 * 2;
    const int bit = group / 2;
    for (int j = 0; j < 16; ++j) {
      const int offset = (third_bits[j] >> bit & 1) != 0 ? 0 : 4;
      out[group * 16 + j] = group_scale * static_cast<float>((planes[j] >> shift & 3) - offset);
    }
  }
}

struct ScaleAndMinimum {
  uint8_t scale;
  uint8_t minimum;
};

/// 12 bytes of eight 6-bit pairs: 4 scales, 4 minimums (their top 2 bits belong to the pairs 4-7),
/// 4 bytes of nibbles (low: scales 4-7, high: minimums 4-7).
ScaleAndMinimum unpack_pair(const uint8_t* packed, int pair) {
  const int j = pair % 4;
  const uint8_t scale = packed[j];
  const uint8_t minimum = packed[4 + j];
  if (pair < 4) return {static_cast<uint8_t>(scale & 63), static_cast<uint8_t>(minimum & 63)};
  const uint8_t nibbles = packed[8 + j];
  return {static_cast<uint8_t>((nibbles & 15) | (scale >> 2 & 48)),
          static_cast<uint8_t>((nibbles >> 4) | (minimum >> 2 & 48))};
}

// Q4_K: scale of scales, scale of minimums (halves), 12 bytes of pairs, 4 x 32 bytes of nibbles.
void q4_k(const uint8_t* __restrict block, float* __restrict out) {
  const float scale = half_at(block);
  const float minimum = half_at(block + 2);
  for (int group = 0; group < 8; ++group) {
    const ScaleAndMinimum pair = unpack_pair(block + 4, group);
    const float group_scale = scale * static_cast<float>(pair.scale);
    const float group_minimum = minimum * static_cast<float>(pair.minimum);
    const uint8_t* nibbles = block + 16 + group / 2 * 32;
    const int shift = group % 2 * 4;
    for (int j = 0; j < 32; ++j)
      out[group * 32 + j] =
          group_scale * static_cast<float>(nibbles[j] >> shift & 15) - group_minimum;
  }
}

// Q5_K: as Q4_K, with 32 bytes (bit i: fifth bit of the i-th 32 elements) before the nibbles.
void q5_k(const uint8_t* __restrict block, float* __restrict out) {
  const float scale = half_at(block);
  const float minimum = half_at(block + 2);
  const uint8_t* fifth_bits = block + 16;
  for (int group = 0; group < 8; ++group) {
    const ScaleAndMinimum pair = unpack_pair(block + 4, group);
    const float group_scale = scale * static_cast<float>(pair.scale);
    const float group_minimum = minimum * static_cast<float>(pair.minimum);
    const uint8_t* nibbles = block + 48 + group / 2 * 32;
    const int shift = group % 2 * 4;
    for (int j = 0; j < 32; ++j) {
      const int value = (nibbles[j] >> shift & 15) | (fifth_bits[j] >> group & 1) << 4;
      out[group * 32 + j] = group_scale * static_cast<float>(value) - group_minimum;
    }
  }
}

// Q6_K: 2 x 64 bytes of nibbles, 2 x 32 bytes of four 2-bit planes (the upper bits), 16 signed
// scales of 16 elements, scale of scales (half).
void q6_k(const uint8_t* __restrict block, float* __restrict out) {
  const uint8_t* scales = block + 192;
  const float scale = half_at(block + 208);
  for (int group = 0; group < 16; ++group) {
    const float group_scale = scale * static_cast<float>(static_cast<int8_t>(scales[group]));
    const uint8_t* nibbles = block + group / 8 * 64 + group % 4 * 16;
    const int nibble_shift = group % 8 / 4 * 4;
    const uint8_t* planes = block + 128 + group / 8 * 32 + group % 2 * 16;
    const int plane_shift = group % 8 / 2 * 2;
    for (int j = 0; j < 16; ++j) {
      const int value = (nibbles[j] >> nibble_shift & 15) | (planes[j] >> plane_shift & 3) << 4;
      out[group * 16 + j] = group_scale * static_cast<float>(value - 32);
    }
  }
}

// Q8_K: scale (float), 256 signed bytes, 16 sums (16 bits each) that are not read.
void q8_k(const uint8_t* __restrict block, float* __restrict out) {
  const auto scale = value_at<float>(block);
  const uint8_t* bytes = block + 4;
  for (int j = 0; j < kSuper; ++j)
    out[j] = scale * static_cast<float>(static_cast<int8_t>(bytes[j]));
}

/// Each of `count` bytes is a fraction of 256 in base 3. Writes all first digits, all second ones
/// and so on, and returns the end of what it wrote.
float* ternary_planes(const uint8_t* bytes, int count, int digits, float scale, float* out) {
  int power = 1;
  for (int digit = 0; digit < digits; ++digit, power *= 3) {
    for (int j = 0; j < count; ++j) {
      const auto fraction = static_cast<uint8_t>(bytes[j] * power);
      *out++ = scale * static_cast<float>((fraction * 3 >> 8) - 1);
    }
  }
  return out;
}

// TQ1_0: 32 and 16 bytes of five base-3 digits, 4 bytes of four, scale (half).
void tq1_0(const uint8_t* __restrict block, float* __restrict out) {
  const float scale = half_at(block + 52);
  out = ternary_planes(block, 32, 5, scale, out);
  out = ternary_planes(block + 32, 16, 5, scale, out);
  ternary_planes(block + 48, 4, 4, scale, out);
}

// TQ2_0: 2 x 32 bytes of four 2-bit planes, scale (half).
void tq2_0(const uint8_t* __restrict block, float* __restrict out) {
  const float scale = half_at(block + 64);
  for (int group = 0; group < 8; ++group) {
    const uint8_t* planes = block + group / 4 * 32;
    const int shift = group % 4 * 2;
    for (int j = 0; j < 32; ++j)
      out[group * 32 + j] = scale * static_cast<float>((planes[j] >> shift & 3) - 1);
  }
}

}  // namespace

std::span<const GgmlType> integer_types() {
  static constexpr std::array kTypes{
      quantised<q4_0, kSmall, 18>(2, "Q4_0"),    quantised<q4_1, kSmall, 20>(3, "Q4_1"),
      quantised<q5_0, kSmall, 22>(6, "Q5_0"),    quantised<q5_1, kSmall, 24>(7, "Q5_1"),
      quantised<q8_0, kSmall, 34>(8, "Q8_0"),    quantised<q2_k, kSuper, 84>(10, "Q2_K"),
      quantised<q3_k, kSuper, 110>(11, "Q3_K"),  quantised<q4_k, kSuper, 144>(12, "Q4_K"),
      quantised<q5_k, kSuper, 176>(13, "Q5_K"),  quantised<q6_k, kSuper, 210>(14, "Q6_K"),
      quantised<q8_k, kSuper, 292>(15, "Q8_K"),  quantised<tq1_0, kSuper, 54>(34, "TQ1_0"),
      quantised<tq2_0, kSuper, 66>(35, "TQ2_0"),
  };
  return kTypes;
}

}  // namespace spikesink::detail
