#include <array>
#include <bit>

#include "weights/gguf/block_types.h"

namespace spikesink::detail {
namespace {

#include "weights/gguf/grid_tables.inc"

constexpr int kSuper = 256;  // elements of a block

template <size_t kValues>
using Row = std::array<int8_t, kValues>;

/// Replaces the indices in the entries of a grid by the levels they stand for.
template <size_t kValues, size_t kEntries, size_t kLevels>
constexpr auto unpacked(const uint16_t (&entries)[kEntries], const int8_t (&levels)[kLevels]) {
  constexpr size_t kBits = 16 / kValues;
  std::array<Row<kValues>, kEntries> grid{};
  for (size_t i = 0; i < kEntries; ++i)
    for (size_t j = 0; j < kValues; ++j)
      grid[i][j] = levels[entries[i] >> (j * kBits) & ((1 << kBits) - 1)];
  return grid;
}

constexpr auto kIq2Xxs = unpacked<8>(kIq2XxsEntries, kIq2XxsLevels);
constexpr auto kIq2Xs = unpacked<8>(kIq2XsEntries, kIq2XsLevels);
constexpr auto kIq2S = unpacked<8>(kIq2SEntries, kIq2SLevels);
constexpr auto kIq3Xxs = unpacked<4>(kIq3XxsEntries, kIq3XxsLevels);
constexpr auto kIq3S = unpacked<4>(kIq3SEntries, kIq3SLevels);
constexpr auto kIq1 = unpacked<8>(kIq1Entries, kIq1Levels);

/// The signs of eight elements for each byte: -1 (all bits set) for minus, else 0.
constexpr auto kSigns = [] {
  std::array<Row<8>, 256> signs{};
  for (size_t bits = 0; bits < signs.size(); ++bits)
    for (size_t j = 0; j < 8; ++j) signs[bits][j] = (bits >> j & 1) != 0 ? -1 : 0;
  return signs;
}();

/// The signs of eight elements for seven bits; the last one makes the number of minuses even.
constexpr auto kEvenSigns = [] {
  std::array<Row<8>, 128> signs{};
  for (size_t bits = 0; bits < signs.size(); ++bits)
    signs[bits] = kSigns[bits | static_cast<size_t>(std::popcount(bits) % 2) << 7];
  return signs;
}();

using Values = std::array<int8_t, kSuper>;

template <size_t kValues>
void put(const Row<kValues>& row, Values& values, int index) {
  std::memcpy(values.data() + static_cast<size_t>(index) * kValues, row.data(), kValues);
}

void change_signs(Values& levels, const Values& signs) {
  for (size_t j = 0; j < levels.size(); ++j)
    levels[j] = static_cast<int8_t>((levels[j] ^ signs[j]) - signs[j]);
}

/// Each scale is of equally many elements.
template <size_t kScales>
void write_scaled(const std::array<float, kScales>& scales, const Values& levels,
                  float* __restrict out) {
  constexpr size_t kGroup = kSuper / kScales;
  for (size_t group = 0; group < kScales; ++group)
    for (size_t j = group * kGroup; j < (group + 1) * kGroup; ++j)
      out[j] = scales[group] * static_cast<float>(levels[j]);
}

int nibble_at(const uint8_t* nibbles, int index) {
  return nibbles[index / 2] >> (index % 2 * 4) & 15;
}

/// Returns a scale of `scale` * (1/2 + step) / 4 for each of 16 nibbles.
std::array<float, 16> scales_of_16(float scale, const uint8_t* steps) {
  std::array<float, 16> scales;
  for (int i = 0; i < 16; ++i)
    scales[i] = scale * (0.5F + static_cast<float>(nibble_at(steps, i))) * 0.25F;
  return scales;
}

// IQ2_XXS: scale (half), 8 x (4 bytes of entries; 32 bits: 4 x 7 of signs, 4 of scale).
void iq2_xxs(const uint8_t* block, float* out) {
  const float scale = half_at(block);
  std::array<float, 8> scales;
  Values levels, signs;
  for (int group = 0; group < 8; ++group) {
    const uint8_t* entries = block + 2 + group * 8;
    const auto word = value_at<uint32_t>(entries + 4);
    scales[group] = scale * (0.5F + static_cast<float>(word >> 28)) * 0.25F;
    for (int i = 0; i < 4; ++i) {
      put(kIq2Xxs[entries[i]], levels, group * 4 + i);
      put(kEvenSigns[word >> (7 * i) & 127], signs, group * 4 + i);
    }
  }
  change_signs(levels, signs);
  write_scaled(scales, levels, out);
}

// IQ2_XS: scale (half), 32 x 16 bits (9 of an entry, 7 of signs), 8 bytes of nibbles (scales of 16
// elements).
void iq2_xs(const uint8_t* block, float* out) {
  Values levels, signs;
  for (int i = 0; i < 32; ++i) {
    const auto word = value_at<uint16_t>(block + 2 + i * 2);
    put(kIq2Xs[word & 511], levels, i);
    put(kEvenSigns[word >> 9], signs, i);
  }
  change_signs(levels, signs);
  write_scaled(scales_of_16(half_at(block), block + 66), levels, out);
}

// IQ2_S: scale (half), 32 bytes of entries, 32 bytes of signs, upper 2 bits of the entries (8
// bytes), 8 bytes of nibbles (scales of 16 elements).
void iq2_s(const uint8_t* block, float* out) {
  Values levels, signs;
  for (int i = 0; i < 32; ++i) {
    const int high = block[66 + i / 4] >> (i % 4 * 2) & 3;
    put(kIq2S[block[2 + i] | high << 8], levels, i);
    put(kSigns[block[34 + i]], signs, i);
  }
  change_signs(levels, signs);
  write_scaled(scales_of_16(half_at(block), block + 74), levels, out);
}

// IQ3_XXS: scale (half), 64 bytes of entries, 8 x 32 bits (4 x 7 of signs, 4 of scale).
void iq3_xxs(const uint8_t* block, float* out) {
  const float scale = half_at(block);
  std::array<float, 8> scales;
  Values levels, signs;
  for (int i = 0; i < 64; ++i) put(kIq3Xxs[block[2 + i]], levels, i);
  for (int group = 0; group < 8; ++group) {
    const auto word = value_at<uint32_t>(block + 66 + group * 4);
    scales[group] = scale * (0.5F + static_cast<float>(word >> 28)) * 0.5F;
    for (int i = 0; i < 4; ++i) put(kEvenSigns[word >> (7 * i) & 127], signs, group * 4 + i);
  }
  change_signs(levels, signs);
  write_scaled(scales, levels, out);
}

// IQ3_S: scale (half), 64 bytes of entries, their ninth bits (8 bytes), 32 bytes of signs, 4 bytes
// of nibbles (scales of 32 elements).
void iq3_s(const uint8_t* block, float* out) {
  const float scale = half_at(block);
  std::array<float, 8> scales;
  Values levels, signs;
  for (int i = 0; i < 64; ++i) {
    const int high = block[66 + i / 8] >> (i % 8) & 1;
    put(kIq3S[block[2 + i] | high << 8], levels, i);
  }
  for (int i = 0; i < 32; ++i) put(kSigns[block[74 + i]], signs, i);
  for (int i = 0; i < 8; ++i)
    scales[i] = scale * static_cast<float>(1 + 2 * nibble_at(block + 106, i));
  change_signs(levels, signs);
  write_scaled(scales, levels, out);
}

constexpr Row<8> row_of(int8_t value) {
  Row<8> row{};
  row.fill(value);
  return row;
}

/// In IQ1_S and IQ1_M every level is moved by an eighth: up, or down if the bit is set.
constexpr std::array kMoves{row_of(1), row_of(-1)};

void put_moved(int entry, int down, Values& levels, Values& moves, int index) {
  put(kIq1[entry], levels, index);
  put(kMoves[down], moves, index);
}

// An eighth of the scale times eight times the value is exact: a half is far from underflow.
template <size_t kScales>
void write_moved(std::array<float, kScales>& scales, Values& levels, const Values& moves,
                 float* out) {
  for (float& scale : scales) scale *= 0.125F;
  for (size_t j = 0; j < levels.size(); ++j)
    levels[j] = static_cast<int8_t>(8 * levels[j] + moves[j]);
  write_scaled(scales, levels, out);
}

// IQ1_S: scale (half), 32 bytes of entries, 8 x 16 bits (4 x 3 upper bits of entries, 3 of scale, 1
// of the move).
void iq1_s(const uint8_t* block, float* out) {
  const float scale = half_at(block);
  std::array<float, 8> scales;
  Values levels, moves;
  for (int group = 0; group < 8; ++group) {
    const int word = value_at<uint16_t>(block + 34 + group * 2);
    scales[group] = scale * static_cast<float>(2 * (word >> 12 & 7) + 1);
    for (int i = 0; i < 4; ++i) {
      const int high = word >> (i * 3) & 7;
      put_moved(block[2 + group * 4 + i] | high << 8, word >> 15, levels, moves, group * 4 + i);
    }
  }
  write_moved(scales, levels, moves, out);
}

// IQ1_M: 32 bytes of entries, 16 bytes of nibbles (3 upper bits of an entry, 1 of the move), 4 x 16
// bits (4 x 3 of scales of 16 elements, 4 of the scale of scales, a half).
void iq1_m(const uint8_t* block, float* out) {
  std::array<float, 16> scales;
  Values levels, moves;
  int half = 0;
  for (int i = 0; i < 4; ++i) half |= value_at<uint16_t>(block + 48 + i * 2) >> 12 << (i * 4);
  const float scale = c10::detail::fp16_ieee_to_fp32_value(static_cast<uint16_t>(half));
  for (int i = 0; i < 16; ++i) {
    const int step = value_at<uint16_t>(block + 48 + i / 4 * 2) >> (i % 4 * 3) & 7;
    scales[i] = scale * static_cast<float>(2 * step + 1);
  }
  for (int i = 0; i < 32; ++i) {
    const int high = nibble_at(block + 32, i);
    put_moved(block[i] | (high & 7) << 8, high >> 3, levels, moves, i);
  }
  write_moved(scales, levels, moves, out);
}

}  // namespace

std::span<const GgmlType> grid_types() {
  static constexpr std::array kTypes{
      quantised<iq2_xxs, kSuper, 66>(16, "IQ2_XXS"), quantised<iq2_xs, kSuper, 74>(17, "IQ2_XS"),
      quantised<iq3_xxs, kSuper, 98>(18, "IQ3_XXS"), quantised<iq1_s, kSuper, 50>(19, "IQ1_S"),
      quantised<iq3_s, kSuper, 110>(21, "IQ3_S"),    quantised<iq2_s, kSuper, 82>(22, "IQ2_S"),
      quantised<iq1_m, kSuper, 56>(29, "IQ1_M"),
  };
  return kTypes;
}

}  // namespace spikesink::detail
