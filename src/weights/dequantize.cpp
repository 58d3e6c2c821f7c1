#include "weights/dequantize.h"

#include <ATen/Parallel.h>
#include <c10/util/Half.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

// This file is compiled with -ffp-contract=off: a fused multiply-add rounds once where the
// reference rounds twice.

namespace spikesink::detail {
namespace {

constexpr int kSmall = 32;   // elements of a block of Q4_0 ... Q8_0
constexpr int kSuper = 256;  // elements of a block of Q2_K ... Q6_K

/// Of the output, handled at once: its pages are still in the cache when they are filled.
constexpr int64_t kStripElements = 1 << 15;

float half_at(const uint8_t* data) {
  uint16_t bits;
  std::memcpy(&bits, data, sizeof bits);
  return c10::detail::fp16_ieee_to_fp32_value(bits);
}

uint32_t word_at(const uint8_t* data) {
  uint32_t word;
  std::memcpy(&word, data, sizeof word);
  return word;
}

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

/// The fifth bits (one word, bit j for element j) joined to the nibbles.
std::array<uint8_t, kSmall> five_bits(const uint8_t* fifth_bits, const uint8_t* nibbles) {
  std::array<uint8_t, kSmall> values;
  const uint32_t high = word_at(fifth_bits);
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

template <auto kBlock, int kSize, int kBytes>
void each_block(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t i = 0; i < blocks; ++i) kBlock(data + i * kBytes, out + i * kSize);
}

template <auto kBlock, int kSize, int kBytes>
constexpr GgmlType quantised(uint32_t id, std::string_view name) {
  return {id, name, kSize, kBytes, torch::kFloat32, each_block<kBlock, kSize, kBytes>};
}

constexpr GgmlType plain(uint32_t id, std::string_view name, int64_t bytes,
                         torch::ScalarType dtype) {
  return {id, name, 1, bytes, dtype, nullptr};
}

constexpr std::array kTypes{
    plain(0, "F32", 4, torch::kFloat32),      plain(1, "F16", 2, torch::kFloat16),
    plain(30, "BF16", 2, torch::kBFloat16),   plain(28, "F64", 8, torch::kFloat64),
    plain(24, "I8", 1, torch::kInt8),         plain(25, "I16", 2, torch::kInt16),
    plain(26, "I32", 4, torch::kInt32),       plain(27, "I64", 8, torch::kInt64),
    quantised<q4_0, kSmall, 18>(2, "Q4_0"),   quantised<q4_1, kSmall, 20>(3, "Q4_1"),
    quantised<q5_0, kSmall, 22>(6, "Q5_0"),   quantised<q5_1, kSmall, 24>(7, "Q5_1"),
    quantised<q8_0, kSmall, 34>(8, "Q8_0"),   quantised<q2_k, kSuper, 84>(10, "Q2_K"),
    quantised<q3_k, kSuper, 110>(11, "Q3_K"), quantised<q4_k, kSuper, 144>(12, "Q4_K"),
    quantised<q5_k, kSuper, 176>(13, "Q5_K"), quantised<q6_k, kSuper, 210>(14, "Q6_K"),
};

constexpr std::array<std::pair<uint32_t, std::string_view>, 18> kUnsupported{{
    {9, "Q8_1"},
    {15, "Q8_K"},
    {16, "IQ2_XXS"},
    {17, "IQ2_XS"},
    {18, "IQ3_XXS"},
    {19, "IQ1_S"},
    {20, "IQ4_NL"},
    {21, "IQ3_S"},
    {22, "IQ2_S"},
    {23, "IQ4_XS"},
    {29, "IQ1_M"},
    {34, "TQ1_0"},
    {35, "TQ2_0"},
    {39, "MXFP4"},
    {40, "NVFP4"},
    {41, "Q1_0"},
    {4, "Q4_2"},
    {5, "Q4_3"},
}};

/// Brings in the whole pages of an output at once: faulting them in one by one takes longer than
/// computing it. (Huge pages gain no more, and at times take thrice as long.)
void populate(float* out, int64_t count) {
#ifdef MADV_POPULATE_WRITE
  static const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t first = (reinterpret_cast<uintptr_t>(out) + page - 1) / page * page;
  const uintptr_t last = reinterpret_cast<uintptr_t>(out + count) / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_POPULATE_WRITE);
#endif
}

}  // namespace

const GgmlType* find_ggml_type(uint32_t id) {
  const auto found = std::find_if(kTypes.begin(), kTypes.end(),
                                  [&](const GgmlType& type) { return type.id == id; });
  return found == kTypes.end() ? nullptr : &*found;
}

std::string ggml_type_name(uint32_t id) {
  if (const GgmlType* type = find_ggml_type(id)) return std::string(type->name);
  for (const auto& [other, name] : kUnsupported)
    if (other == id) return std::string(name);
  return fmt::format("type {}", id);
}

std::string supported_ggml_types() {
  std::vector<std::string_view> names;
  for (const GgmlType& type : kTypes) names.push_back(type.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

torch::Tensor dequantize(const GgmlType& type, const uint8_t* data, torch::IntArrayRef shape) {
  torch::Tensor result = torch::empty(shape, torch::kFloat32);
  float* out = result.data_ptr<float>();
  const int64_t strip = kStripElements / type.block_size;
  const int64_t blocks = result.numel() / type.block_size;
  at::parallel_for(0, (blocks + strip - 1) / strip, 1, [&](int64_t first, int64_t last) {
    for (int64_t begin = first * strip; begin < std::min(last * strip, blocks); begin += strip) {
      const int64_t count = std::min(strip, blocks - begin);
      float* part = out + begin * type.block_size;
      populate(part, count * type.block_size);
      type.dequantizer(data + begin * type.block_bytes, count, part);
    }
  });
  return result;
}

}  // namespace spikesink::detail
