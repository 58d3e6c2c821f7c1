#include "weights/gguf/dequantize.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "weights/gguf/block_types.h"

namespace spikesink::detail {
namespace {

/// Output elements per strip: few enough that the pages of a strip are still in the cache when they
/// are written.
constexpr int64_t kStripElements = 1 << 15;

constexpr GgmlType plain(uint32_t id, std::string_view name, int64_t bytes,
                         torch::ScalarType dtype) {
  return {id, name, 1, bytes, dtype, nullptr};
}

constexpr std::array kPlainTypes{
    plain(0, "F32", 4, torch::kFloat32),    plain(1, "F16", 2, torch::kFloat16),
    plain(30, "BF16", 2, torch::kBFloat16), plain(28, "F64", 8, torch::kFloat64),
    plain(24, "I8", 1, torch::kInt8),       plain(25, "I16", 2, torch::kInt16),
    plain(26, "I32", 4, torch::kInt32),     plain(27, "I64", 8, torch::kInt64),
};

constexpr std::array<std::pair<uint32_t, std::string_view>, 4> kUnsupported{{
    {4, "Q4_2"},
    {5, "Q4_3"},
    {9, "Q8_1"},
    {41, "Q1_0"},
}};

const std::vector<GgmlType>& all_types() {
  static const std::vector<GgmlType> types = [] {
    std::vector<GgmlType> all(kPlainTypes.begin(), kPlainTypes.end());
    for (const auto group : {integer_types(), table_types(), grid_types()})
      all.insert(all.end(), group.begin(), group.end());
    return all;
  }();
  return types;
}

/// Maps all whole pages of an output at once, because page faults one by one take longer than the
/// computation. (Huge pages are not faster and sometimes three times slower.)
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
  const auto& types = all_types();
  const auto found =
      std::find_if(types.begin(), types.end(), [&](const GgmlType& type) { return type.id == id; });
  return found == types.end() ? nullptr : &*found;
}

std::string ggml_type_name(uint32_t id) {
  if (const GgmlType* type = find_ggml_type(id)) return std::string(type->name);
  for (const auto& [other, name] : kUnsupported)
    if (other == id) return std::string(name);
  return fmt::format("type {}", id);
}

std::string supported_ggml_types() {
  std::vector<std::string_view> names;
  for (const GgmlType& type : all_types()) names.push_back(type.name);
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
      float* strip_out = out + begin * type.block_size;
      populate(strip_out, count * type.block_size);
      type.dequantizer(data + begin * type.block_bytes, count, strip_out);
    }
  });
  return result;
}

}  // namespace spikesink::detail
