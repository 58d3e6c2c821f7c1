#include "weights/quantised/codes.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>

#include "detail/fail.h"

namespace spikesink::detail {
namespace {

// Work of one task, in elements.
constexpr int64_t kGrain = 1 << 15;

int64_t rows_per_task(int64_t columns) {
  return std::max<int64_t>(1, kGrain / std::max<int64_t>(1, columns));
}

// Widths that divide a word: no code lies in two words.
template <int kBits>
void unpack_whole(const uint32_t* words, int64_t word_count, uint8_t* out) {
  constexpr int kCodes = kWordBits / kBits;
  for (int64_t word = 0; word < word_count; ++word) {
    for (int code = 0; code < kCodes; ++code)
      out[word * kCodes + code] =
          static_cast<uint8_t>(words[word] >> (code * kBits) & ((1U << kBits) - 1));
  }
}

void unpack_row(const uint32_t* words, int64_t word_count, int64_t bits, uint8_t* out) {
  if (bits == 2) return unpack_whole<2>(words, word_count, out);
  if (bits == 4) return unpack_whole<4>(words, word_count, out);
  if (bits == 8) return unpack_whole<8>(words, word_count, out);
  const uint32_t mask = (1U << bits) - 1;
  uint64_t pending = 0;
  int64_t pending_bits = 0;
  for (int64_t word = 0; word < word_count; ++word) {
    pending |= static_cast<uint64_t>(words[word]) << pending_bits;
    pending_bits += kWordBits;
    for (; pending_bits >= bits; pending_bits -= bits, pending >>= bits)
      *out++ = static_cast<uint8_t>(pending & mask);
  }
}

void check(const torch::Tensor& codes, const GroupScales& all) {
  const auto refuse = [&](const char* what, const torch::Tensor& tensor) {
    fail_argument("[dequantize_codes] {}: got the shape [{}] for codes [{}] and scales [{}]", what,
                  fmt::join(tensor.sizes(), ", "), fmt::join(codes.sizes(), ", "),
                  fmt::join(all.scales.sizes(), ", "));
  };
  if (codes.dim() != 2 || codes.element_size() != 1) refuse("the codes", codes);
  if (all.scales.dim() != 2 || all.scales.size(0) != codes.size(0) || all.scales.size(1) < 1)
    refuse("the scales", all.scales);
  for (const auto& other : {all.zeros, all.biases}) {
    if (other.defined() && other.sizes() != all.scales.sizes())
      refuse("the zeros or biases", other);
  }
  if (!all.groups.defined() && codes.size(1) % all.scales.size(1) != 0)
    refuse("the groups of columns are not equal", all.scales);
  if (all.groups.defined() && (all.groups.dim() != 1 || all.groups.size(0) != codes.size(1)))
    refuse("the groups of the columns", all.groups);
}

// Neighbouring columns of one group.
struct Run {
  int64_t begin, end, group;
};

std::vector<Run> equal_runs(int64_t columns, int64_t groups) {
  const int64_t size = std::max<int64_t>(1, columns / groups);
  std::vector<Run> runs;
  for (int64_t begin = 0; begin < columns; begin += size)
    runs.push_back({begin, std::min(begin + size, columns), begin / size});
  return runs;
}

std::vector<Run> listed_runs(const torch::Tensor& groups_of_columns, int64_t groups) {
  const auto listed = groups_of_columns.to(torch::kInt64).contiguous();
  const auto* group = listed.const_data_ptr<int64_t>();
  std::vector<Run> runs;
  for (int64_t column = 0; column < listed.numel(); ++column) {
    if (group[column] < 0 || group[column] >= groups)
      fail_argument("[dequantize_codes] the group of column {}: got {}, expected 0 to {}", column,
                    group[column], groups - 1);
    if (runs.empty() || runs.back().group != group[column])
      runs.push_back({column, column, group[column]});
    runs.back().end = column + 1;
  }
  return runs;
}

torch::Tensor as_floats(const torch::Tensor& values, const torch::Tensor& like) {
  return values.defined() ? values.to(torch::kFloat32).contiguous() : at::zeros_like(like);
}

// The value of each byte of an FP8 type.
std::array<float, 256> float8_values(torch::ScalarType dtype) {
  const auto values =
      at::arange(256, torch::kInt64).to(torch::kUInt8).view(dtype).to(torch::kFloat32);
  std::array<float, 256> table;
  std::copy_n(values.const_data_ptr<float>(), table.size(), table.begin());
  return table;
}

// Calls `dequantize` with the function that gives the value of a byte of `codes`.
template <typename Dequantize>
void with_decoder(torch::ScalarType dtype, const Dequantize& dequantize) {
  if (dtype == torch::kUInt8) {
    dequantize([](uint8_t code) { return static_cast<float>(code); });
  } else if (dtype == torch::kInt8) {
    dequantize([](uint8_t code) { return static_cast<float>(static_cast<int8_t>(code)); });
  } else {
    const auto values = float8_values(dtype);
    dequantize([&](uint8_t code) { return values[code]; });
  }
}

template <typename Decode>
void dequantize_rows(const torch::Tensor& codes, const GroupScales& floats,
                     const std::vector<Run>& runs, const Decode& decode, float* out) {
  const int64_t columns = codes.size(1), groups = floats.scales.size(1);
  const auto* code = static_cast<const uint8_t*>(codes.const_data_ptr());
  const auto* scales = floats.scales.const_data_ptr<float>();
  const auto* zeros = floats.zeros.const_data_ptr<float>();
  const auto* biases = floats.biases.const_data_ptr<float>();
  at::parallel_for(0, codes.size(0), rows_per_task(columns), [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      for (const auto& run : runs) {
        const int64_t group = row * groups + run.group;
        const float scale = scales[group], zero = zeros[group], bias = biases[group];
        for (int64_t i = row * columns + run.begin; i < row * columns + run.end; ++i)
          out[i] = (decode(code[i]) - zero) * scale + bias;
      }
    }
  });
}

}  // namespace

