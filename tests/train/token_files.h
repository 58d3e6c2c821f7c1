#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

namespace spikesink {

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// A file of token ids as llm.c writes them.
template <typename T>
std::string llmc_shard(int32_t magic, int32_t version, int32_t count, const std::vector<T>& ids) {
  std::vector<int32_t> header(256);
  header[0] = magic;
  header[1] = version;
  header[2] = count;
  return bytes_of(header) + bytes_of(ids);
}

/// All ids in a row.
inline std::vector<int64_t> ids_in(const torch::Tensor& ids) {
  const auto flat = ids.to(torch::kLong).flatten();
  return {flat.data_ptr<int64_t>(), flat.data_ptr<int64_t>() + flat.numel()};
}

}  // namespace spikesink
