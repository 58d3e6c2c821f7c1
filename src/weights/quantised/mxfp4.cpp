#include "weights/quantised/mxfp4.h"

#include <ATen/Parallel.h>

#include "detail/fail.h"
#include "weights/quantised/methods.h"

namespace spikesink::detail {
namespace {

constexpr int64_t kGroupBytes = 16;
constexpr int64_t kGroupElements = 32;

void check_dtypes(torch::ScalarType blocks, torch::ScalarType scales, std::string_view where) {
  if (blocks != torch::kByte || (scales != torch::kByte && scales != torch::kFloat8_e8m0fnu)) {
    fail_format(
        "[dequantize_mxfp4] the dtypes: got blocks of {} and scales of {}, expected Byte ({})",
        c10::toString(blocks), c10::toString(scales), where);
  }
}

void check_shapes(torch::IntArrayRef blocks, torch::IntArrayRef scales, std::string_view where) {
  if (scales.empty() || blocks.size() != scales.size() + 1 || blocks.back() != kGroupBytes ||
      blocks.slice(0, scales.size()) != scales) {
    fail_format(
        "[dequantize_mxfp4] the shapes do not fit: got blocks [{}] and scales [{}], expected [..., "
        "groups, {}] and [..., groups] ({})",
        fmt::join(blocks, ", "), fmt::join(scales, ", "), kGroupBytes, where);
  }
}

/// The value of each nibble. Negative zero exists here, unlike in GGUF.
std::array<float, 16> scaled_values(uint8_t scale) {
  std::array<float, 16> values;
  for (int i = 0; i < 8; ++i) {
    values[i] = half_e8m0(scale) * static_cast<float>(kTwiceE2m1[i]);
    values[8 + i] = -values[i];
  }
  return values;
}

}  // namespace

torch::Tensor dequantize_mxfp4(const torch::Tensor& blocks, const torch::Tensor& scales,
                               std::string_view where) {
  check_dtypes(blocks.scalar_type(), scales.scalar_type(), where);
  check_shapes(blocks.sizes(), scales.sizes(), where);
  std::vector<int64_t> shape = scales.sizes().vec();
  shape.back() *= kGroupElements;
  torch::Tensor result = torch::empty(shape, torch::kFloat32);
  const torch::Tensor packed = blocks.contiguous();
  const torch::Tensor exponents = scales.view(torch::kByte).contiguous();
  const uint8_t* bytes = packed.const_data_ptr<uint8_t>();
  const uint8_t* scale = exponents.const_data_ptr<uint8_t>();
  float* out = result.data_ptr<float>();
  at::parallel_for(0, scales.numel(), 1024, [&](int64_t first, int64_t last) {
    for (int64_t group = first; group < last; ++group) {
      const auto values = scaled_values(scale[group]);
      for (int64_t i = group * kGroupBytes; i < (group + 1) * kGroupBytes; ++i) {
        out[2 * i] = values[bytes[i] & 15];
        out[2 * i + 1] = values[bytes[i] >> 4];
      }
    }
  });
  return result;
}

namespace {

bool is_empty(const TensorInfo& info) {
  return std::ranges::find(info.shape, 0) != info.shape.end();
}

}  // namespace

std::vector<DerivedTensor> mxfp4_tensors(const WeightSource& source) {
  constexpr std::string_view kSuffix = "_blocks";
  std::vector<DerivedTensor> derived;
  for (const auto& info : source.tensors()) {
    if (!info.name.ends_with(kSuffix) || info.shape.size() < 3 || is_empty(info)) continue;
    const auto name = info.name.substr(0, info.name.size() - kSuffix.size());
    const auto scales = name + "_scales";
    if (!source.contains(scales))
      fail_format("[load_model] the tensor '{}' is missing, expected it beside '{}' ({})", scales,
                  info.name, source.path().string());
    auto shape = info.shape;
    shape.pop_back();
    shape.back() = shape.back() * kGroupElements;
    std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
    derived.push_back({{name, std::move(shape), "F32"},
                       {info.name, scales},
                       [where = fmt::format("{}, {}", source.path().string(), name)](
                           const std::vector<torch::Tensor>& inputs) {
                         return dequantize_mxfp4(inputs[0], inputs[1], where).transpose(-1, -2);
                       }});
  }
  return derived;
}

Quantisation read_mxfp4(JsonKeys&) {
  return {.summary = "mxfp4", .derive = mxfp4_tensors};
}

}  // namespace spikesink::detail