torch::Tensor unpack_codes(const torch::Tensor& words, int64_t bits) {
  if (words.dim() != 2 || words.element_size() != 4 || bits < 1 || bits > 8)
    fail_argument(
        "[unpack_codes] got {} of the shape [{}] and {} bits, expected 32-bit words "
        "[rows, words] and 1 to 8 bits",
        c10::toString(words.scalar_type()), fmt::join(words.sizes(), ", "), bits);
  const auto packed = words.contiguous();
  const int64_t rows = words.size(0), count = words.size(1), columns = count * kWordBits / bits;
  auto result = at::empty({rows, columns}, torch::kUInt8);
  const auto* data = static_cast<const uint32_t*>(packed.const_data_ptr());
  auto* out = result.data_ptr<uint8_t>();
  at::parallel_for(0, rows, rows_per_task(columns), [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row)
      unpack_row(data + row * count, count, bits, out + row * columns);
  });
  return result;
}

torch::Tensor dequantize_codes(const torch::Tensor& codes, const GroupScales& scales) {
  check(codes, scales);
  GroupScales floats{.scales = scales.scales.to(torch::kFloat32).contiguous()};
  floats.zeros = as_floats(scales.zeros, floats.scales);
  floats.biases = as_floats(scales.biases, floats.scales);
  const auto runs = scales.groups.defined() ? listed_runs(scales.groups, scales.scales.size(1))
                                            : equal_runs(codes.size(1), scales.scales.size(1));
  auto result = at::empty(codes.sizes(), torch::kFloat32);
  const auto bytes = codes.contiguous();
  with_decoder(codes.scalar_type(), [&](const auto& decode) {
    dequantize_rows(bytes, floats, runs, decode, result.template data_ptr<float>());
  });
  return result;
}

}  // namespace spikesink::detail
