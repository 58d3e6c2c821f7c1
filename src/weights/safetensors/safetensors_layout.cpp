#include "weights/safetensors/safetensors_layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

namespace spikesink::detail {
namespace {

constexpr std::array<SafetensorsDtype, 16> kDtypes{{{"F64", torch::kFloat64},
                                                    {"F32", torch::kFloat32},
                                                    {"F16", torch::kFloat16},
                                                    {"BF16", torch::kBFloat16},
                                                    {"I64", torch::kInt64},
                                                    {"I32", torch::kInt32},
                                                    {"I16", torch::kInt16},
                                                    {"I8", torch::kInt8},
                                                    {"U8", torch::kUInt8},
                                                    {"U64", torch::kUInt64},
                                                    {"U32", torch::kUInt32},
                                                    {"U16", torch::kUInt16},
                                                    {"BOOL", torch::kBool},
                                                    {"F8_E4M3", torch::kFloat8_e4m3fn},
                                                    {"F8_E5M2", torch::kFloat8_e5m2},
                                                    {"F8_E8M0", torch::kFloat8_e8m0fnu}}};

template <typename Predicate>
const SafetensorsDtype* find(Predicate predicate) {
  const auto found = std::find_if(kDtypes.begin(), kDtypes.end(), predicate);
  return found == kDtypes.end() ? nullptr : &*found;
}

}  // namespace

const SafetensorsDtype* find_safetensors_dtype(std::string_view name) {
  return find([&](const SafetensorsDtype& entry) { return entry.name == name; });
}

const SafetensorsDtype* find_safetensors_dtype(torch::ScalarType dtype) {
  return find([&](const SafetensorsDtype& entry) { return entry.dtype == dtype; });
}

std::string safetensors_dtype_names() {
  std::vector<std::string_view> names;
  for (const SafetensorsDtype& entry : kDtypes) names.push_back(entry.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace spikesink::detail
