#include <array>
#include <cmath>

#include "weights/gguf/block_types.h"
#include "weights/quantised/mxfp4.h"

namespace spikesink::detail {
namespace {

using Table = std::array<int8_t, 16>;

/// The table of IQ4_NL: denser near zero, like the distribution of weights.
constexpr Table kNonLinear = {-127, -104, -83, -65, -49, -35, -22, -10,
                              1,    13,   25,  38,  53,  69,  89,  113};

/// Writes the values of the low nibbles of `count` bytes, then those of the high nibbles.
void look_up(const Table& table, float scale, const uint8_t* nibbles, int count, float* out) {
  for (int j = 0; j < count; ++j) out[j] = scale * static_cast<float>(table[nibbles[j] & 15]);
  for (int j = 0; j < count; ++j)
    out[count + j] = scale * static_cast<float>(table[nibbles[j] >> 4]);
}

// IQ4_NL: scale (half), 16 bytes of nibbles.
void iq4_nl(const uint8_t* block, float* out) {
  look_up(kNonLinear, half_at(block), block + 2, 16, out);
}

// IQ4_XS: scale of scales (half), upper 2 bits of eight 6-bit scales (2 bytes), their nibbles (4
// bytes), 8 x 16 bytes of nibbles.
void iq4_xs(const uint8_t* block, float* out) {
  const float scale = half_at(block);
  for (int group = 0; group < 8; ++group) {
    const int high = block[2 + group / 4] >> (group % 4 * 2) & 3;
    const int low = block[4 + group / 2] >> (group % 2 * 4) & 15;
    const float group_scale = scale * static_cast<float>((low | high << 4) - 32);
    look_up(kNonLinear, group_scale, block + 8 + group * 16, 16, out + group * 32);
  }
}

// MXFP4: scale (E8M0), 16 bytes of nibbles.
void mxfp4(const uint8_t* block, float* out) {
  look_up(kTwiceE2m1, half_e8m0(block[0]), block + 1, 16, out);
}

/// Returns half of an unsigned E4M3 number; the bit pattern of NaN is read as 0.
float half_e4m3(uint8_t bits) {
  if (bits == 0x7f) return 0;
  const int exponent = bits >> 3 & 15;
  const int mantissa = bits & 7;
  return exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -10)
                       : std::ldexp(static_cast<float>(8 + mantissa), exponent - 11);
}

// NVFP4: 4 scales (E4M3), 4 x 8 bytes of nibbles.
void nvfp4(const uint8_t* block, float* out) {
  for (int group = 0; group < 4; ++group)
    look_up(kTwiceE2m1, half_e4m3(block[group]), block + 4 + group * 8, 8, out + group * 16);
}

}  // namespace

std::span<const GgmlType> table_types() {
  static constexpr std::array kTypes{
      quantised<iq4_nl, 32, 18>(20, "IQ4_NL"),
      quantised<iq4_xs, 256, 136>(23, "IQ4_XS"),
      quantised<mxfp4, 32, 17>(39, "MXFP4"),
      quantised<nvfp4, 64, 36>(40, "NVFP4"),
  };
  return kTypes;
}

}  // namespace spikesink::detail
